import { describe, expect, it } from 'vitest';

import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  attention,
  clipByGlobalNorm,
  dropout,
  elu,
  emaUpdate,
  expectNoLeak,
  globalNorm,
  hardsigmoid,
  hardtanh,
  leakyRelu,
  linear,
  logSigmoid,
  markConstant,
  mish,
  scaledDotProductAttention,
  selfAttention,
  selu,
  softplus,
  tf,
  type Tensor,
} from '../index.js';
import { checkGradient, draw, expectNear, values } from './check-gradient.fixture.js';

describe('linear', () => {
  it('is x · weight + bias over the last axis, with all gradients', () => {
    const inputs = [draw([2, 3, 4], 'x'), draw([4, 5], 'w'), draw([5], 'b')] as [Tensor, Tensor, Tensor];
    const [x, weight, bias] = inputs;
    tf.tidy(() => {
      const rows = tf.reshape(x, [6, 4]);
      const expected = tf.add(tf.matMul(rows as tf.Tensor2D, weight as tf.Tensor2D), bias);
      const y = linear(x, weight, bias);
      expect(y.shape).toEqual([2, 3, 5]);
      expectNear(values(y), values(expected), 1e-5);
    });
    checkGradient((a, b, c) => linear(a!, b!, c!), inputs);
    checkGradient((a, b) => linear(a!, b!), [x, weight]);
    expect(() => linear(x, draw([3, 5], 'w'))).toThrow('[..., 3]');
  });

  it('computes a gradient that was said to be constant when it is asked for, and leaves nothing', () => {
    const [x, weight] = [markConstant(draw([3, 4], 'x')), draw([4, 2], 'w')];
    checkGradient((a, b) => linear(a!, b!), [x, weight]);
    expectNoLeak(() => tf.dispose(tf.grads((a, b) => tf.sum(linear(a, b)))([x, weight])));
  });
});

describe('attention of heads side by side', () => {
  it.each([false, true])('is scaledDotProductAttention of each head; causal: %s', (causal) => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => draw([2, 5, 6], name)) as [Tensor, Tensor, Tensor];
    tf.tidy(() => {
      const apart = (x: Tensor): Tensor => tf.transpose(tf.reshape(x, [2, 5, 3, 2]), [0, 2, 1, 3]);
      const each = scaledDotProductAttention(apart(q), apart(k), apart(v), { causal });
      const expected = tf.reshape(tf.transpose(each, [0, 2, 1, 3]), [2, 5, 6]);
      expectNear(values(attention(q, k, v, { heads: 3, causal })), values(expected), 1e-5);
      const packed = tf.concat([q, k, v], 2);
      expectNear(values(selfAttention(packed, { heads: 3, causal })), values(expected), 1e-5);
    });
    checkGradient((a, b, c) => attention(a!, b!, c!, { heads: 3, causal }), [q, k, v]);
    checkGradient((a) => selfAttention(a!, { heads: 2, causal }), [draw([1, 4, 12], 'qkv')]);
  });

  it('wants heads that divide the last axis', () => {
    const x = draw([1, 2, 6], 'x');
    expect(() => attention(x, x, x, { heads: 4 })).toThrow('a divisor of 6');
  });
});

describe('activations', () => {
  it.each<[string, (x: Tensor) => Tensor, (x: number) => number]>([
    ['leakyRelu', (x) => leakyRelu(x, 0.1), (x) => (x > 0 ? x : 0.1 * x)],
    ['hardtanh', (x) => hardtanh(x, -0.5, 1), (x) => Math.min(1, Math.max(-0.5, x))],
    ['hardsigmoid', (x) => hardsigmoid(x), (x) => Math.min(1, Math.max(0, x / 6 + 0.5))],
    ['elu', (x) => elu(x, 1.5), (x) => (x > 0 ? x : 1.5 * Math.expm1(x))],
    ['selu', (x) => selu(x), (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))],
    ['mish', (x) => mish(x), (x) => x * Math.tanh(Math.log1p(Math.exp(x)))],
    ['softplus', (x) => softplus(x, { beta: 2 }), (x) => Math.log1p(Math.exp(2 * x)) / 2],
    ['logSigmoid', (x) => logSigmoid(x), (x) => -Math.log1p(Math.exp(-x))],
  ])('%s is its definition, with its gradient', (_, fn, definition) => {
    // No number so close to a corner that a finite difference reaches over it.
    const x = tf.tensor1d([-7.3, -4.1, -2.7, -1.2, -0.4, -0.1, 0.2, 0.45, 0.8, 1.3, 2.9, 4.4, 8.2]);
    const expected = values(x).map(definition);
    expectNear(values(tf.tidy(() => fn(x))), expected, 1e-5);
    checkGradient((given) => fn(given!), [x]);
    expectNoLeak(() => tf.dispose(tf.grad((given) => tf.sum(fn(given)))(x)));
  });

  it('keep what would overflow: softplus, mish and logSigmoid of large numbers', () => {
    const x = tf.tensor1d([-200, 200]);
    expect(values(softplus(x))).toEqual([0, 200]);
    expect(values(mish(x))).toEqual([-0, 200]);
    expect(values(logSigmoid(x))).toEqual([-200, -0]);
  });
});

describe('dropout', () => {
  const options = { p: 0.3, key: [5, 6] as const, call: 1 };

  it('drops with probability p, independently, and scales the rest', () => {
    const size = 20_000;
    const y = values(dropout(tf.ones([size]), options));
    const kept = y.filter((value) => value !== 0);
    expect(new Set(kept.map(Math.fround))).toEqual(new Set([Math.fround(1 / 0.7)]));
    // Four standard deviations of the count, and of the count of neighbours that are both kept.
    expect(Math.abs(kept.length - 0.7 * size)).toBeLessThan(4 * Math.sqrt(size * 0.21));
    const pairs = y.filter((value, i) => value !== 0 && y[i + 1]).length;
    expect(Math.abs(pairs - 0.49 * size)).toBeLessThan(4 * Math.sqrt(size * 0.49 * (0.51 + 2 * 0.21)));
  });

  it('is the same for one key and call, another for others, and its gradient has its mask', () => {
    const x = draw([200], 'x');
    const mask = (given: object): number[] => values(dropout(tf.ones([200]), { ...options, ...given }));
    expect(mask({})).toEqual(mask({}));
    for (const other of [{ call: 2 }, { key: [5, 7] }, { key: [4, 6] }, { call: 1 + 2 ** 32 }])
      expect(mask(other)).not.toEqual(mask({}));
    const grad = tf.grad((given) => tf.sum(tf.mul(dropout(given, options), 2)))(x);
    expectNear(
      values(grad),
      mask({}).map((value) => 2 * value),
      1e-6,
    );
    expectNoLeak(() => tf.dispose(tf.grad((given) => tf.sum(dropout(given, options)))(x)));
    expect(() => dropout(x, { ...options, p: 1 })).toThrow('below 1');
  });
});

describe('adaptive pooling', () => {
  it.each<[number[], [number, number]]>([
    [
      [2, 7, 5, 3],
      [3, 2],
    ],
    [
      [1, 4, 4, 2],
      [1, 1],
    ],
    [
      [1, 3, 2, 2],
      [5, 4],
    ],
  ])('of %j to %j is the mean and the maximum of PyTorch’s bins, with gradients', (shape, size) => {
    const x = tf.tensor(
      // Distinct, and far enough apart for finite differences.
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => ((i * 37) % 211) / 10),
      shape,
    );
    const [n, h, w, c] = shape as [number, number, number, number];
    const data = values(x);
    const means: number[] = [];
    const tops: number[] = [];
    for (let b = 0; b < n; b++)
      for (let i = 0; i < size[0]; i++)
        for (let j = 0; j < size[1]; j++)
          for (let k = 0; k < c; k++) {
            const found: number[] = [];
            for (let r = Math.floor((i * h) / size[0]); r < Math.ceil(((i + 1) * h) / size[0]); r++)
              for (let s = Math.floor((j * w) / size[1]); s < Math.ceil(((j + 1) * w) / size[1]); s++)
                found.push(data[((b * h + r) * w + s) * c + k]!);
            means.push(found.reduce((sum, v) => sum + v) / found.length);
            tops.push(Math.max(...found));
          }
    expectNear(values(adaptiveAvgPool2d(x, size)), means, 1e-4);
    expectNear(values(adaptiveMaxPool2d(x, size)), tops, 1e-6);
    checkGradient((given) => adaptiveAvgPool2d(given!, size), [x]);
    checkGradient((given) => adaptiveMaxPool2d(given!, size), [x]);
    expectNoLeak(() => tf.dispose(tf.grad((given) => tf.sum(adaptiveMaxPool2d(given as never, size)))(x)));
  });

  it('gives the gradient of equal maxima to the first', () => {
    const grad = tf.grad((given) => tf.sum(adaptiveMaxPool2d(given as never, [1, 1])))(tf.ones([1, 2, 2, 1]));
    expect(values(grad)).toEqual([1, 0, 0, 0]);
    expect(() => adaptiveMaxPool2d(tf.ones([2, 2]), [1, 1])).toThrow('[N, H, W, C]');
    expect(() => adaptiveAvgPool2d(tf.ones([1, 2, 2, 1]), [0, 1])).toThrow('two positive integers');
  });
});

describe('lists of tensors', () => {
  it('emaUpdate moves every average by its share', () => {
    const averages = [tf.variable(draw([3, 2], 'a')), tf.variable(draw([4], 'b'))];
    const news = [draw([3, 2], 'c'), draw([4], 'd')];
    const expected = averages.map((average, i) =>
      values(average).map((value, j) => value + 0.3 * (values(news[i]!)[j]! - value)),
    );
    expectNoLeak(() => emaUpdate({ averages, values: news, share: 0.3 }));
    averages.forEach((average, i) => expectNear(values(average), expected[i]!, 1e-6));
    emaUpdate({ averages: [], values: [], share: 0.3 });
    tf.dispose(averages);
  });

  it('globalNorm has a gradient where one is asked for', () => {
    const [a, b] = [draw([3], 'a'), draw([2, 2], 'b')];
    for (const p of [1, 2, 3])
      checkGradient((...list) => globalNorm(list, p), [a, b], { epsilon: 1e-3, tolerance: 5e-2 });
    expect(clipByGlobalNorm([], 1).grads).toEqual([]);
  });
});
