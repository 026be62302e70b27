import { MODELS } from '@engine/core';
import { type Module, tripletMarginLoss } from '@engine/nn';
import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Result {
  value: number[];
  grads: number[][];
}

interface Case {
  type: string;
  options: Record<string, unknown>;
  inputs: { shape: number[]; dtype: 'float32' | 'int32'; data: number[] }[];
  results: Record<'none' | 'sum' | 'mean', Result>;
}

/** Values and gradients of PyTorch 1.13, made by torch-losses.py. */
const cases = JSON.parse(readFileSync(new URL('./torch-losses.json', import.meta.url), 'utf8')) as Case[];

type Loss = Module & { forward(...tensors: Tensor[]): Tensor };
const build = (type: string, options: object): Loss => MODELS.build<Loss>({ type, ...options } as never);

function near(received: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(received).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    const error = Math.abs(received[i]! - value) / Math.max(1, Math.abs(value));
    expect(error, `${what}, element ${i}: ${received[i]} against ${value}`).toBeLessThan(2e-5);
  });
}

describe.each(cases.map((one) => [one.type, JSON.stringify(one.options), one] as const))(
  '%s %s',
  (_, __, one) => {
    it.each(['none', 'sum', 'mean'] as const)('is that of PyTorch, with its gradients: %s', (reduction) => {
      const expected = one.results[reduction];
      expectNoLeak(() => {
        const loss = build(one.type, { ...one.options, reduction });
        const inputs = one.inputs.map(({ data, shape, dtype }) => tf.tensor(data, shape, dtype));
        const varied = expected.grads.length;
        near(
          tf.tidy(() => loss.forward(...inputs).dataSync()),
          expected.value,
          'value',
        );
        const grads = tf.tidy(() =>
          tf
            .grads((...given: Tensor[]) => tf.sum(loss.forward(...given, ...inputs.slice(varied))))(
              inputs.slice(0, varied),
            )
            .map((grad) => grad.dataSync()),
        );
        grads.forEach((grad, i) => near(grad, expected.grads[i]!, `gradient ${i}`));
        const half = build(one.type, { ...one.options, reduction, lossWeight: 0.5 });
        near(
          tf.tidy(() => half.forward(...inputs).dataSync()),
          expected.value.map((value) => value / 2),
          'half',
        );
        tf.dispose(inputs);
      });
    });

    it('refuses options it does not know', () => {
      expect(() => build(one.type, { ...one.options, reducton: 'sum' })).toThrow(/did you mean 'reduction'/);
    });
  },
);

it('losses refuse values and shapes that cannot be', () => {
  const x = tf.zeros([2, 3]);
  const y = tf.zeros([2, 4]);
  expect(() => tripletMarginLoss(x, x, y)).toThrow(/tripletMarginLoss\.target\.shape/);
  expect(() => tripletMarginLoss(x, x, x, { p: 0 })).toThrow(/tripletMarginLoss\.p/);
  expect(() => build('MultiMarginLoss', { p: 3 }).forward(x, tf.zeros([2], 'int32'))).toThrow(
    /multiMarginLoss\.p/,
  );
  expect(() => build('MultiLabelSoftMarginLoss', { weight: [1] }).forward(x, x)).toThrow(/3 numbers/);
  expect(() => build('GaussianNLLLoss', { eps: 0 }).forward(x, x, x)).toThrow(/eps/);
});
