import {
  buildOptimWrapper,
  buildParamScheduler,
  OptimWrapper,
  SGD,
  type ParamSchedulerConfig,
} from '../index.js';
import { tf, type ParamRef, type Scalar } from '@engine/tensor';
import { describe, expect, it } from 'vitest';

function parameter(): ParamRef {
  const variable = tf.variable(tf.scalar(1));
  return { name: 'w', leaf: 'w', variable, requiresGrad: true, layout: 'none', ownerKind: 'other' };
}

/** Learning rate in force at each of `iterations` iterations, of `accumulate` that make an update. */
function rates(
  config: ParamSchedulerConfig,
  iterations: number,
  accumulate: number,
  epochLength: number,
): number[] {
  const param = parameter();
  const wrapper = new OptimWrapper(new SGD([param], { lr: 1 }), { accumulativeCounts: accumulate });
  wrapper.initializeCountStatus({ paramRefs: () => [param] }, 0, iterations);
  const context = { epochLength, maxEpochs: iterations / epochLength, maxIters: iterations };
  const [scheduler] = buildParamScheduler(wrapper, config, context);
  const found: number[] = [];
  for (let i = 0; i < iterations; i++) {
    found.push(wrapper.optimizer.paramGroups[0]!.lr);
    wrapper.step(() => ({ loss: tf.mul(param.variable, 0) as Scalar, logVars: {} }));
    scheduler!.afterIteration();
  }
  wrapper.dispose();
  param.variable.dispose();
  return found.map((value) => Number(value.toFixed(6)));
}

describe("schedulers with step: 'optimizerStep'", () => {
  it('move with the updates, the last and shorter window among them', () => {
    const config = { type: 'ExponentialLR', gamma: 0.5, byEpoch: false, step: 'optimizerStep' } as const;
    expect(rates(config, 7, 3, 7)).toEqual([1, 1, 1, 0.5, 0.5, 0.5, 0.25]);
    expect(rates({ ...config, step: 'iter' }, 3, 3, 3)).toEqual([1, 0.5, 0.25]);
  });

  it('end with the run by themselves', () => {
    const config = { type: 'LinearLR', startFactor: 0.2, byEpoch: false, step: 'optimizerStep' } as const;
    // 11 iterations are 3 updates: 0.2, 0.6, 1.
    expect(rates(config, 11, 4, 11)).toEqual([
      ...Array<number>(4).fill(0.2),
      ...Array<number>(4).fill(0.6),
      1,
      1,
      1,
    ]);
  });

  it('convert epochs into updates: points round down, lengths up', () => {
    const config = {
      type: 'MultiStepLR',
      milestones: [1, 2],
      gamma: 0.1,
      convertToIterBased: true,
      step: 'optimizerStep',
    } as const;
    // Epochs of 5 iterations, 2 for an update: epoch 1 begins in the window of update 2, epoch 2 with update 5.
    expect(rates(config as never, 15, 2, 5)).toEqual([
      ...Array<number>(4).fill(1),
      ...Array<number>(6).fill(0.1),
      ...Array<number>(5).fill(0.01),
    ]);
  });

  it('need to count steps, not epochs', () => {
    const config = { type: 'ExponentialLR', gamma: 0.5, step: 'optimizerStep' } as const;
    expect(() => rates(config, 1, 1, 1)).toThrow(/E_CONFIG_VALUE[^]*ExponentialLR\.step[^]*byEpoch/);
    expect(() => rates({ ...config, byEpoch: false, step: 'update' as never }, 1, 1, 1)).toThrow(
      /'iter' or 'optimizerStep'/,
    );
  });
});

it('buildOptimWrapper takes an optimizer that exists already', () => {
  const optimizer = new SGD([parameter()], { lr: 1 });
  const wrapper = buildOptimWrapper({ paramRefs: () => [] }, { optimizer, accumulativeCounts: 2 });
  expect(wrapper.optimizer).toBe(optimizer);
  expect(wrapper.accumulativeCounts).toBe(2);
});
