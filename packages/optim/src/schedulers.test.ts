import { tf, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import {
  Adam,
  buildParamScheduler,
  OptimWrapper,
  OptimWrapperDict,
  type ParamScheduler,
  SGD,
  type ParamGroup,
  type ParamSchedulersConfig,
  type ScheduleContext,
  type SchedulerTarget,
} from './index.js';

function param(name: string): ParamRef {
  const variable = tf.variable(tf.scalar(0));
  return { name, leaf: name, variable, requiresGrad: true, layout: 'none', ownerKind: 'other' };
}

/** Something with groups, for rules that need no optimizer. */
function groupsOf(...lr: number[]): SchedulerTarget & { paramGroups: [ParamGroup, ...ParamGroup[]] } {
  return { defaults: { lr: 0.05 }, paramGroups: lr.map((value) => ({ params: [], lr: value })) as never };
}

/** Learning rates seen in the first `steps` steps. */
function run(config: ParamSchedulersConfig, steps: number, context?: ScheduleContext): number[] {
  const target = groupsOf(0.05);
  const schedulers = buildParamScheduler(target, config, context);
  return Array.from({ length: steps }, () => {
    const { lr } = target.paramGroups[0];
    for (const scheduler of schedulers) scheduler.step();
    return lr;
  });
}

function close(got: readonly number[], expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  expected.forEach((value, i) => expect(got[i], `step ${i}`).toBeCloseTo(value, 8));
}

const times = (n: number, value: number): number[] => Array<number>(n).fill(value);
const cosine = (n: number, T: number, high: number, low: number): number =>
  low + ((high - low) * (1 + Math.cos((Math.PI * n) / T))) / 2;

describe('values by step', () => {
  const cases: [string, ParamSchedulersConfig, number[]][] = [
    [
      'Step',
      { type: 'StepLR', stepSize: 3 },
      [...times(3, 0.05), ...times(3, 0.005), ...times(3, 0.0005), 0.00005],
    ],
    [
      'MultiStep',
      { type: 'MultiStepLR', milestones: [2, 5, 9] },
      [0.05, 0.05, ...times(3, 0.005), ...times(4, 0.0005), 0.00005],
    ],
    [
      'MultiStep counts from begin',
      { type: 'MultiStepLR', milestones: [3, 6], begin: 5 },
      [...times(8, 0.05), ...times(3, 0.005), 0.0005],
    ],
    ['MultiStep twice at one step', { type: 'MultiStepLR', milestones: [1, 1] }, [0.05, 0.0005]],
    ['Constant', { type: 'ConstantLR', factor: 0.5, end: 5 }, [...times(4, 0.025), 0.05, 0.05]],
    ['Linear', { type: 'LinearLR', startFactor: 0.5, end: 5 }, [0.025, 0.03125, 0.0375, 0.04375, 0.05, 0.05]],
    [
      'Linear from 1 on',
      { type: 'LinearLR', startFactor: 0.5, begin: 1, end: 6 },
      [0.05, 0.025, 0.03125, 0.0375, 0.04375, 0.05, 0.05],
    ],
    [
      'Exponential',
      { type: 'ExponentialLR', gamma: 0.9 },
      Array.from({ length: 10 }, (_, n) => 0.05 * 0.9 ** n),
    ],
    [
      'CosineAnnealing, rising again',
      { type: 'CosineAnnealingLR', tMax: 10, etaMin: 0.005 },
      Array.from({ length: 12 }, (_, n) => cosine(n, 10, 0.05, 0.005)),
    ],
    [
      'CosineAnnealing to a part of the value',
      { type: 'CosineAnnealingLR', end: 10, etaMinRatio: 0.1 },
      Array.from({ length: 10 }, (_, n) => cosine(n, 10, 0.05, 0.005)),
    ],
    [
      'Poly',
      { type: 'PolyLR', power: 0.9, etaMin: 0.001, end: 5 },
      [...[0, 1, 2, 3].map((n) => 0.001 + 0.049 * (1 - n / 4) ** 0.9), 0.001, 0.001],
    ],
    [
      'CosineRestart',
      { type: 'CosineRestartLR', periods: [4, 5], restartWeights: [1, 0.5], etaMin: 0 },
      [
        ...[0, 1, 2, 3].map((n) => cosine(n, 4, 0.05, 0)),
        ...[0, 1, 2, 3, 4].map((n) => cosine(n, 5, 0.025, 0)),
        cosine(4, 5, 0.025, 0),
      ],
    ],
    [
      'Linear, then MultiStep',
      [
        { type: 'LinearLR', startFactor: 0.5, end: 5 },
        { type: 'MultiStepLR', milestones: [3, 6], begin: 5, end: 12 },
      ],
      [0.025, 0.03125, 0.0375, 0.04375, ...times(4, 0.05), ...times(3, 0.005), 0.0005],
    ],
    [
      'Linear with MultiStep',
      [
        { type: 'LinearLR', startFactor: 0.5, end: 5 },
        { type: 'MultiStepLR', milestones: [3, 6, 9] },
      ],
      [0.025, 0.03125, 0.0375, 0.004375, 0.005, 0.005, ...times(3, 0.0005), 0.00005],
    ],
    [
      'Exponential, a gap, CosineAnnealing from the held value',
      [
        { type: 'ExponentialLR', gamma: 0.9, end: 5 },
        { type: 'CosineAnnealingLR', tMax: 5, begin: 10, end: 15 },
      ],
      [
        ...[0, 1, 2, 3, 4].map((n) => 0.05 * 0.9 ** n),
        ...times(5, 0.05 * 0.9 ** 4),
        ...[0, 1, 2, 3, 4].map((n) => cosine(n, 5, 0.05 * 0.9 ** 4, 0)),
      ],
    ],
    [
      'two Constants that overlap',
      [
        { type: 'ConstantLR', factor: 0.5, end: 3 },
        { type: 'ConstantLR', factor: 0.5, begin: 1, end: 3 },
      ],
      [0.025, 0.0125, 0.05],
    ],
    [
      'OneCycle',
      { type: 'OneCycleLR', etaMax: 0.1, totalSteps: 10, annealStrategy: 'linear' },
      [0.004, 0.052, 0.1, ...[1, 2, 3, 4, 5, 6, 7].map((n) => 0.1 + ((0.004 / 1e4 - 0.1) * n) / 7)],
    ],
  ];
  it.each(cases)('%s', (_name, config, expected) => close(run(config, expected.length), expected));
});

describe('conversion to iterations', () => {
  it('multiplies what is counted in epochs', () => {
    const context = { epochLength: 7 };
    const step = run({ type: 'StepLR', stepSize: 2, convertToIterBased: true }, 28, context);
    close(step, [...times(14, 0.05), ...times(14, 0.005)]);
    const constant = run({ type: 'ConstantLR', factor: 0.5, end: 5, convertToIterBased: true }, 36, context);
    close(constant, [...times(34, 0.025), 0.05, 0.05]);
    const restart = run(
      {
        type: 'CosineRestartLR',
        periods: [1, 1],
        restartWeights: [1, 1],
        etaMin: 0,
        convertToIterBased: true,
      },
      14,
      context,
    );
    close(restart.slice(7), restart.slice(0, 7));
  });

  it('takes the length of the run for an end that is not given', () => {
    const target = groupsOf(1);
    const context = { epochLength: 4, maxEpochs: 3, maxIters: 12 };
    const ends = (config: ParamSchedulersConfig) =>
      buildParamScheduler(target, config, context).map(({ begin, end, byEpoch }) => ({
        begin,
        end,
        byEpoch,
      }));
    expect(ends({ type: 'PolyLR', begin: 1, end: 7, convertToIterBased: true })).toEqual([
      { begin: 4, end: 28, byEpoch: false },
    ]);
    expect(ends({ type: 'PolyLR', convertToIterBased: true })).toEqual([
      { begin: 0, end: 12, byEpoch: false },
    ]);
    expect(ends({ type: 'PolyLR' })).toEqual([{ begin: 0, end: 3, byEpoch: true }]);
    expect(ends({ type: 'PolyLR', byEpoch: false })).toEqual([{ begin: 0, end: 12, byEpoch: false }]);
  });

  it('needs epochs and their length', () => {
    expect(() => run({ type: 'PolyLR', convertToIterBased: true }, 1)).toThrow(
      /E_CONFIG_VALUE[^]*length of an epoch/,
    );
    const both = { type: 'PolyLR' as const, convertToIterBased: true, byEpoch: false };
    expect(() => run(both, 1, { epochLength: 2 })).toThrow(/convertToIterBased/);
  });
});

describe('groups', () => {
  it('are driven each from its own value, the base settings too', () => {
    const optimizer = new SGD([{ params: [param('a')], lr: 0.1 }, { params: [param('b')] }], { lr: 0.4 });
    const wrapper = new OptimWrapper(optimizer);
    const [scheduler] = buildParamScheduler(wrapper, { type: 'ExponentialLR', gamma: 0.5 });
    wrapper.innerCount = 1;
    scheduler!.step();
    expect(wrapper.getLr()).toEqual({ base_lr: [0.2], lr: [0.05, 0.2] });
    expect(scheduler!.getLastValue()).toEqual([0.05, 0.2, 0.2]);
  });

  it('have betas where others have momentum', () => {
    const optimizer = new Adam([param('a')], { betas: [0.8, 0.99] });
    buildParamScheduler(optimizer, { type: 'ConstantMomentum', factor: 0.5, end: 3 });
    expect(optimizer.paramGroups[0]!.betas).toEqual([0.4, 0.99]);
    expect(new OptimWrapper(optimizer).getMomentum()).toEqual({ momentum: [0.4] });
  });

  it('may have any numeric setting scheduled', () => {
    const optimizer = new SGD([param('a')], { weightDecay: 0.1 });
    const config = {
      type: 'LinearParamScheduler',
      paramName: 'weightDecay',
      startFactor: 0.5,
      end: 3,
    } as const;
    buildParamScheduler(optimizer, config);
    expect(optimizer.paramGroups[0]!.weightDecay).toBe(0.05);
    const wrong = { ...config, paramName: 'wieghtDecay' };
    expect(() => buildParamScheduler(optimizer, wrong)).toThrow(/E_CONFIG_VALUE[^]*write 'weightDecay'/);
    expect(() => buildParamScheduler(groupsOf(1), { type: 'StepMomentum', stepSize: 1 })).toThrow(
      /paramName/,
    );
    expect(() => buildParamScheduler(optimizer, { type: 'LinearLR', paramName: 'lr' } as never)).toThrow(
      /paramName/,
    );
  });

  it('of several wrappers are driven by name or all alike', () => {
    const make = () => new OptimWrapper(new SGD([param('a')], { lr: 1 }));
    const dict = new OptimWrapperDict({ gen: make(), disc: make() });
    const half = { type: 'ConstantLR', factor: 0.5, end: 9 } as const;
    expect(Object.keys(buildParamScheduler(dict, [half]))).toEqual(['gen', 'disc']);
    const named = buildParamScheduler(dict, { gen: half });
    expect(Object.keys(named)).toEqual(['gen']);
    expect(dict.getLr()).toEqual({ 'gen.lr': [0.25], 'disc.lr': [0.5] });
    expect(() => buildParamScheduler(dict, { gan: half })).toThrow(/E_OPTIM_WRAPPER_NAME/);
  });
});

describe('state', () => {
  const config: ParamSchedulersConfig = [
    { type: 'LinearLR', startFactor: 0.1, end: 5, byEpoch: false },
    { type: 'CosineAnnealingLR', begin: 5, end: 20, etaMin: 0.001, byEpoch: false },
    { type: 'MultiStepLR', milestones: [3, 9], gamma: 0.5 },
  ];

  it('continues to the same values when the optimizer is restored too', () => {
    const first = new OptimWrapper(new SGD([param('a')], { lr: 0.3 }));
    const schedulers = buildParamScheduler(first, config);
    first.innerCount = 1;
    const advance = (list: ParamScheduler[], wrapper: OptimWrapper, steps: number): number[] =>
      Array.from({ length: steps }, () => {
        for (const scheduler of list) scheduler.step();
        return wrapper.getLr().lr![0]!;
      });
    for (const cut of [1, 4, 3]) {
      advance(schedulers, first, cut);
      const states = JSON.parse(JSON.stringify(schedulers.map((s) => s.stateDict())));
      const json = JSON.parse(JSON.stringify(first.stateDict().json));
      // Building performs step 0 on the new optimizer; restoring must undo that, in either order.
      const second = new OptimWrapper(new SGD([param('a')], { lr: 0.3 }));
      const resumed = buildParamScheduler(second, config);
      resumed.forEach((s, i) => s.loadStateDict(states[i]));
      second.loadStateDict({ tensors: {}, json });
      const keep = schedulers.map((s) => s.stateDict());
      const values = advance(resumed, second, 6);
      expect(values).toEqual(advance(schedulers, first, 6));
      first.loadStateDict({ tensors: {}, json });
      schedulers.forEach((s, i) => s.loadStateDict(keep[i]!));
    }
  });

  it('does not bring the old settings back', () => {
    const target = groupsOf(1);
    const [old] = buildParamScheduler(target, { type: 'MultiStepLR', milestones: [2], gamma: 0.1 });
    old!.step();
    const [changed] = buildParamScheduler(target, { type: 'MultiStepLR', milestones: [3], gamma: 0.5 });
    changed!.loadStateDict(old!.stateDict());
    changed!.step();
    expect(target.paramGroups[0].lr).toBe(1);
    changed!.step();
    expect(target.paramGroups[0].lr).toBe(0.5);
  });
});
