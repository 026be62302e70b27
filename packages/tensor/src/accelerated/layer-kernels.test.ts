import { describe, expect, it } from 'vitest';

import {
  bce,
  bceWithLogits,
  convTranspose2d,
  embedding,
  expectNoLeak,
  gelu,
  groupNorm,
  hardswish,
  huber,
  layerNorm,
  nll,
  resize2d,
  scaledDotProductAttention,
  silu,
  tf,
  type Tensor,
} from '../index.js';
import { checkGradient, draw, expectNear, values } from './check-gradient.fixture.js';

describe('normalisation', () => {
  it('layerNorm is its definition, with its gradient', () => {
    const inputs = [draw([2, 3, 5], 'x'), draw([5], 'gamma'), draw([5], 'beta')];
    tf.tidy(() => {
      const [x, gamma, beta] = inputs as [Tensor, Tensor, Tensor];
      const { mean, variance } = tf.moments(x, 2, true);
      const expected = tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 0.1))), gamma), beta);
      expectNear(values(layerNorm(x, gamma, beta, { epsilon: 0.1 })), values(expected), 1e-5);
    });
    checkGradient((x, gamma, beta) => layerNorm(x!, gamma!, beta!), inputs);
    expect(() => layerNorm(tf.zeros([2, 4]), tf.ones([5]), tf.ones([5]))).toThrow('[..., 5]');
  });

  it('groupNorm is its definition, with its gradient and the statistics of each group', () => {
    const inputs = [draw([2, 3, 2, 6], 'x'), draw([6], 'gamma'), draw([6], 'beta')];
    tf.tidy(() => {
      const [x, gamma, beta] = inputs as [Tensor, Tensor, Tensor];
      const { y, mean, variance } = groupNorm(x, gamma, beta, 3);
      const parts = tf.split(x, 3, 3).map((part) => tf.moments(part, [1, 2, 3], true));
      const wide = (statistics: Tensor[]): Tensor =>
        tf.concat(
          statistics.map((s) => tf.tile(s, [1, 1, 1, 2])),
          3,
        );
      const means = parts.map((part) => part.mean);
      const variances = parts.map((part) => part.variance);
      const normalised = tf.div(tf.sub(x, wide(means)), tf.sqrt(tf.add(wide(variances), 1e-5)));
      expectNear(values(y), values(tf.add(tf.mul(normalised, gamma), beta)), 1e-5);
      expectNear(values(mean), values(tf.concat(means, 3)), 1e-6);
      expectNear(values(variance), values(tf.concat(variances, 3)), 1e-5);
    });
    checkGradient((x, gamma, beta) => groupNorm(x!, gamma!, beta!, 2).y, inputs);
    checkGradient((x, gamma, beta) => groupNorm(x!, gamma!, beta!, 6).y, inputs);
    expect(() => groupNorm(tf.zeros([2, 6]), tf.ones([6]), tf.ones([6]), 4)).toThrow('a divisor');
  });
});

describe('activations', () => {
  it('have the values of their formulas at known points', () => {
    // Φ(1) = 0.8413447, Φ(-2) = 0.0227501.
    expectNear(values(gelu(tf.tensor1d([1, -2, 0]))), [0.8413447, -0.0455003, 0], 1e-6);
    const u = Math.sqrt(2 / Math.PI) * (1 + 0.044715);
    expectNear(values(gelu(tf.tensor1d([1]), { approximate: 'tanh' })), [0.5 * (1 + Math.tanh(u))], 1e-6);
    expectNear(values(silu(tf.tensor1d([1, -3]))), [1 / (1 + Math.exp(-1)), -3 / (1 + Math.exp(3))], 1e-6);
    expectNear(values(hardswish(tf.tensor1d([-4, -3, 0.6, 3, 5]))), [0, 0, 0.36, 3, 5], 1e-6);
    expect(() => gelu(tf.zeros([1]), { approximate: 'sigmoid' as never })).toThrow('gelu.approximate');
  });

  it('have the right slopes', () => {
    const x = tf.linspace(-5.05, 5.05, 40);
    for (const fn of [gelu, silu, hardswish, (t: Tensor) => gelu(t, { approximate: 'tanh' })]) {
      checkGradient((t) => (fn as (t: Tensor) => Tensor)(t!), [x], { tolerance: 1e-2 });
    }
  });
});

describe('embedding', () => {
  const indices = tf.tensor2d(
    [
      [2, 0],
      [2, 3],
    ],
    [2, 2],
    'int32',
  );

  it('looks rows up, and adds gradients of the same row', () => {
    const weight = draw([4, 3], 'weight');
    checkGradient((w) => embedding(w!, indices), [weight]);
    tf.tidy(() => {
      const grad = (options: object): unknown =>
        tf
          .grad((w) => tf.sum(embedding(w, indices, options)) as Tensor)(weight)
          .arraySync();
      expect(grad({})).toEqual([
        [1, 1, 1],
        [0, 0, 0],
        [2, 2, 2],
        [1, 1, 1],
      ]);
      expect(grad({ paddingIndex: 2 })).toEqual([
        [1, 1, 1],
        [0, 0, 0],
        [0, 0, 0],
        [1, 1, 1],
      ]);
      expect(grad({ byFrequency: true })).toEqual([
        [1, 1, 1],
        [0, 0, 0],
        [1, 1, 1],
        [1, 1, 1],
      ]);
    });
    expect(() => embedding(weight, tf.zeros([2]))).toThrow('int32');
  });
});

describe('scaledDotProductAttention', () => {
  const [q, k, v] = [draw([2, 2, 3, 4], 'q'), draw([2, 2, 5, 4], 'k'), draw([2, 2, 5, 3], 'v')] as const;

  it('is softmax(q·kᵀ/√d + mask)·v, with its gradient, that of the mask included', () => {
    const mask = draw([1, 2, 3, 5], 'mask');
    const plain = (a: Tensor, b: Tensor, c: Tensor, m: Tensor): Tensor =>
      tf.matMul(tf.softmax(tf.add(tf.mul(tf.matMul(a, b, false, true), 0.5), m)), c);
    tf.tidy(() => {
      expectNear(values(scaledDotProductAttention(q, k, v)), values(plain(q, k, v, tf.scalar(0))), 1e-6);
      expectNear(values(scaledDotProductAttention(q, k, v, { mask })), values(plain(q, k, v, mask)), 1e-6);
    });
    checkGradient((a, b, c) => scaledDotProductAttention(a!, b!, c!, { scale: 0.7 }), [q, k, v]);
    checkGradient((a, b, c, m) => scaledDotProductAttention(a!, b!, c!, { mask: m! }), [q, k, v, mask]);
  });

  it('looks at nothing that a mask or causality hides', () => {
    const hidden = tf.tensor2d([1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0], [3, 5]);
    tf.tidy(() => {
      const causal = scaledDotProductAttention(q, k, v, { causal: true });
      const masked = scaledDotProductAttention(q, k, v, { mask: tf.cast(hidden, 'bool') });
      expectNear(values(causal), values(masked), 1e-6);
      expectNear(
        values(tf.slice(causal, [0, 0, 0, 0], [2, 2, 1, 3])),
        values(tf.slice(v, 0, [2, 2, 1, 3])),
        1e-6,
      );
    });
    checkGradient((a, b, c) => scaledDotProductAttention(a!, b!, c!, { causal: true }), [q, k, v]);
  });

  it('gives zeros, and zero gradients, where everything is hidden', () => {
    tf.tidy(() => {
      const mask = tf.cast(tf.zeros([3, 5]), 'bool');
      expect(values(scaledDotProductAttention(q, k, v, { mask }))).toEqual(Array(36).fill(0));
      const grad = tf.grad((a) => tf.sum(scaledDotProductAttention(a, k, v, { mask })) as Tensor)(q);
      expect(values(grad).every((value) => value === 0)).toBe(true);
    });
    expect(() => scaledDotProductAttention(q, v, k)).toThrow('q [B, H, T, D]');
  });
});

describe('convTranspose2d', () => {
  /** The definition: every input adds its multiple of the filter to the result. */
  function plain(
    x: Tensor,
    filter: Tensor,
    o: Required<Parameters<typeof convTranspose2d>[2]> & object,
  ): number[] {
    const [n, h, w, ci] = x.shape as [number, number, number, number];
    const [kh, kw, cog] = filter.shape as [number, number, number];
    const outH =
      (h - 1) * o.strides[0] - o.pads[0] - o.pads[1] + o.dilations[0] * (kh - 1) + o.outputPadding[0] + 1;
    const outW =
      (w - 1) * o.strides[1] - o.pads[2] - o.pads[3] + o.dilations[1] * (kw - 1) + o.outputPadding[1] + 1;
    const y = tf.buffer([n, outH, outW, cog * o.groups]);
    const xs = x.arraySync() as number[][][][];
    const fs = filter.arraySync() as number[][][][];
    for (let b = 0; b < n; b++)
      for (let i = 0; i < h; i++)
        for (let j = 0; j < w; j++)
          for (let c = 0; c < ci; c++)
            for (let u = 0; u < kh; u++)
              for (let t = 0; t < kw; t++)
                for (let d = 0; d < cog; d++) {
                  const row = i * o.strides[0] - o.pads[0] + u * o.dilations[0];
                  const column = j * o.strides[1] - o.pads[2] + t * o.dilations[1];
                  if (row < 0 || column < 0 || row >= outH || column >= outW) continue;
                  const channel = Math.floor(c / (ci / o.groups)) * cog + d;
                  y.set(
                    y.get(b, row, column, channel) + xs[b]![i]![j]![c]! * fs[u]![t]![d]![c]!,
                    b,
                    row,
                    column,
                    channel,
                  );
                }
    return values(y.toTensor());
  }
  type Case = [string, number[], number[], Record<string, unknown>];
  const cases: Case[] = [
    ['stride 2', [2, 3, 4, 3], [4, 4, 2, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }],
    [
      'output padding',
      [1, 3, 3, 2],
      [3, 3, 3, 2],
      { strides: [2, 3], pads: [1, 1, 1, 1], outputPadding: [1, 2] },
    ],
    ['groups', [1, 3, 3, 4], [3, 2, 3, 4], { strides: [2, 1], groups: 2 }],
    ['dilation', [1, 4, 3, 2], [3, 2, 2, 2], { dilations: [2, 3], pads: [1, 1, 0, 0] }],
    [
      'output padding beyond the stride',
      [1, 3, 3, 2],
      [2, 2, 1, 2],
      { dilations: [3, 3], outputPadding: [2, 1], pads: [1, 1, 1, 1] },
    ],
    [
      'output padding beyond every tap',
      [1, 2, 2, 1],
      [2, 2, 1, 1],
      { dilations: [2, 2], outputPadding: [1, 1] },
    ],
  ];
  for (const [name, xShape, filterShape, given] of cases) {
    it(`${name}: agrees with the definition, and its gradients with differences`, () => {
      const [x, filter] = [draw(xShape, 'x'), draw(filterShape, 'filter')];
      const options = {
        strides: [1, 1],
        pads: [0, 0, 0, 0],
        outputPadding: [0, 0],
        dilations: [1, 1],
        groups: 1,
        ...given,
      } as never;
      tf.tidy(() => expectNear(values(convTranspose2d(x, filter, options)), plain(x, filter, options), 1e-5));
      const outputs = filterShape[2]! * ((given['groups'] as number | undefined) ?? 1);
      const inputs = [x, filter, draw([outputs], 'bias')];
      checkGradient((a, b, c) => convTranspose2d(a!, b!, { ...(given as object), bias: c! }), inputs);
    });
  }

  it('names shapes that do not fit', () => {
    expect(() => convTranspose2d(tf.zeros([1, 2, 2, 3]), tf.zeros([2, 2, 1, 4]))).toThrow('[N, H, W, 4]');
    const pads = [1, 1, 1, 1] as [number, number, number, number];
    expect(() => convTranspose2d(tf.zeros([1, 1, 1, 1]), tf.zeros([2, 2, 1, 1]), { pads })).toThrow('pads');
  });
});

describe('resize2d', () => {
  it('repeats pixels, or takes the nearest one', () => {
    const x = tf.tensor4d([1, 2, 3, Infinity], [1, 1, 4, 1]);
    const to = (width: number, mode: 'nearest' | 'nearest-exact'): number[] =>
      values(resize2d(x, { size: [1, width], mode }));
    expect(to(8, 'nearest')).toEqual([1, 1, 2, 2, 3, 3, Infinity, Infinity]);
    expect(to(3, 'nearest')).toEqual([1, 2, 3]);
    expect(to(2, 'nearest-exact')).toEqual([2, Infinity]);
  });

  it('interpolates between pixel centres, or between corners', () => {
    const x = tf.tensor4d([0, 8], [1, 1, 2, 1]);
    const to = (options: object): number[] =>
      values(resize2d(x, { size: [1, 4], mode: 'bilinear', ...options }));
    expect(to({})).toEqual([0, 2, 6, 8]);
    expectNear(to({ alignCorners: true }), [0, 8 / 3, 16 / 3, 8], 1e-5);
    // By the given factor positions are (i + 1/2) / 4 - 1/2: twice before the first centre, then 1/8 and 3/8 beyond it.
    expect(to({ scales: [1, 4] })).toEqual([0, 0, 1, 3]);
  });

  it("bicubic answers to one bright pixel with Keys' kernel for a = -0.75", () => {
    const x = tf.reshape(tf.oneHot(tf.tensor1d([3], 'int32'), 8), [1, 8, 1, 1]);
    const y = values(resize2d(tf.cast(x, 'float32'), { size: [16, 1], mode: 'bicubic' }));
    const side = [-0.03515625, -0.10546875, 0.26171875, 0.87890625];
    expectNear(y, [0, 0, 0, ...side, ...[...side].reverse(), 0, 0, 0, 0, 0], 1e-6);
  });

  it('has the right gradients', () => {
    const x = draw([2, 3, 4, 2], 'x');
    for (const mode of ['nearest', 'nearest-exact', 'bilinear', 'bicubic'] as const) {
      checkGradient((t) => resize2d(t!, { size: [5, 3], mode }), [x]);
    }
    checkGradient((t) => resize2d(t!, { size: [5, 7], mode: 'bicubic', alignCorners: true }), [x]);
    expect(() => resize2d(x, { size: [0, 1] })).toThrow('resize2d.size');
    expect(() => resize2d(x, { size: [1, 1], mode: 'cubic' as never })).toThrow('bicubic');
  });
});

describe('losses of elements', () => {
  it('huber is quadratic up to delta and straight beyond', () => {
    expectNear(values(huber(tf.tensor1d([1, -3]), tf.tensor1d([0.5, 1]), { delta: 2 })), [0.125, 6], 1e-6);
    checkGradient((a, b) => huber(a!, b!, { delta: 0.7 }), [draw([9], 'a'), draw([9], 'b')]);
    expect(() => huber(tf.zeros([2]), tf.zeros([2]), { delta: 0 })).toThrow('huber.delta');
  });

  it('binary cross entropies agree, and neither overflows nor vanishes', () => {
    const [x, y] = [draw([8], 'x'), tf.sigmoid(draw([8], 'y'))];
    expectNear(values(bceWithLogits(x, y)), values(bce(tf.sigmoid(x), y)), 1e-5);
    checkGradient((a, b) => bceWithLogits(a!, b!), [x, y]);
    checkGradient((a, b) => bce(a!, b!), [tf.sigmoid(x), y], { epsilon: 2e-3 });
    const far = values(bceWithLogits(tf.tensor1d([100, -100, 20]), tf.tensor1d([0, 1, 1])));
    expectNear(far.slice(0, 2), [100, 100], 1e-4);
    expect(far[2]! / Math.exp(-20)).toBeCloseTo(1, 3);
    expectNear(values(bce(tf.tensor1d([0, 1]), tf.tensor1d([1, 1]))), [100, 0], 1e-6);
    expect(() => bce(x, tf.zeros([2]))).toThrow('one shape');
  });

  it('nll picks the label, whatever the others are', () => {
    const logProbs = tf.tensor2d([-1, -Infinity, -2, -3, -4, -5], [2, 3]);
    const labels = tf.tensor1d([0, 2], 'int32');
    expectNear(values(nll(logProbs, labels, tf.tensor1d([1, 0.5]))), [1, 2.5], 1e-6);
    checkGradient((x) => nll(x!, labels, tf.tensor1d([2, 0.5])), [draw([2, 3], 'x')]);
    expect(() => nll(logProbs, tf.zeros([2]), tf.ones([2]))).toThrow('int32');
    expect(() => nll(logProbs, labels, tf.ones([3]))).toThrow('weights [M]');
  });
});

it('no kernel leaks, in or out of a gradient', () => {
  const image = draw([1, 4, 4, 2], 'image');
  const [vector, filter, table] = [tf.ones([2]), draw([3, 3, 2, 2], 'filter'), draw([5, 2], 'table')];
  const labels = tf.tensor1d([1, 0], 'int32');
  const heads = draw([1, 2, 3, 2], 'heads');
  const mask = tf.cast(tf.ones([3, 3]), 'bool');
  const makers: [string, Tensor, (x: Tensor) => Tensor][] = [
    ['layerNorm', image, (x) => tf.tidy(() => layerNorm(x, vector, vector))],
    ['groupNorm', image, (x) => tf.tidy(() => groupNorm(x, vector, vector, 1).y)],
    ['gelu', image, (x) => gelu(x)],
    ['silu', image, (x) => silu(x)],
    ['hardswish', image, (x) => hardswish(x)],
    ['embedding', table, (x) => embedding(x, labels, { paddingIndex: 1, byFrequency: true })],
    ['attention', heads, (x) => scaledDotProductAttention(x, x, x, { causal: true })],
    ['masked attention', heads, (x) => scaledDotProductAttention(x, x, x, { mask })],
    ['convTranspose2d', image, (x) => convTranspose2d(x, filter, { bias: vector, strides: [2, 2] })],
    ['resize2d', image, (x) => resize2d(x, { size: [3, 3], mode: 'bilinear' })],
    ['huber', vector, (x) => huber(x, vector)],
    ['bce', vector, (x) => bce(x, vector)],
    ['bceWithLogits', vector, (x) => bceWithLogits(x, vector)],
    ['nll', tf.zeros([2, 3]), (x) => nll(x, labels, vector)],
  ];
  for (const [name, x, make] of makers) {
    expect(() => expectNoLeak(() => make(x).dispose()), name).not.toThrow();
    const grad = tf.grad((t) => tf.sum(make(t)) as Tensor);
    expect(() => expectNoLeak(() => grad(x).dispose()), `gradient of ${name}`).not.toThrow();
  }
});
