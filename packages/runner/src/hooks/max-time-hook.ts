import { badValue, checkKeys, HOOKS, parseDuration, register } from '@engine/core';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface MaxTimeHookOptions {
  /** How long this launch may train, from the start of training: `'2h'`, `'1h30min'`, `'90s'`. */
  maxTime: string;
  priority?: number | string;
}

/**
 * Ends a launch in time: after the iteration in which the time is up the run saves a checkpoint and stops, and the same
 * command with `--resume` goes on. The time counts for each launch anew.
 */
@register(HOOKS)
export class MaxTimeHook extends Hook {
  private readonly maxTime: string;
  private readonly seconds: number;
  private deadline = Infinity;

  /** @throws E_DURATION, E_CONFIG_VALUE */
  constructor(options: MaxTimeHookOptions) {
    super();
    checkKeys('MaxTimeHook', options, ['maxTime', 'priority']);
    const { unit, value } = parseDuration(options.maxTime, 'MaxTimeHook.maxTime');
    if (unit !== 'second') {
      throw badValue(
        'MaxTimeHook.maxTime',
        options.maxTime,
        "a time, such as '2h'",
        'trainCfg limits epochs',
      );
    }
    this.maxTime = options.maxTime;
    this.seconds = value;
  }

  override beforeTrain(): void {
    this.deadline = performance.now() + this.seconds * 1000;
  }

  override afterTrainIter(run: Run): void {
    this.check(run);
  }

  override afterValIter(run: Run): void {
    if (run.trainLoop) this.check(run);
  }

  private check(run: Run): void {
    if (performance.now() >= this.deadline) run.requestStop(`the time limit of ${this.maxTime}`);
  }
}

declare module '@engine/core' {
  interface HookTypes {
    MaxTimeHook: MaxTimeHookOptions;
  }
}
