import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface LRMonitorHookOptions {
  /** Record momentum (or the first beta) too; false. */
  logMomentum?: boolean;
  priority?: number | string;
}

/**
 * Records the learning rate of every parameter group, where RuntimeInfoHook records the first one's:
 * `train/group0_lr`, `train/group1_lr`, …, and `train/generator.group0_lr` with several optimizers. Of an optimizer
 * with one group it records nothing anew.
 */
@register(HOOKS)
export class LRMonitorHook extends Hook {
  override priority = 'HIGH' as const;
  private readonly logMomentum: boolean;
  /** Keys of the groups by the name under which the wrapper reports them, made once. */
  private readonly keys = new Map<string, string[]>();

  constructor(options: LRMonitorHookOptions = {}) {
    super();
    checkKeys('LRMonitorHook', options, ['logMomentum', 'priority']);
    this.logMomentum = options.logMomentum ?? false;
    if (typeof this.logMomentum !== 'boolean') {
      throw badValue('LRMonitorHook.logMomentum', options.logMomentum, 'true or false');
    }
  }

  override beforeTrainIter(run: Run): void {
    const rates = run.optimWrapper.getLr();
    for (const name in rates) if (rates[name]!.length > 1) this.record(run, name, rates[name]!);
    if (!this.logMomentum) return;
    const momenta = run.optimWrapper.getMomentum();
    for (const name in momenta) {
      if (momenta[name]!.length > 1) this.record(run, name, momenta[name]!);
      else run.messageHub.updateScalar(`train/${name}`, momenta[name]![0]!);
    }
  }

  private record(run: Run, name: string, values: readonly number[]): void {
    let keys = this.keys.get(name);
    if (keys?.length !== values.length) {
      const dot = name.lastIndexOf('.') + 1;
      keys = values.map((_, i) => `train/${name.slice(0, dot)}group${i}_${name.slice(dot)}`);
      this.keys.set(name, keys);
    }
    for (let i = 0; i < values.length; i++) run.messageHub.updateScalar(keys[i]!, values[i]!);
  }
}

declare module '@engine/core' {
  interface HookTypes {
    LRMonitorHook: LRMonitorHookOptions;
  }
}
