import { PARAM_SCHEDULERS } from '@engine/core';
import { tf, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import {
  buildParamScheduler,
  CosineAnnealingLR,
  OneCycleLR,
  ParamScheduler,
  SGD,
  type ParamGroup,
  type SchedulerTarget,
} from '../index.js';

function param(name: string): ParamRef {
  const variable = tf.variable(tf.scalar(0));
  return { name, leaf: name, variable, requiresGrad: true, layout: 'none', ownerKind: 'other' };
}

/** Something with groups, for rules that need no optimizer. */
function groupsOf(...lr: number[]): SchedulerTarget & { paramGroups: [ParamGroup, ...ParamGroup[]] } {
  return { defaults: { lr: 0.05 }, paramGroups: lr.map((value) => ({ params: [], lr: value })) as never };
}

describe('options of schedulers', () => {
  it.each([
    { type: 'ConstantLR', factor: 2 },
    { type: 'LinearLR', startFactor: 0 },
    { type: 'LinearLR', endFactor: 1.5 },
    { type: 'StepLR', stepSize: 0 },
    { type: 'MultiStepLR', milestones: [1.5] },
    { type: 'ExponentialLR' },
    { type: 'CosineAnnealingLR', etaMin: 0, etaMinRatio: 0.1 },
    { type: 'CosineRestartLR', periods: [3, 3], etaMin: 0 },
    { type: 'CosineRestartLR', periods: [3] },
    { type: 'OneCycleLR', etaMax: 1 },
    { type: 'OneCycleLR', etaMax: [1, 2], totalSteps: 5 },
    { type: 'OneCycleLR', totalSteps: 5, pctStart: 2 },
    { type: 'OneCycleLR', totalSteps: 5, annealStrategy: 'cosine' },
    { type: 'ReduceOnPlateauLR', factor: 1 },
    { type: 'ReduceOnPlateauLR', byEpoch: false },
    { type: 'ReduceOnPlateauLR', rule: 'more' },
    { type: 'ReduceOnPlateauLR', minValue: [0, 0] },
    { type: 'PolyLR', begin: 3, end: 3 },
    { type: 'PolyLR', begin: -1 },
  ])('%j is refused', (config) => {
    expect(() => PARAM_SCHEDULERS.build(config as never, { args: [groupsOf(1)] })).toThrow(/E_CONFIG_VALUE/);
  });

  it('reach the top at once where the rise of a cycle has no length', () => {
    const target = groupsOf(1);
    const scheduler = new OneCycleLR(target, { etaMax: 0.5, totalSteps: 10, pctStart: 0.1 });
    expect(scheduler.getLastValue()).toEqual([0.5]);
  });

  it('keep the initial value they were built with, also over a resume', () => {
    const build = (lr: number) => {
      const target = groupsOf(lr);
      const cosine = new CosineAnnealingLR(target, { tMax: 4, begin: 1 });
      new OneCycleLR(target, { etaMax: 25, totalSteps: 9, end: 1 });
      return { target, cosine };
    };
    const saved = build(0.2).cosine.stateDict();
    expect(saved.initialValues).toEqual([0.2]);
    const { cosine } = build(0.7);
    cosine.loadStateDict(saved);
    expect(cosine.stateDict().initialValues).toEqual([0.2]);
  });

  it('take a list without the synthetic base group, which goes with the last', () => {
    const base = groupsOf(1, 2, 3);
    const target = { ...base, baseParamSettings: base.paramGroups[2] };
    new OneCycleLR(target, { etaMax: [50, 100], totalSteps: 5 });
    expect(target.paramGroups.map(({ lr }) => lr)).toEqual([2, 4, 4]);
    expect(() => new OneCycleLR(target, { etaMax: [50], totalSteps: 5 })).toThrow('2 numbers');
  });

  it('that nobody knows are refused, and targets that are none', () => {
    const build = (config: object, target: unknown = groupsOf(1)) =>
      PARAM_SCHEDULERS.build(config as never, { args: [target] });
    expect(() => build({ type: 'StepLR', stepSise: 3 })).toThrow(
      /E_CONFIG_UNKNOWN_KEY[^]*did you mean 'stepSize'/,
    );
    expect(() => build({ type: 'PolyLR' }, {})).toThrow(/E_CONFIG_VALUE[^]*PolyLR\.optimizer/);
  });

  it('end a cycle that is stepped on', () => {
    const [scheduler] = buildParamScheduler(groupsOf(1), { type: 'OneCycleLR', totalSteps: 2, end: 9 });
    scheduler!.step();
    scheduler!.step();
    expect(() => scheduler!.step()).toThrow(/E_SCHEDULER_PAST_END/);
  });

  it('let a scheduler of somebody else in', () => {
    class Halve extends ParamScheduler {
      constructor(target: SchedulerTarget) {
        super(target, { paramName: 'lr' }, []);
        this.start();
      }
      protected nextValue(current: number): number {
        return current / 2;
      }
    }
    const target = groupsOf(1);
    const [scheduler] = buildParamScheduler(target, { type: Halve });
    scheduler!.step();
    expect(target.paramGroups[0].lr).toBe(0.25);
  });

  it('warn when a scheduler runs ahead of the optimizer', async () => {
    const seen: unknown[] = [];
    const listen = (warning: Error & { code?: string }): void => void seen.push(warning.code);
    process.on('warning', listen);
    const [scheduler] = buildParamScheduler(new SGD([param('a')]), { type: 'PolyLR' });
    scheduler!.step();
    scheduler!.step();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(seen).toEqual(['W_SCHEDULER_AHEAD']);
  });
});
