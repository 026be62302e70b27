import { HOOKS, register } from '@engine/core';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

/** Tells the sampler which epoch begins, so that every epoch has its own order. */
@register(HOOKS)
export class DistSamplerSeedHook extends Hook {
  override beforeTrainEpoch(run: Run): void {
    run.trainLoop!.dataloader.setEpoch(run.epoch);
  }
}

declare module '@engine/core' {
  interface HookTypes {
    DistSamplerSeedHook: { priority?: number | string };
  }
}
