import { OPTIMIZERS } from '@engine/core';
import '@engine/optim';
import type { Optimizer } from '@engine/optim';
import { tf, type ParamRef, type Tensor } from '@engine/tensor';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Made by tools/torch_optimizers.py. */
interface Golden {
  shapes: number[][];
  steps: number;
  /** Step at which the learning rate falls to a third. */
  drop: number;
  recorded: number[];
  init: number[][];
  grads: (number[] | null)[][];
  cases: { name: string; type: string; options: Record<string, unknown>; expected: number[][][] }[];
}

const golden = JSON.parse(
  readFileSync(new URL('./torch/optimizers.json', import.meta.url), 'utf8'),
) as Golden;

function camelCase(options: Record<string, unknown>): Record<string, unknown> {
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
}

/** The gradient of a step; for SparseAdam with a row that has none. */
function gradient(type: string, step: number, i: number): Tensor | undefined {
  const values = golden.grads[step]![i];
  if (!values) return undefined;
  const shape = golden.shapes[i]!;
  if (type !== 'SparseAdam') return tf.tensor(values, shape);
  const width = values.length / shape[0]!;
  const row = step % shape[0]!;
  const masked = values.map((value, k) => (Math.floor(k / width) === row ? 0 : value));
  return tf.tensor(masked.some(Boolean) ? masked : masked.map(() => 0.5), shape);
}

describe('optimizers follow PyTorch with settings drawn at random', () => {
  for (const { name, type, options, expected } of golden.cases) {
    it(`${name} ${JSON.stringify(options)}`, () => {
      const params = golden.init.map((values, i): ParamRef => ({
        name: `p${i}`,
        leaf: 'weight',
        variable: tf.variable(tf.tensor(values, golden.shapes[i])),
        requiresGrad: true,
        layout: 'none',
        ownerKind: 'other',
      }));
      const optimizer = OPTIMIZERS.build<Optimizer>({ type, ...camelCase(options) }, { args: [params] });
      for (let step = 0; step < golden.steps; step++) {
        if (step === golden.drop) for (const group of optimizer.paramGroups) group.lr /= 3;
        tf.tidy(() => {
          const found = params.map((p, i) => [p.variable, gradient(type, step, i)] as const);
          optimizer.step(new Map(found.filter((entry): entry is [(typeof entry)[0], Tensor] => !!entry[1])));
        });
        expected[golden.recorded.indexOf(step)]?.forEach((values, i) => {
          const got = params[i]!.variable.dataSync();
          values.forEach((value, k) => {
            const message = `step ${step}, p${i}[${k}]: ${got[k]} for ${value}`;
            expect(Math.abs(got[k]! - value), message).toBeLessThanOrEqual(1e-6 + 1e-5 * Math.abs(value));
          });
        });
      }
      optimizer.dispose();
      for (const { variable } of params) variable.dispose();
    });
  }
});
