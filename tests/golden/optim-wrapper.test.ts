import { buildOptimWrapper, type OptimWrapperConfig } from '@engine/optim';
import { tf, type ParamRef, type Scalar } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.js';

interface Case {
  name: string;
  options: { accumulative_counts?: number; clip_grad?: Record<string, unknown> };
  optimizer: { type: string; lr: number; momentum: number };
  max_iters: number;
  w: number[];
  x: number[][];
  y: number[][];
  expected_w: number[][];
  expected_loss: number[];
}

const { cases } = readGolden<{ cases: Case[] }>('optim_wrapper.json');

function camelCase<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [camel(key), camelCase(inner)])) as T;
}

function expectClose(got: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(got.length).toBe(expected.length);
  expected.forEach((value, k) => {
    expect(Math.abs(got[k]! - value), `${what}[${k}]: ${got[k]} for ${value}`).toBeLessThanOrEqual(
      1e-6 + 1e-5 * Math.abs(value),
    );
  });
}

describe.skipIf(cases.length === 0)('accumulation and clipping follow the reference', () => {
  it.each(cases)('$name', (c) => {
    const w = tf.variable(tf.tensor(c.w, [3, 2]));
    const param: ParamRef = {
      name: 'w', leaf: 'w', variable: w, requiresGrad: true, layout: 'none', ownerKind: 'other',
    };
    const model = { paramRefs: () => [param] };
    const config = { optimizer: c.optimizer, ...camelCase(c.options) } as unknown as OptimWrapperConfig;
    const wrapper = buildOptimWrapper(model, config);
    wrapper.initializeCountStatus(model, 0, c.max_iters);
    for (let i = 0; i < c.max_iters; i++) {
      const { loss } = wrapper.step(() => {
        const error = tf.sub(tf.matMul(tf.tensor(c.x[i]!, [4, 3]), w), tf.tensor(c.y[i]!, [4, 2]));
        const loss = tf.mean(tf.square(error)) as Scalar;
        return { loss, logVars: { loss: tf.keep(tf.clone(loss)) } };
      }) as { loss: Scalar };
      expectClose(loss.dataSync(), [c.expected_loss[i]!], `loss of step ${i}`);
      expectClose(w.dataSync(), c.expected_w[i]!, `w after step ${i}`);
      loss.dispose();
    }
    wrapper.dispose();
    w.dispose();
  });
});
