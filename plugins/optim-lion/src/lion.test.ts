import { tf, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { Lion, type LionOptions } from './index.js';

function param(values: number[]): ParamRef {
  const variable = tf.tidy(() => tf.variable(tf.tensor1d(values)));
  return { name: 'w', leaf: 'w', variable, requiresGrad: true, layout: 'none', ownerKind: 'other' };
}

/** Parameters after each of the gradients. */
function trajectory(
  start: number[],
  grads: number[][],
  options: LionOptions,
  lrs: number[] = [],
): number[][] {
  const p = param(start);
  const optimizer = new Lion([p], options);
  const path = grads.map((values, i) => {
    const grad = tf.tensor1d(values);
    if (lrs[i] !== undefined) optimizer.paramGroups[0]!.lr = lrs[i];
    optimizer.step(new Map([[p.variable, grad]]));
    grad.dispose();
    return [...p.variable.dataSync()];
  });
  optimizer.dispose();
  p.variable.dispose();
  return path;
}

describe('Lion', () => {
  it('steps by lr along the sign of gradient and momentum', () => {
    const path = trajectory(
      [1, 1, 1],
      [
        [3, -0.1, 0],
        [-0.2, -1, 2],
      ],
      { lr: 0.25, betas: [0.5, 0.9] },
    );
    expect(path[0]).toEqual([0.75, 1.25, 1]);
    // Momentum is 0.1 times the first gradient; its mean with the second decides: (0.3 − 0.2) / 2 > 0 for the first.
    expect(path[1]).toEqual([0.5, 1.5, 0.75]);
  });

  it('decays weights with the rate in force, or in proportion to it', () => {
    const grads = [[0], [0]];
    const lrs = [0.1, 0.05];
    const plain = trajectory([1], grads, { lr: 0.1, weightDecay: 0.5 }, lrs);
    expect(plain[0]![0]).toBeCloseTo(0.95, 6);
    expect(plain[1]![0]).toBeCloseTo(0.95 * 0.975, 6);
    const decoupled = trajectory([1], grads, { lr: 0.1, weightDecay: 0.5, decoupledWeightDecay: true }, lrs);
    expect(decoupled[0]![0]).toBeCloseTo(0.5, 6);
    expect(decoupled[1]![0]).toBeCloseTo(0.5 * 0.75, 6);
  });

  it('holds elements back whose gradient disagrees, and keeps the mean scale', () => {
    const path = trajectory(
      [0, 0, 0, 0],
      [
        [1, 1, 1, 1],
        [1, 1, 1, -0.05],
      ],
      { lr: 1, betas: [0.9, 0], cautiousFactor: 0 },
    );
    expect(path[0]).toEqual([-1, -1, -1, -1]);
    const steps = path[1]!.map((value) => value + 1);
    [-4 / 3, -4 / 3, -4 / 3, 0].forEach((wanted, i) => expect(steps[i]).toBeCloseTo(wanted, 5));
  });

  it('rejects what cannot be used', () => {
    const p = param([1]);
    expect(() => new Lion([p], { lr: 0 })).toThrow(/E_CONFIG_VALUE[^]*Lion\.lr = 0[^]*above 0/);
    expect(() => new Lion([p], { betas: [0.9, 1] })).toThrow(/E_CONFIG_VALUE[^]*Lion\.betas/);
    expect(() => new Lion([p], { cautiousFactor: 2 })).toThrow(/E_CONFIG_VALUE[^]*Lion\.cautiousFactor/);
    p.variable.dispose();
  });
});
