import { describe, expect, it } from 'vitest';

import {
  addRelu,
  batchNormEval,
  batchNormTrain,
  conv2d,
  expectNoLeak,
  markConstant,
  relu,
  softmaxCrossEntropy,
  tf,
  type Tensor,
} from '../index.js';
import { checkGradient, draw, expectNear, values } from './check-gradient.fixture.js';

describe('batchNormTrain', () => {
  it('normalises to the shift and scale it was given, and returns the biased variance', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([
        [1, 10],
        [3, 10],
        [5, 40],
      ]);
      const { y, mean, variance, invStd } = batchNormTrain(x, tf.tensor1d([2, 1]), tf.tensor1d([0.5, 0]), {
        epsilon: 0,
      });
      expectNear(values(mean), [3, 20], 1e-6);
      expectNear(values(variance), [8 / 3, 200], 1e-4);
      expectNear(values(invStd), [1 / Math.sqrt(8 / 3), 1 / Math.sqrt(200)], 1e-6);
      const s = Math.sqrt(8 / 3);
      const t = Math.sqrt(200);
      expectNear(values(y), [0.5 - 4 / s, -10 / t, 0.5, -10 / t, 0.5 + 4 / s, 20 / t], 1e-5);
    });
  });

  for (const withRelu of [false, true]) {
    it(`has the right gradient ${withRelu ? 'with' : 'without'} ReLU`, () => {
      const x = draw([3, 2, 2, 4], 'x');
      const gamma = draw([4], 'gamma');
      const beta = draw([4], 'beta');
      checkGradient((...[a, b, c]) => batchNormTrain(a!, b!, c!, { relu: withRelu }).y, [x, gamma, beta], {
        epsilon: 1e-3,
      });
    });
  }

  it('with given statistics is the affine map it says, with its gradient', () => {
    const statistics = { mean: draw([3], 'mean'), variance: tf.tensor1d([1, 2, 4]) };
    const inputs = [draw([2, 2, 2, 3], 'x'), draw([3], 'gamma'), draw([3], 'beta')] as const;
    tf.tidy(() => {
      const y = batchNormEval(...inputs, statistics, { epsilon: 0 });
      const by = tf.add(
        tf.mul(tf.div(tf.sub(inputs[0], statistics.mean), tf.sqrt(statistics.variance)), inputs[1]),
        inputs[2],
      );
      expectNear(values(y), values(by), 1e-5);
    });
    checkGradient((...[a, b, c]) => batchNormEval(a!, b!, c!, statistics), [...inputs]);
  });
});

describe('softmaxCrossEntropy', () => {
  const logits = [
    [1, 2, 0.5],
    [-1, 0, 3],
  ];
  const nll = logits.map((row) => {
    const sum = Math.log(row.reduce((total, value) => total + Math.exp(value), 0));
    return row.map((value) => sum - value);
  });

  it('is the negative log likelihood, with every reduction', () => {
    tf.tidy(() => {
      const labels = tf.tensor1d([1, 0], 'int32');
      const each = [nll[0]![1]!, nll[1]![0]!];
      expectNear(values(softmaxCrossEntropy(tf.tensor2d(logits), labels, { reduction: 'none' })), each, 1e-5);
      expectNear(
        values(softmaxCrossEntropy(tf.tensor2d(logits), labels, { reduction: 'sum' })),
        [each[0]! + each[1]!],
        1e-5,
      );
      expectNear(values(softmaxCrossEntropy(tf.tensor2d(logits), labels)), [(each[0]! + each[1]!) / 2], 1e-5);
    });
  });

  it('spreads the smoothed share over all classes and leaves ignored rows out of the mean', () => {
    tf.tidy(() => {
      const labels = tf.tensor1d([1, 9], 'int32');
      const mean = nll[0]!.reduce((a, b) => a + b, 0) / 3;
      const loss = softmaxCrossEntropy(tf.tensor2d(logits), labels, { labelSmoothing: 0.2, ignoreIndex: 9 });
      expectNear(values(loss), [0.8 * nll[0]![1]! + 0.2 * mean], 1e-5);
    });
  });

  it('has the right gradient', () => {
    const labels = tf.tensor1d([2, 7, 0, 1], 'int32');
    checkGradient(
      (x) => softmaxCrossEntropy(x!, labels, { labelSmoothing: 0.1, ignoreIndex: 7 }),
      [draw([4, 3], 'logits')],
    );
  });

  it('refuses labels that are no integers or do not match', () => {
    expect(() => softmaxCrossEntropy(tf.zeros([2, 3]), tf.tensor1d([1, 0]))).toThrow(
      /E_CONFIG_VALUE.*labels/s,
    );
    expect(() => softmaxCrossEntropy(tf.zeros([2, 3]), tf.tensor1d([1], 'int32'))).toThrow(
      /one label for each row/,
    );
  });
});

describe('relu and addRelu', () => {
  it('pass the gradient where the output is positive, to both inputs', () => {
    tf.tidy(() => {
      const a = tf.tensor1d([1, -2, 3]);
      const b = tf.tensor1d([-3, 1, 1]);
      expect(values(relu(a))).toEqual([1, 0, 3]);
      expect(values(addRelu(a, b))).toEqual([0, 0, 4]);
      const [da, db] = tf.grads(
        (x, y) => tf.sum(tf.add(tf.mul(addRelu(x!, y!), 5), tf.mul(x!, 2))) as Tensor,
      )([a, b]);
      expect(values(da!)).toEqual([2, 2, 7]);
      expect(values(db!)).toEqual([0, 0, 5]);
    });
  });

  it('broadcasts shapes that differ', () => {
    tf.tidy(() => {
      const a = tf.tensor2d([
        [1, -2],
        [3, 4],
      ]);
      expect(values(addRelu<Tensor>(a, tf.tensor1d([1, 1])))).toEqual([2, 0, 4, 5]);
    });
  });
});

/** The definition of a grouped, dilated, padded convolution, in loops. */
function plainConv(
  x: Tensor,
  filter: Tensor,
  o: { strides: number[]; pads: number[]; dilations: number[]; groups: number },
): number[] {
  const [n, h, w] = x.shape as [number, number, number];
  const [kh, kw, ci, co] = filter.shape as [number, number, number, number];
  const outH = Math.floor((h + o.pads[0]! + o.pads[1]! - o.dilations[0]! * (kh - 1) - 1) / o.strides[0]!) + 1;
  const outW = Math.floor((w + o.pads[2]! + o.pads[3]! - o.dilations[1]! * (kw - 1) - 1) / o.strides[1]!) + 1;
  const xs = x.arraySync() as number[][][][];
  const fs = filter.arraySync() as number[][][][];
  const out: number[] = [];
  for (let b = 0; b < n; b++)
    for (let y = 0; y < outH; y++)
      for (let z = 0; z < outW; z++)
        for (let c = 0; c < co; c++) {
          let sum = 0;
          const group = Math.floor(c / (co / o.groups));
          for (let i = 0; i < kh; i++)
            for (let j = 0; j < kw; j++)
              for (let k = 0; k < ci; k++) {
                const row = y * o.strides[0]! - o.pads[0]! + i * o.dilations[0]!;
                const column = z * o.strides[1]! - o.pads[2]! + j * o.dilations[1]!;
                sum += (xs[b]![row]?.[column]?.[group * ci + k] ?? 0) * fs[i]![j]![k]![c]!;
              }
          out.push(sum);
        }
  return out;
}

describe('conv2d', () => {
  const cases: [
    string,
    number[],
    number[],
    {
      strides: [number, number];
      pads: [number, number, number, number];
      dilations: [number, number];
      groups: number;
    },
  ][] = [
    [
      '3x3',
      [2, 5, 6, 3],
      [3, 3, 3, 4],
      { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 },
    ],
    [
      'strided with uneven padding',
      [1, 7, 6, 2],
      [3, 2, 2, 3],
      { strides: [2, 3], pads: [0, 2, 1, 0], dilations: [1, 1], groups: 1 },
    ],
    [
      'dilated',
      [1, 8, 7, 2],
      [3, 2, 2, 3],
      { strides: [1, 1], pads: [2, 2, 0, 1], dilations: [2, 3], groups: 1 },
    ],
    [
      'dilated and strided',
      [1, 8, 9, 2],
      [2, 3, 2, 2],
      { strides: [2, 2], pads: [1, 1, 2, 2], dilations: [2, 2], groups: 1 },
    ],
    [
      'grouped',
      [2, 4, 4, 4],
      [3, 3, 2, 6],
      { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 2 },
    ],
    [
      'depthwise, dilated',
      [1, 6, 6, 3],
      [2, 2, 1, 6],
      { strides: [1, 1], pads: [1, 0, 1, 0], dilations: [2, 2], groups: 3 },
    ],
  ];
  for (const [name, xShape, filterShape, options] of cases) {
    it(`${name}: agrees with the definition, and its gradients with differences`, () => {
      const x = draw(xShape, 'x');
      const filter = draw(filterShape, 'filter');
      const bias = draw([filterShape[3]!], 'bias');
      const zero = tf.zerosLike(bias);
      tf.tidy(() =>
        expectNear(
          values(conv2d(x, filter, { ...options, bias: zero })),
          plainConv(x, filter, options),
          1e-4,
        ),
      );
      checkGradient((...[a, b, c]) => conv2d(a!, b!, { ...options, bias: c }), [x, filter, bias]);
    });
  }

  it('gives the gradient of a constant all the same when asked', () => {
    tf.tidy(() => {
      const x = draw([1, 4, 4, 2], 'x');
      const filter = draw([3, 3, 2, 2], 'filter');
      const grad = (input: Tensor): number[] =>
        values(tf.grad((y) => tf.sum(conv2d(y, filter)) as Tensor)(input));
      const expected = grad(x);
      expect(grad(markConstant(x.clone()))).toEqual(expected);
    });
  });

  it('names shapes that do not fit', () => {
    expect(() => conv2d(tf.zeros([1, 4, 4, 3]), tf.zeros([3, 3, 2, 2]))).toThrow(
      /conv2d\.x\.shape = \[1,4,4,3\][\s\S]*\[N, H, W, 2\]/,
    );
    expect(() => conv2d(tf.zeros([1, 2, 2, 3]), tf.zeros([3, 3, 3, 2]))).toThrow(
      /no smaller than the filter/,
    );
  });
});

it('no accelerated function leaks, in or out of a gradient', () => {
  const x = draw([2, 5, 5, 2], 'x');
  const filter = draw([3, 3, 2, 2], 'filter');
  const vector = tf.ones([2]);
  const labels = tf.tensor1d([0, 1], 'int32');
  const net = (input: Tensor, f: Tensor): Tensor => {
    const y = batchNormTrain(conv2d(input, f, { bias: vector }), vector, vector, { relu: true }).y;
    const z = batchNormEval(addRelu(y, relu(y)), vector, vector, { mean: vector, variance: vector });
    return softmaxCrossEntropy(tf.mean(z, [1, 2]), labels);
  };
  expectNoLeak(() => tf.tidy(() => void net(x, filter)));
  expectNoLeak(() => tf.dispose(tf.grads((...[a, b]) => net(a!, b!))([x, filter])));
  expectNoLeak(() => tf.dispose([conv2d(x, filter), relu(x), addRelu(x, x)]));
  expectNoLeak(() =>
    tf.dispose(Object.values(batchNormTrain(x, vector, vector, { relu: true })) as Tensor[]),
  );
  const logits = tf.zeros([2, 3]);
  expectNoLeak(() => softmaxCrossEntropy(logits, labels).dispose());
});
