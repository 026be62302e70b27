import { MODELS } from '@engine/core';
import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { describe, expect, it } from 'vitest';

import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  huberLoss,
  klDiv,
  nllLoss,
  smoothL1Loss,
  type LossModule,
} from '../index.js';

const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync());
function near(received: Tensor, expected: readonly number[] | number): void {
  const wanted = typeof expected === 'number' ? [expected] : expected;
  const found = values(received);
  expect(found).toHaveLength(wanted.length);
  found.forEach((value, i) => expect(value, `element ${i}`).toBeCloseTo(wanted[i]!, 5));
}
const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;

describe('crossEntropy and nllLoss', () => {
  const rows = [
    [1, 2, 0.5],
    [-1, 0, 3],
    [0.2, 0.1, 0],
  ];
  const logProbs = rows.map((row) => {
    const log = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    return row.map((x) => x - log);
  });
  const logits = tf.tensor2d(rows);
  const weight = [0.5, 1, 2];

  it('weigh classes, and divide by the weights of the labels that count', () => {
    const labels = tf.tensor1d([2, 0, -100], 'int32');
    const each = [-2 * logProbs[0]![2]!, -0.5 * logProbs[1]![0]!, 0];
    const sum = each[0]! + each[1]!;
    tf.tidy(() => {
      const plain = tf.tensor2d(logProbs);
      for (const loss of [
        (options: object) => crossEntropy(logits, labels, { weight, ...options }),
        (options: object) => nllLoss(plain, labels, { weight, ...options }),
      ]) {
        near(loss({ reduction: 'none' }), each);
        near(loss({ reduction: 'sum' }), sum);
        near(loss({}), sum / 2.5);
      }
      const spread = [0, 1].map((i) => -logProbs[i]!.reduce((total, x, k) => total + x * weight[k]!, 0) / 3);
      const smooth = crossEntropy(logits, labels, { weight, labelSmoothing: 0.2 });
      near(smooth, (0.8 * sum + 0.2 * (spread[0]! + spread[1]!)) / 2.5);
    });
  });

  it('take the classes of images on the last axis', () => {
    tf.tidy(() => {
      const image = tf.reshape(logits, [1, 3, 1, 3]);
      const labels = tf.tensor3d([0, 1, 2], [1, 3, 1], 'int32');
      const each = [0, 1, 2].map((i) => -logProbs[i]![i]!);
      near(nllLoss(tf.logSoftmax(image), labels), mean(each));
      expect(crossEntropy(image, labels, { reduction: 'none', weight }).shape).toEqual([1, 3, 1]);
    });
  });

  it('crossEntropy takes probabilities of classes too', () => {
    const target = [
      [0.2, 0.3, 0.5],
      [1, 0, 0],
      [0, 0.5, 0.5],
    ];
    const each = (w: readonly number[]): number[] =>
      target.map((row, i) => -row.reduce((sum, p, k) => sum + p * w[k]! * logProbs[i]![k]!, 0));
    tf.tidy(() => {
      near(crossEntropy(logits, tf.tensor2d(target), { reduction: 'none' }), each([1, 1, 1]));
      near(crossEntropy(logits, tf.tensor2d(target), { weight }), mean(each(weight)));
      const even = mean(logProbs.map((row) => -mean(row)));
      near(
        crossEntropy(logits, tf.tensor2d(target), { labelSmoothing: 0.3 }),
        0.7 * mean(each([1, 1, 1])) + 0.3 * even,
      );
    });
  });

  it('name what does not fit', () => {
    const labels = tf.tensor1d([0], 'int32');
    expect(() => nllLoss(logits, labels)).toThrow('one label for each row');
    expect(() => crossEntropy(logits, labels, { weight: [1] })).toThrow('crossEntropy.weight');
    expect(() => nllLoss(logits, tf.tensor1d([0, 1, 2], 'int32'), { reduction: 'all' as never })).toThrow(
      "'mean', 'sum' or 'none'",
    );
  });
});

describe('binary cross entropy', () => {
  const x = [2, -1, 0.5, 3];
  const y = [1, 0, 0.3, 0.9];
  const each = (posWeight: readonly number[] = [1, 1]): number[] =>
    x.map((v, i) => {
      const p = 1 / (1 + Math.exp(-v));
      return -(posWeight[i % 2]! * y[i]! * Math.log(p) + (1 - y[i]!) * Math.log(1 - p));
    });

  it('weighs elements and positives, with its gradient', () => {
    tf.tidy(() => {
      const [logits, target] = [tf.tensor2d(x, [2, 2]), tf.tensor2d(y, [2, 2])];
      near(binaryCrossEntropyWithLogits(logits, target), mean(each()));
      const none = { reduction: 'none' } as const;
      near(binaryCrossEntropyWithLogits(logits, target, { ...none, posWeight: [3, 0.5] }), each([3, 0.5]));
      const weighted = each().map((v, i) => v * [2, 4][i % 2]!);
      near(binaryCrossEntropyWithLogits(logits, target, { ...none, weight: [2, 4] }), weighted);
      near(
        binaryCrossEntropy(tf.sigmoid(logits), target, { ...none, weight: tf.tensor1d([2, 4]) }),
        weighted,
      );
      const [grad] = tf.grads((t) =>
        binaryCrossEntropyWithLogits(t!, target, { reduction: 'sum', posWeight: 3 }),
      )([logits]);
      near(
        grad!,
        x.map((v, i) => {
          const p = 1 / (1 + Math.exp(-v));
          return (1 - y[i]!) * p - 3 * y[i]! * (1 - p);
        }),
      );
      expect(() => binaryCrossEntropyWithLogits(logits, target, { weight: [1, 2, 3] })).toThrow('broadcasts');
    });
  });
});

describe('klDiv, smoothL1Loss, huberLoss', () => {
  it('follow their definitions and options', () => {
    tf.tidy(() => {
      const [p, q] = [
        [0.5, 0.5, 0, 1],
        [0.25, 0.75, 0.5, 0.5],
      ] as const;
      const each = p.map((t, i) => (t === 0 ? 0 : t * Math.log(t / q[i]!)));
      const [logProbs, target] = [tf.log(tf.tensor2d([...q], [2, 2])), tf.tensor2d([...p], [2, 2])];
      near(klDiv(logProbs, target, { reduction: 'none' }), each);
      near(klDiv(logProbs, target), mean(each));
      near(klDiv(logProbs, target, { reduction: 'batchmean' }), mean(each) * 2);
      const other = tf.log(tf.tensor2d([0.3, 0.7, 0.6, 0.4], [2, 2]));
      const logged = klDiv(logProbs, other, { logTarget: true, reduction: 'sum' });
      near(logged, values(klDiv(logProbs, tf.exp(other), { reduction: 'sum' })));

      const [a, b] = [tf.tensor1d([0, 0, 0]), tf.tensor1d([0.25, -3, 1])];
      near(smoothL1Loss(a, b, { beta: 0.5, reduction: 'none' }), [0.0625, 2.75, 0.75]);
      near(smoothL1Loss(a, b, { beta: 0, reduction: 'sum' }), 4.25);
      near(huberLoss(a, b, { delta: 2, reduction: 'none' }), [0.03125, 4, 0.5]);
      expect(() => huberLoss(a, b, { delta: 0 })).toThrow('huberLoss.delta');
      expect(() => smoothL1Loss(a, b, { beta: -1 })).toThrow('smoothL1Loss.beta');
      expect(() => klDiv(a, b, { reduction: 'batch' as never })).toThrow('klDiv.reduction');
    });
  });
});

it('every loss is a module too, weighed as a whole, and leaks nothing', () => {
  const x = tf.sigmoid(tf.tensor2d([1, -2, 0.5, 0.1], [2, 2]));
  const target = tf.tensor2d([0.2, 0.9, 0, 1], [2, 2]);
  const labels = tf.tensor1d([1, 0], 'int32');
  const known = [
    'SmoothL1Loss',
    'HuberLoss',
    'BCELoss',
    'BCEWithLogitsLoss',
    'KLDivLoss',
    'NLLLoss',
    'CrossEntropyLoss',
  ];
  for (const type of known) {
    const given = type === 'NLLLoss' || type === 'CrossEntropyLoss' ? labels : target;
    expectNoLeak(() =>
      tf.tidy(() => {
        const loss = MODELS.build<LossModule>({ type } as never).forward(x, given);
        const twice = MODELS.build<LossModule>({ type, lossWeight: 2 } as never).forward(x, given);
        near(twice, values(loss)[0]! * 2);
        expect(values(loss)[0]).not.toBe(0);
      }),
    );
    expect(() => MODELS.build({ type, reductoin: 'sum' } as never)).toThrow(/did you mean 'reduction'/);
  }
});
