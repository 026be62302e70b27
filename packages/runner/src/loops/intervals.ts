import { badValue } from '@engine/core';

/** `[milestone, interval]`: from that step on, validate every `interval` steps. */
export type DynamicInterval = readonly [milestone: number, interval: number];

/**
 * When validation happens: from `begin` on, every `interval` steps, where the interval may change at milestones.
 * Steps are epochs or iterations, counted from 1.
 */
export class ValSchedule {
  private readonly milestones: number[];
  private readonly intervals: number[];

  constructor(
    readonly interval: number,
    readonly begin: number,
    dynamicIntervals: readonly DynamicInterval[] = [],
  ) {
    if (!Number.isInteger(interval) || interval < 1) {
      throw badValue('trainCfg.valInterval', interval, 'a whole number above 0');
    }
    if (typeof begin !== 'number' || !(begin >= 0))
      throw badValue('trainCfg.valBegin', begin, 'a number of 0 or more');
    const valid =
      Array.isArray(dynamicIntervals) &&
      dynamicIntervals.every(
        (pair) => Array.isArray(pair) && pair.length === 2 && pair.every(Number.isInteger),
      );
    if (!valid) {
      throw badValue(
        'trainCfg.dynamicIntervals',
        dynamicIntervals,
        'a list of [milestone, interval] pairs of whole numbers',
      );
    }
    this.milestones = [0, ...dynamicIntervals.map(([milestone]) => milestone)];
    this.intervals = [interval, ...dynamicIntervals.map(([, every]) => every)];
  }

  /** The interval in force once `done` steps are complete: that of the step to come. */
  intervalAt(done: number): number {
    let current = this.interval;
    for (let i = 0; i < this.milestones.length; i++)
      if (this.milestones[i]! <= done + 1) current = this.intervals[i]!;
    return current;
  }

  /** Whether to validate now that `done` steps are complete, of `max`. The last step always validates. */
  due(done: number, max: number): boolean {
    return done >= this.begin && (done % this.intervalAt(done) === 0 || done === max);
  }
}
