import { tf, type ParamRef, type Tensor, type Variable } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { SophiaG, SophiaH, type SophiaOptimizer } from './index.js';

function param(name: string, values: number[], requiresGrad = true): ParamRef {
  const variable = tf.tidy(() => tf.variable(tf.tensor1d(values)));
  return { name, leaf: name, variable, requiresGrad, layout: 'none', ownerKind: 'other' };
}

function withValues(params: ParamRef[], values: number[][], use: (map: Map<Variable, Tensor>) => void): void {
  const map = new Map(params.map((p, i) => [p.variable, tf.tensor1d(values[i]!)]));
  use(map);
  for (const tensor of map.values()) tensor.dispose();
}

function free(optimizer: SophiaOptimizer, params: ParamRef[]): void {
  optimizer.dispose();
  for (const { variable } of params) variable.dispose();
}

describe('Sophia', () => {
  it('divides momentum by the Hessian and clips to the rate', () => {
    const p = param('w', [0, 0, 0]);
    const optimizer = new SophiaG([p], { lr: 0.5, betas: [0.5, 0.5], rho: 0.1, weightDecay: 0, bs: 10 });
    withValues([p], [[2, 1, 0]], (map) => optimizer.updateHessian(map));
    withValues([p], [[1, -4, 1]], (map) => optimizer.step(map));
    // Hessian: half the squares, 2 and 0.5 and 0; momentum: half the gradient; rho · bs = 1.
    expect([...p.variable.dataSync()]).toEqual([-0.125, 0.5, -0.5]);
    free(optimizer, [p]);
  });

  it('does not count an update of the Hessian as a step, and leaves frozen parameters alone', () => {
    const params = [param('a', [1]), param('b', [1], false)];
    const optimizer = new SophiaG(params);
    withValues(params, [[1], [1]], (map) => optimizer.updateHessian(map));
    expect(optimizer.stepCount).toBe(0);
    expect(params.map((p) => p.variable.dataSync()[0])).toEqual([1, 1]);
    const { tensors, json } = optimizer.stateDict();
    expect(Object.keys(tensors)).toEqual(['a.exp_avg', 'a.hessian']);
    expect(json).toMatchObject({ stepCount: 0, params: { a: { step: 0 } } });
    expect(tensors['a.hessian']!.dataSync()[0]).toBeCloseTo(0.01, 7);
    withValues(params, [[1], [1]], (map) => optimizer.step(map));
    expect(optimizer.stateDict().json).toMatchObject({ stepCount: 1, params: { a: { step: 1 } } });
    free(optimizer, params);
  });

  it('takes Hutchinson estimates as they are, and steps by the rate where the curvature is negative', () => {
    const p = param('w', [0, 0]);
    const optimizer = new SophiaH([p], { lr: 0.5, betas: [0.5, 0.5], gamma: 2, weightDecay: 0 });
    withValues([p], [[4, -4]], (map) => optimizer.updateHessian(map));
    withValues([p], [[1, 1]], (map) => optimizer.step(map));
    expect([...p.variable.dataSync()]).toEqual([-0.0625, -0.5]);
    free(optimizer, [p]);
  });

  it('ascends with maximize, and decays weights by the rate', () => {
    const p = param('w', [1]);
    const optimizer = new SophiaG([p], { lr: 0.5, weightDecay: 0.5, maximize: true });
    withValues([p], [[1]], (map) => optimizer.step(map));
    expect(p.variable.dataSync()[0]).toBe(0.75 + 0.5);
    free(optimizer, [p]);
  });

  it('estimates the Hessian by itself in every so many steps, from the gradient of the step', () => {
    const [own, byHand] = [param('w', [1, 2]), param('w', [1, 2])];
    const automatic = new SophiaG([own], { lr: 0.1, hessianInterval: 2 });
    const manual = new SophiaG([byHand], { lr: 0.1 });
    for (let step = 0; step < 5; step++) {
      const grad = [[Math.sin(step + 1), Math.cos(step)]];
      withValues([own], grad, (map) => automatic.step(map));
      withValues([byHand], grad, (map) => {
        if (step % 2 === 0) manual.updateHessian(map);
        manual.step(map);
      });
    }
    expect([...own.variable.dataSync()]).toEqual([...byHand.variable.dataSync()]);
    expect(automatic.stepCount).toBe(5);
    free(automatic, [own]);
    free(manual, [byHand]);
    expect(() => new SophiaG([param('v', [1])], { hessianInterval: 0 })).toThrow(/SophiaG\.hessianInterval/);
  });

  it('rejects what cannot be used', () => {
    const p = param('w', [1]);
    expect(() => new SophiaG([p], { rho: -1 })).toThrow(/E_CONFIG_VALUE[^]*SophiaG\.rho/);
    expect(() => new SophiaG([p], { bs: 0.5 })).toThrow(/E_CONFIG_VALUE[^]*SophiaG\.bs/);
    expect(() => new SophiaH([p], { gamma: -1 })).toThrow(/E_CONFIG_VALUE[^]*SophiaH\.gamma/);
    p.variable.dispose();
  });
});
