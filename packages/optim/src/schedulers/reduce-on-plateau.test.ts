import { describe, expect, it } from 'vitest';
import { ReduceOnPlateauLR, type ParamGroup, type ParamScheduler, type SchedulerTarget } from '../index.js';

/** Something with groups, for rules that need no optimizer. */
function groupsOf(...lr: number[]): SchedulerTarget & { paramGroups: [ParamGroup, ...ParamGroup[]] } {
  return { defaults: { lr: 0.05 }, paramGroups: lr.map((value) => ({ params: [], lr: value })) as never };
}

describe('ReduceOnPlateau', () => {
  const feed = (scheduler: ParamScheduler, target: SchedulerTarget, losses: number[]): number[] =>
    losses.map((loss) => {
      scheduler.step({ loss });
      return target.paramGroups[0]!.lr;
    });

  it('waits out patience and cooldown, and stops at the lowest value', () => {
    const target = groupsOf(1);
    const scheduler = new ReduceOnPlateauLR(target, { patience: 1, cooldown: 2, factor: 0.5, minValue: 0.3 });
    // Bad: 2nd and 3rd, reduced at the 3rd; the next two are not counted; bad again 6th and 7th.
    expect(feed(scheduler, target, Array<number>(11).fill(1))).toEqual([
      1, 1, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3,
    ]);
    expect(scheduler.needsMetrics).toBe(true);
  });

  it.each([
    ['less', 'rel', [1, 0.91, 0.89], [1, 0.5, 0.5]],
    ['less', 'abs', [2, 1.89, 1.85], [1, 1, 0.5]],
    ['greater', 'rel', [1, 1.09, 1.11], [1, 0.5, 0.5]],
    ['greater', 'abs', [2, 2.11, 2.15], [1, 1, 0.5]],
  ] as const)('asks for %s by a threshold that is %s', (rule, thresholdRule, losses, expected) => {
    const target = groupsOf(1);
    const options = { rule, thresholdRule, threshold: 0.1, patience: 0, factor: 0.5 };
    expect(feed(new ReduceOnPlateauLR(target, options), target, [...losses])).toEqual(expected);
  });

  it('acts inside its interval of epochs only, and resumes', () => {
    const target = groupsOf(1);
    const options = { patience: 0, factor: 0.5, begin: 2, end: 5 };
    const scheduler = new ReduceOnPlateauLR(target, options);
    const epochs = (from: ParamScheduler, n: number): number[] =>
      Array.from({ length: n }, () => {
        from.step();
        from.step({ loss: 1 });
        return target.paramGroups[0].lr;
      });
    expect(epochs(scheduler, 3)).toEqual([1, 1, 0.5]);
    const resumed = new ReduceOnPlateauLR(target, options);
    resumed.loadStateDict(JSON.parse(JSON.stringify(scheduler.stateDict())));
    expect(epochs(resumed, 3)).toEqual([0.25, 0.25, 0.25]);
  });

  it('needs its metric', () => {
    const scheduler = new ReduceOnPlateauLR(groupsOf(1), { monitor: 'accuracy/top1' });
    expect(() => scheduler.step({ 'accuracy/top2': 1 })).toThrow(
      /E_SCHEDULER_MONITOR[^]*did you mean 'accuracy\/top2'/,
    );
  });
});
