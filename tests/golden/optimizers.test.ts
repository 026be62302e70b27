import { OPTIMIZERS } from '@engine/core';
import '@engine/optim';
import type { Optimizer } from '@engine/optim';
import '@engine/optim-dadaptation';
import '@engine/optim-lion';
import { SophiaOptimizer } from '@engine/optim-sophia';
import { tf, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.js';

interface Case {
  name: string;
  type: string;
  options: Record<string, unknown>;
  shapes: number[][];
  steps: number;
  recorded_steps: number[];
  init: number[][];
  grads: number[][][];
  expected: number[][][];
}

const { cases } = readGolden<{ cases: Case[] }>('optimizers.json');

/** Rounding in float32 over a trajectory. */
const RTOL = 1e-5;
const ATOL = 1e-6;
/**
 * An estimated step size feeds back on itself and enlarges rounding, so that the reference is as far from itself: the
 * reference package in PyTorch 2.14, which wrote the file, repeats it exactly with AVX2, and where it may use no vector
 * instructions (ATEN_CPU_CAPABILITY=default) or computes in float64 ends up about this many times the tolerance away from it:
 * Adam 6.2, Adan 1.8, SGD 1.04.
 */
const SPREAD: Readonly<Record<string, number>> = { DAdaptAdam: 6.2, DAdaptAdan: 2, DAdaptSGD: 1.05 };
/** Steps between two updates of Sophia's Hessian in the reference, from the first step on. */
const HESSIAN_INTERVAL = 5;

function camelCase(options: Record<string, unknown>): Record<string, unknown> {
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
}

function parameters(c: Case): ParamRef[] {
  return c.init.map((values, i) => ({
    name: `param${i}`,
    leaf: `param${i}`,
    variable: tf.variable(tf.tensor(values, c.shapes[i])),
    requiresGrad: true,
    layout: 'none',
    ownerKind: 'other',
  }));
}

describe('optimizers follow the reference trajectories', () => {
  it('finds the core optimizers registered', () => {
    expect(['SGD', 'Adam', 'AdamW'].filter((name) => !OPTIMIZERS.has(name))).toEqual([]);
  });
  for (const c of cases) {
    if (!OPTIMIZERS.has(c.type)) {
      it.skip(`${c.name} (no optimizer is registered as '${c.type}')`, () => {});
      continue;
    }
    it(c.name, () => {
      const params = parameters(c);
      const tolerance = SPREAD[c.type] ?? 1;
      const optimizer = OPTIMIZERS.build<Optimizer>({ type: c.type, ...camelCase(c.options) }, { args: [params] });
      const expected = new Map(c.recorded_steps.map((step, k) => [step, c.expected[k]!]));
      for (let step = 0; step < c.steps; step++) {
        const grads = new Map(params.map((p, i) => [p.variable, tf.tensor(c.grads[step]![i]!, c.shapes[i])]));
        if (optimizer instanceof SophiaOptimizer && step % HESSIAN_INTERVAL === 0) optimizer.updateHessian(grads);
        optimizer.step(grads);
        for (const grad of grads.values()) grad.dispose();
        expected.get(step)?.forEach((values, i) => {
          const got = params[i]!.variable.dataSync();
          values.forEach((value, k) => {
            const error = Math.abs(got[k]! - value);
            expect(error, `step ${step}, param${i}[${k}]: ${got[k]} for ${value}`).toBeLessThanOrEqual(
              tolerance * (ATOL + RTOL * Math.abs(value)),
            );
          });
        });
      }
      expect(expected.size).toBeGreaterThan(0);
      optimizer.dispose();
      for (const { variable } of params) variable.dispose();
    });
  }
});
