import { describe, expect, it } from 'vitest';
import { ValSchedule, type DynamicInterval } from './intervals.js';

const dueSteps = (schedule: ValSchedule, max: number): number[] =>
  Array.from({ length: max }, (_, i) => i + 1).filter((step) => schedule.due(step, max));

describe('ValSchedule', () => {
  it('validates every interval and at the end', () => {
    expect(dueSteps(new ValSchedule(5, 1), 12)).toEqual([5, 10, 12]);
  });

  it('waits for its begin', () => {
    expect(dueSteps(new ValSchedule(1, 2), 3)).toEqual([2, 3]);
  });

  // mmengine's own case: interval 5, [(11, 2)], 12 steps.
  it('changes the interval at a milestone, judged by the step to come', () => {
    expect(dueSteps(new ValSchedule(5, 1, [[11, 2]]), 12)).toEqual([5, 10, 12]);
  });

  it('refuses milestones that are no pairs', () => {
    expect(() => new ValSchedule(1, 1, [3] as unknown as DynamicInterval[])).toThrow(
      /trainCfg.dynamicIntervals/,
    );
  });
});
