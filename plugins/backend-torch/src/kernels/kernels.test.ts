import { tf, type Tensor } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { distance, draw, missing, onCpuBackend, useTorch, values } from '../torch.fixture.js';
import { fallbackCounts, resetFallbackCounts } from './index.js';

const image = (): tf.Tensor4D => draw([2, 6, 7, 4], 'image') as tf.Tensor4D;
const matrix = (): tf.Tensor2D => draw([5, 6], 'matrix') as tf.Tensor2D;
const ints = (list: number[]): tf.Tensor1D => tf.tensor1d(list, 'int32');

/** Operators with results that tfjs's own CPU backend must agree on. */
const CASES: Record<string, () => Tensor | Tensor[]> = {
  unary: () =>
    [
      'abs',
      'ceil',
      'cos',
      'erf',
      'exp',
      'expm1',
      'floor',
      'neg',
      'relu',
      'relu6',
      'elu',
      'selu',
      'round',
      'sigmoid',
      'sign',
      'sin',
      'softplus',
      'square',
      'tan',
      'tanh',
      'atan',
      'isNaN',
      'isInf',
      'step',
      'reciprocal',
      'logSigmoid',
      'cosh',
      'asinh',
      'sqrt',
      'log',
      'log1p',
      'acosh',
      'rsqrt',
      'isFinite',
      'leakyRelu',
    ].map((name) => (tf as unknown as Record<string, (x: Tensor) => Tensor>)[name]!(matrix())),
  binary: () =>
    (
      [
        'add',
        'sub',
        'mul',
        'div',
        'maximum',
        'minimum',
        'mod',
        'floorDiv',
        'squaredDifference',
        'greater',
        'lessEqual',
        'notEqual',
        'atan2',
      ] as const
    ).map((name) => tf[name](matrix(), draw([6], 'row')) as Tensor),
  integers: () => {
    const [a, b] = [ints([7, -7, 5, -3]), ints([2, 2, -3, -2])];
    return [
      tf.div(a, b),
      tf.mod(a, b),
      tf.pow(a, ints([2, 3, 0, 1])),
      tf.sum(a),
      tf.mean(a),
      tf.max(a),
      tf.prod(a),
      tf.cast(tf.tensor1d([1.7, -1.7]), 'int32'),
      tf.matMul(tf.reshape(a, [2, 2]), tf.reshape(b, [2, 2])),
    ];
  },
  reductions: () =>
    [[0], [1, 3], [-1], [0, 1, 2, 3]].flatMap((axis) => [
      tf.sum(image(), axis),
      tf.mean(image(), axis, true),
      tf.max(image(), axis),
      tf.min(image(), axis, true),
      tf.prod(image(), axis),
      tf.all(tf.greater(image(), -3), axis),
      tf.any(tf.greater(image(), 2), axis),
    ]),
  'arg and cumulative': () => [
    tf.argMax(matrix(), 1),
    tf.argMin(matrix(), 0),
    tf.cumsum(matrix(), 1),
    tf.cumsum(matrix(), 0, true, true),
    tf.cumprod(matrix(), 1, true),
    ...Object.values(tf.topk(matrix(), 3)),
  ],
  shapes: () => [
    tf.transpose(image(), [0, 3, 1, 2]),
    tf.slice(image(), [0, 1, 2, 1], [2, 3, 3, 2]),
    tf.reverse(image(), [1]),
    tf.stridedSlice(matrix(), [4, 0], [0, 6], [-2, 2]),
    tf.concat([matrix(), matrix()], 1),
    tf.tile(matrix(), [2, 3]),
    tf.stack([matrix(), matrix()], 1),
    ...tf.unstack(matrix(), 1),
    ...tf.split(matrix(), [1, 3, 2], 1),
    tf.pad(
      matrix(),
      [
        [1, 2],
        [0, 1],
      ],
      3,
    ),
    tf.mirrorPad(
      matrix(),
      [
        [1, 2],
        [2, 1],
      ],
      'reflect',
    ),
    tf.mirrorPad(
      matrix(),
      [
        [1, 2],
        [2, 1],
      ],
      'symmetric',
    ),
    tf.depthToSpace(image(), 2),
    tf.diag(tf.tensor1d([1, 2])),
    tf.spaceToBatchND(
      image(),
      [2, 7],
      [
        [0, 0],
        [0, 0],
      ],
    ),
    tf.broadcastTo(draw([1, 6], 'b'), [3, 6]),
    tf.linspace(0, 1, 7),
    tf.range(5, 0, -2),
    tf.expandDims(matrix(), 1),
    tf.fill([2, 2], 7, 'int32'),
  ],
  indices: () => [
    tf.gather(matrix(), ints([4, 0, 0]), 0),
    tf.gather(
      image(),
      tf.tensor2d(
        [
          [1, 0],
          [2, 3],
        ],
        [2, 2],
        'int32',
      ),
      3,
    ),
    tf.gather(
      image(),
      tf.tensor2d(
        [
          [1, 0],
          [2, 3],
        ],
        [2, 2],
        'int32',
      ),
      2,
      1,
    ),
    tf.gatherND(
      matrix(),
      tf.tensor2d(
        [
          [1, 2],
          [0, 5],
        ],
        [2, 2],
        'int32',
      ),
    ),
    tf.scatterND(tf.tensor2d([[1], [3], [1]], [3, 1], 'int32'), draw([3, 2], 'u'), [5, 2]),
    tf.oneHot(ints([2, 0, 5]), 4),
    tf.unsortedSegmentSum(matrix(), ints([1, 0, 1, -1, 3]), 4),
    tf.where(tf.greater(matrix(), 0), matrix(), tf.neg(matrix())),
    tf.searchSorted(tf.tensor1d([1, 3, 5]), tf.tensor1d([0, 3, 9])),
    tf.upperBound(tf.tensor1d([1, 3, 5]), tf.tensor1d([0, 3, 9])),
  ],
  products: () => [
    tf.matMul(matrix(), matrix(), true),
    tf.matMul(matrix(), matrix(), false, true),
    tf.matMul(draw([3, 2, 4, 5], 'l'), draw([2, 5, 3], 'r') as Tensor),
    tf.einsum('bij,bkj->bik', draw([2, 3, 4], 'p'), draw([2, 5, 4], 'q')),
    tf.softmax(matrix()),
    tf.logSoftmax(matrix()),
    tf.fused.matMul({ a: matrix(), b: matrix(), transposeB: true, activation: 'relu' }),
  ],
  convolutions: () => [
    tf.conv2d(image(), draw([3, 3, 4, 5], 'f') as tf.Tensor4D, 2, 'same'),
    tf.conv2d(image(), draw([3, 3, 4, 5], 'f') as tf.Tensor4D, 1, 'valid', 'NHWC', 2),
    tf.depthwiseConv2d(image(), draw([3, 3, 4, 2], 'd') as tf.Tensor4D, 1, 'same'),
    tf.conv2dTranspose(image(), draw([3, 3, 5, 4], 't') as tf.Tensor4D, [2, 12, 14, 5], 2, 'same'),
    tf.conv3d(
      draw([1, 4, 5, 5, 2], 'v') as tf.Tensor5D,
      draw([2, 3, 3, 2, 3], 'w') as tf.Tensor5D,
      1,
      'same',
    ),
    tf.fused.conv2d({
      x: image(),
      filter: draw([1, 1, 4, 3], 'f') as tf.Tensor4D,
      strides: 1,
      pad: 'valid',
      bias: draw([3], 'b'),
      activation: 'relu6',
    }),
  ],
  pools: () => [
    tf.maxPool(image(), 3, 2, 'same'),
    tf.avgPool(image(), 3, 2, 'same'),
    tf.avgPool(image(), 2, 2, 'valid'),
    tf.maxPool(image(), 3, 2, 1),
    tf.avgPool(image(), 3, 1, 1),
    tf.avgPool3d(draw([1, 4, 4, 4, 2], 'v') as tf.Tensor5D, 2, 2, 'same'),
  ],
  images: () => [
    ...(
      [
        [true, false],
        [false, true],
        [false, false],
      ] as const
    ).map(([corners, centres]) => tf.image.resizeBilinear(image(), [9, 5], corners, centres)),
    tf.image.resizeNearestNeighbor(image(), [9, 5]),
    tf.image.flipLeftRight(image()),
    tf.batchNorm(image(), draw([4], 'm') as tf.Tensor1D, tf.square(draw([4], 'v')) as tf.Tensor1D),
  ],
  'by detour': () => [
    tf.image.resizeNearestNeighbor(image(), [9, 5], true),
    tf.image.resizeNearestNeighbor(image(), [9, 5], false, true),
    tf.localResponseNormalization(image()),
    tf.unique(ints([1, 1, 2])).values,
    tf.bincount(ints([0, 1, 1]), tf.tensor1d([]), 3),
  ],
};

// tfjs's CPU backend takes height for width in these gradients.
const squareImage = (x: Tensor): tf.Tensor4D => tf.slice(x, 0, [2, 6, 6, 4]) as tf.Tensor4D;

const GRADIENTS: Record<string, (x: Tensor) => Tensor> = {
  'conv2d same': (x) => tf.conv2d(x as tf.Tensor4D, draw([3, 3, 4, 5], 'f') as tf.Tensor4D, 2, 'same'),
  'depthwise filter': (x) =>
    tf.depthwiseConv2d(
      image(),
      tf.reshape(tf.slice(x, 0, [1, 3, 3, 4]), [3, 3, 4, 1]) as tf.Tensor4D,
      1,
      'same',
    ),
  'max pool same': (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'same'),
  elu: (x) => tf.elu(x),
  resize: (x) => tf.image.resizeBilinear(squareImage(x), [9, 5], true),
  'resize without corners': (x) => tf.image.resizeBilinear(squareImage(x), [9, 5]),
  gather: (x) => tf.gather(x, ints([1, 1, 0]), 3),
  softmax: (x) => tf.softmax(x),
};

describe.skipIf(missing)('kernels', () => {
  beforeAll(useTorch);

  for (const [name, make] of Object.entries(CASES)) {
    it(`${name}: agree with tfjs's CPU backend`, async () => {
      const all = (): Tensor[] => [make()].flat();
      const expected = await onCpuBackend(() =>
        all().map((t) => ({ shape: t.shape, dtype: t.dtype, data: values(t) })),
      );
      all().forEach((tensor, i) => {
        const { shape, dtype, data } = expected[i]!;
        expect([tensor.shape, tensor.dtype], `result ${i}`).toEqual([shape, dtype]);
        expect(distance(values(tensor), data), `result ${i}`).toBeLessThan(1e-5);
      });
    });
  }

  for (const [name, fn] of Object.entries(GRADIENTS)) {
    it(`gradient of ${name} agrees with tfjs's CPU backend`, async () => {
      const grad = (): number[] =>
        values(tf.grad((x: Tensor) => tf.sum(tf.square(fn(x))) as Tensor)(image()));
      expect(distance(grad(), await onCpuBackend(grad))).toBeLessThan(1e-5);
    });
  }

  // tfjs's CPU backend is no witness here: it divides by the size of the window even where part of it is padding, and
  // hands gradients of enlarged images to the wrong pixels.
  const LINEAR: Record<string, (x: Tensor) => Tensor> = {
    'average pooling, same': (x) => tf.avgPool(x as tf.Tensor4D, 3, 2, 'same'),
    'average pooling, padded': (x) => tf.avgPool(x as tf.Tensor4D, 3, 2, 1),
    'nearest resizing': (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [11, 14]),
    'nearest resizing with corners': (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [9, 5], true),
    'bilinear resizing': (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [9, 5]),
    'bilinear resizing at centres': (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [9, 5], false, true),
  };
  for (const [name, fn] of Object.entries(LINEAR)) {
    it(`the gradient of ${name} is its adjoint`, () => {
      const cotangent = draw(fn(image()).shape, 'cotangent');
      const loss = (x: Tensor): Tensor => tf.sum(tf.mul(fn(x), cotangent));
      const grad = tf.grad(loss)(draw([2, 6, 7, 4], 'elsewhere'));
      expect(distance(values(tf.sum(tf.mul(image(), grad))), values(loss(image())))).toBeLessThan(1e-5);
    });
  }

  it('counts the kernels that run by detour, and no others', () => {
    resetFallbackCounts();
    tf.matMul(matrix(), matrix(), true);
    expect(fallbackCounts()).toEqual({});
    tf.unique(ints([1, 1, 2]));
    expect(fallbackCounts()).toEqual({ Unique: 1 });
  });

  it('keeps complex numbers and strings', () => {
    const z = tf.complex(tf.tensor1d([1, 2]), tf.tensor1d([3, -1]));
    expect(values(z)).toEqual([1, 3, 2, -1]);
    expect(values(tf.imag(tf.mul(z, z)))).toEqual([6, -4]);
    expect(distance(values(tf.spectral.ifft(tf.spectral.fft(z))), [1, 3, 2, -1])).toBeLessThan(1e-6);
    expect(tf.reshape(tf.tensor1d(['a', 'b']), [2, 1]).arraySync()).toEqual([['a'], ['b']]);
  });
});
