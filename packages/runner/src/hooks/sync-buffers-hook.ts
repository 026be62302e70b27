import { checkKeys, HOOKS, register } from '@engine/core';
import { assign } from '@engine/nn';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface SyncBuffersHookOptions {
  priority?: number | string;
}

/**
 * With several processes: averages buffers of floating point, such as running statistics, over all of them after each
 * epoch, and before a validation unless that has just been done. Gradients are shared elsewhere; buffers are not.
 */
@register(HOOKS)
export class SyncBuffersHook extends Hook {
  private syncedAt = -1;

  constructor(options: SyncBuffersHookOptions = {}) {
    super();
    checkKeys('SyncBuffersHook', options, ['priority']);
  }

  override async afterTrainEpoch(run: Run): Promise<void> {
    await this.sync(run);
  }

  override async beforeValEpoch(run: Run): Promise<void> {
    if (run.trainLoop && this.syncedAt !== run.iter) await this.sync(run);
  }

  private async sync(run: Run): Promise<void> {
    this.syncedAt = run.iter;
    if (run.processGroup.worldSize === 1) return;
    for (const [, buffer] of run.model.namedBuffers()) {
      if (buffer.dtype === 'float32') assign(buffer, await run.processGroup.allReduce(buffer, 'mean'));
    }
  }
}

declare module '@engine/core' {
  interface HookTypes {
    SyncBuffersHook: SyncBuffersHookOptions;
  }
}
