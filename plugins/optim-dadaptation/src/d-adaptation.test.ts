import { OPTIMIZERS } from '@engine/core';
import type { ParamsInput } from '@engine/optim';
import { tf, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { DAdaptAdam, DAdaptSGD, type DAdaptation } from './index.js';

const TYPES = ['DAdaptAdaGrad', 'DAdaptAdam', 'DAdaptSGD', 'DAdaptLion', 'DAdaptAdan'];

function param(name: string, values: number[]): ParamRef {
  const variable = tf.tidy(() => tf.variable(tf.tensor1d(values)));
  return { name, leaf: name, variable, requiresGrad: true, layout: 'none', ownerKind: 'other' };
}

function build(type: string, params: ParamsInput, options: object = {}): DAdaptation {
  return OPTIMIZERS.build<DAdaptation>({ type, ...options } as never, { args: [params] });
}

/** Steps down a quadratic bowl around 1, whose gradient is known. */
function descendBowl(optimizer: DAdaptation, params: ParamRef[], steps: number): void {
  for (let i = 0; i < steps; i++) {
    const grads = new Map(params.map((p) => [p.variable, tf.tidy(() => tf.sub(p.variable, 1))]));
    optimizer.step(grads);
    for (const grad of grads.values()) grad.dispose();
  }
}

function free(optimizer: DAdaptation, params: ParamRef[]): void {
  optimizer.dispose();
  for (const { variable } of params) variable.dispose();
}

const distance = (params: ParamRef[]) =>
  Math.max(...params.flatMap((p) => [...p.variable.dataSync()].map((value) => Math.abs(value - 1))));

describe('D-Adaptation', () => {
  for (const type of TYPES) {
    it(`${type} finds a step size from one a million times too small`, () => {
      const params = [param('a', [3, -2]), param('b', [0.5])];
      const optimizer = build(type, params, type === 'DAdaptAdan' ? { weightDecay: 0 } : {});
      descendBowl(optimizer, params, 300);
      expect(optimizer.d).toBeGreaterThan(1e-3);
      expect(distance(params)).toBeLessThan(1);
      free(optimizer, params);
    });

    it(`${type} does not count a step without any gradient`, () => {
      const params = [param('a', [1])];
      const optimizer = build(type, params, { d0: 0.01 });
      descendBowl(optimizer, params, 1);
      expect(optimizer.paramGroups[0]).toMatchObject({ d: 0.01, k: 0 });
      expect(Number.isFinite(params[0]!.variable.dataSync()[0])).toBe(true);
      free(optimizer, params);
    });

    it(`${type} has one estimate for all groups`, () => {
      const [a, b, c] = [param('a', [3]), param('b', [-2]), param('c', [5])];
      const optimizer = build(type, [{ params: [a] }, { params: [b] }, { params: [c], lr: 0 }], { d0: 0.01 });
      descendBowl(optimizer, [a, b, c], 20);
      const estimates = optimizer.paramGroups.map((group) => group.d as number);
      expect(new Set(estimates).size).toBe(1);
      expect(estimates[0]).toBeGreaterThan(0.01);
      expect(a.variable.dataSync()[0]).toBeLessThan(3);
      expect(c.variable.dataSync()[0]).toBe(5);
      optimizer.paramGroups[1]!.lr = 0.5;
      expect(() => descendBowl(optimizer, [a, b, c], 1)).toThrow(/E_CONFIG_VALUE[^]*\.lr = 0\.5[^]*or 0/);
      free(optimizer, [a, b, c]);
    });
  }

  it('is the same for one group and for several with equal settings', () => {
    const results = [1, 2].map((groups) => {
      const params = [param('a', [3]), param('b', [-2])];
      const input = groups === 1 ? params : params.map((p) => ({ params: [p] }));
      const optimizer = new DAdaptAdam(input);
      descendBowl(optimizer, params, 50);
      const values = [...params.map((p) => p.variable.dataSync()[0]), optimizer.d];
      free(optimizer, params);
      return values;
    });
    expect(results[0]).toEqual(results[1]);
  });

  it('lets the estimate grow no faster than told', () => {
    const p = param('a', [3]);
    const optimizer = new DAdaptSGD([p], { d0: 0.001, growthRate: 1.02 });
    descendBowl(optimizer, [p], 20);
    expect(optimizer.d).toBeGreaterThan(0.001);
    expect(optimizer.d).toBeLessThanOrEqual(0.001 * 1.02 ** 20 * (1 + 1e-9));
    free(optimizer, [p]);
  });

  it('takes Infinity for a growth rate, and saves it as what JSON can hold', () => {
    const p = param('a', [3]);
    const optimizer = new DAdaptAdam([p], { growthRate: Infinity });
    expect(optimizer.paramGroups[0]!.growthRate).toBeNull();
    free(optimizer, [p]);
  });

  it('moves a group by its layerScale', () => {
    const params = [param('a', [3]), param('b', [3])];
    const optimizer = new DAdaptAdam([{ params: [params[0]!] }, { params: [params[1]!], layerScale: 0.5 }], {
      d0: 0.01,
    });
    descendBowl(optimizer, params, 1);
    const [a, b] = params.map((p) => 3 - p.variable.dataSync()[0]!) as [number, number];
    expect(b).toBeCloseTo(a / 2, 6);
    free(optimizer, params);
  });

  it('rejects what cannot be used', () => {
    const p = param('a', [1]);
    expect(() => new DAdaptAdam([p], { d0: 0 })).toThrow(/E_CONFIG_VALUE[^]*DAdaptAdam\.d0/);
    expect(() => new DAdaptAdam([p], { lr: 0 })).toThrow(/E_CONFIG_VALUE[^]*DAdaptAdam\.lr/);
    expect(() => new DAdaptAdam([p], { growthRate: 0.5 })).toThrow(
      /E_CONFIG_VALUE[^]*DAdaptAdam\.growthRate/,
    );
    expect(() => build('DAdaptAdan', [p], { betas: [0.9, 0.9] })).toThrow(
      /E_CONFIG_VALUE[^]*DAdaptAdan\.betas/,
    );
    p.variable.dispose();
  });
});
