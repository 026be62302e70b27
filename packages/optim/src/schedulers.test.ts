import { PARAM_SCHEDULERS } from '@engine/core';
import { tf, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import {
  Adam,
  buildParamScheduler,
  OptimWrapper,
  OptimWrapperDict,
  ParamScheduler,
  ReduceOnPlateauLR,
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
    expect(feed(scheduler, target, times(11, 1))).toEqual([
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

describe('options', () => {
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
    expect(run({ type: Halve, end: undefined } as never, 2)).toEqual([0.025, 0.0125]);
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
