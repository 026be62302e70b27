import { MODELS } from '@engine/core';
import { ctcLoss, type CtcLossOptions, type Module } from '@engine/nn';
import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Values and gradients of PyTorch 1.13, made by ctc-loss.py. */
const golden = JSON.parse(readFileSync(new URL('./ctc-loss.json', import.meta.url), 'utf8')) as {
  shape: number[];
  logits: number[];
  cases: {
    blank: number;
    reduction: 'none' | 'sum' | 'mean';
    targets: number[][];
    lengths: number[];
    value: number[];
    grad: number[];
  }[];
};

function near(received: ArrayLike<number>, expected: readonly number[]): void {
  expect(received).toHaveLength(expected.length);
  expected.forEach((value, i) =>
    expect(Math.abs(received[i]! - value), `${i}: ${received[i]} for ${value}`).toBeLessThan(
      2e-5 * Math.max(1, Math.abs(value)),
    ),
  );
}

describe('ctcLoss', () => {
  it.each(golden.cases)(
    'is that of PyTorch: blank $blank, $reduction',
    ({ targets, lengths, value, grad, ...options }) => {
      const counts = targets.map((row) => row.length);
      // As lists, in a row, and as a padded tensor.
      const forms = [
        (): number[][] => targets,
        (): number[] => targets.flat(),
        (): Tensor =>
          tf.tensor2d(
            targets.map((row) => [...row, 1, 1, 1, 1].slice(0, 4)),
            undefined,
            'int32',
          ),
      ];
      for (const form of forms) {
        expectNoLeak(() =>
          tf.tidy(() => {
            const loss = (x: Tensor): Tensor =>
              ctcLoss(tf.logSoftmax(x), form(), lengths, counts, { ...options, zeroInfinity: true });
            const x = tf.tensor(golden.logits, golden.shape);
            near(loss(x).dataSync(), value);
            near(
              tf
                .grad((given: Tensor) => tf.sum(loss(given)))(x)
                .dataSync(),
              grad,
            );
          }),
        );
      }
    },
  );

  it('has the gradient of its own value, also for what is no distribution', () => {
    tf.tidy(() => {
      const values = Array.from({ length: 4 * 3 }, (_, i) => -1 - Math.sin(i));
      const loss = (given: readonly number[]): number =>
        ctcLoss(tf.tensor(given as number[], [4, 1, 3]), [[1, 2]], [4], [2]).dataSync()[0]!;
      const grad = tf
        .grad((x: Tensor) => ctcLoss(x, [[1, 2]], [4], [2]))(tf.tensor(values, [4, 1, 3]))
        .dataSync();
      const h = 1e-2;
      values.forEach((_, i) => {
        const moved = (by: number): number => loss(values.map((v, j) => (j === i ? v + by : v)));
        expect(grad[i]).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 3);
      });
    });
  });

  it('is infinite for a target that does not fit', () => {
    tf.tidy(() => {
      const x = tf.logSoftmax(tf.zeros([2, 1, 3]));
      expect(ctcLoss(x, [[1, 1]], [2], [2]).dataSync()[0]).toBe(Infinity);
      expect(ctcLoss(x, [[1, 2]], [2], [2], { reduction: 'sum' }).dataSync()[0]).toBeCloseTo(
        2 * Math.log(3),
        5,
      );
    });
  });

  it('is a module, and refuses what does not fit', () => {
    const x = tf.zeros([4, 1, 3]);
    const build = (options: object): Module & { forward(...given: unknown[]): Tensor } =>
      MODELS.build({ type: 'CTCLoss', ...options } as never);
    const of = (options: CtcLossOptions): number =>
      tf.tidy(() => ctcLoss(tf.logSoftmax(x), [[1]], [4], [1], options).dataSync()[0]!);
    const half = tf.tidy(
      () =>
        build({ lossWeight: 0.5, blank: 2 })
          .forward(tf.logSoftmax(x), [[1]], [4], [1])
          .dataSync()[0]!,
    );
    expect(half).toBeCloseTo(of({ blank: 2 }) / 2, 6);
    expect(() => build({ blnk: 1 })).toThrow(/did you mean 'blank'/);
    expect(() => ctcLoss(tf.zeros([3]), [[1]], [4], [1])).toThrow(/logProbs\.shape/);
    expect(() => ctcLoss(x, [[1]], [5], [1])).toThrow(/inputLengths/);
    expect(() => ctcLoss(x, [[1]], [4], [2])).toThrow(/targets/);
    expect(() => ctcLoss(x, [1, 2], [4], [1])).toThrow(/2 labels/);
    expect(() => ctcLoss(x, [[0]], [4], [1])).toThrow(/other than the blank/);
    expect(() => of({ blank: 3 })).toThrow(/blank/);
    x.dispose();
  });
});
