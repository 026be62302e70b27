import { tf, type Tensor } from '@engine/tensor';

import { draw } from '../torch.fixture.js';
import type { Case } from './cases.fixture.js';

/** Numbers on both sides of every corner, and in the corners. */
const spread = (): Tensor =>
  tf.concat([tf.mul(draw([51], 'spread'), 3), tf.tensor1d([0, 3, -3, 6, 1, -1, 40, -40, 100, -100])]);

/** Cases of an activation and of its gradient. */
function activation(name: string, ...options: Record<string, unknown>[]): Record<string, () => Case[]> {
  const all = options.length > 0 ? options : [{}];
  return {
    [name]: () => all.map((attrs) => ({ inputs: { x: spread() }, attrs })),
    [`${name}Grad`]: () => all.map((attrs) => ({ inputs: { x: spread(), dy: draw([61], 'dy') }, attrs })),
  };
}

/** Sizes, scales and alignment of resizing. */
const SIZES: [string, number[], [number, number], [number, number]][] = [
  ['up', [2, 5, 7, 3], [10, 14], [0, 0]],
  ['by what does not divide', [1, 5, 7, 4], [8, 9], [1.7, 1.3]],
  ['down', [2, 9, 8, 1], [4, 3], [0, 0]],
  ['one pixel', [1, 1, 1, 5], [3, 2], [0, 0]],
];

function resize(name: string, corners: boolean): Record<string, () => Case[]> {
  const attrs = (size: number[], scales: number[], shape: number[], alignCorners: boolean): object => ({
    size,
    scales,
    alignCorners,
    inputSize: shape.slice(1, 3),
  });
  const each = (
    make: (shape: number[], size: [number, number], key: string) => Record<string, Tensor>,
  ): Case[] =>
    SIZES.flatMap(([key, shape, size, scales]) =>
      (corners ? [false, true] : [false]).map((align) => ({
        inputs: make(shape, size, key),
        attrs: attrs(size, scales, shape, align) as Record<string, unknown>,
      })),
    );
  return {
    [name]: () => each((shape, _, key) => ({ x: draw(shape, key) })),
    [`${name}Grad`]: () => each((shape, size, key) => ({ dy: draw([shape[0]!, ...size, shape[3]!], key) })),
  };
}

const BINS: [number[], [number, number]][] = [
  [
    [2, 7, 5, 3],
    [3, 2],
  ],
  [
    [2, 8, 8, 4],
    [1, 1],
  ],
  [
    [1, 3, 4, 2],
    [5, 7],
  ],
  [
    [2, 6, 6, 1],
    [6, 3],
  ],
];

const pooled = (
  inputs: (shape: number[], size: [number, number]) => Record<string, Tensor>,
): (() => Case[]) => {
  return () =>
    BINS.map(([shape, size]) => ({
      inputs: inputs(shape, size),
      attrs: { size, inputSize: shape.slice(1, 3) },
    }));
};

const outShape = (shape: number[], size: number[]): number[] => [shape[0]!, ...size, shape[3]!];

/** Shape of x and number of groups. */
const GROUPS: [number[], number][] = [
  [[3, 5, 7, 6], 3],
  [[2, 4, 4, 8], 8],
  [[2, 130, 5], 1],
  [[4, 6], 2],
  [[1, 17, 9, 12], 4],
];

const TRANSPOSED: [number[], number[], Record<string, unknown>][] = [
  [[2, 4, 5, 6], [4, 4, 3, 6], { strides: [2, 2], pads: [1, 1, 1, 1] }],
  [[1, 3, 4, 4], [3, 2, 2, 4], { strides: [3, 2], pads: [0, 1, 2, 1], outputPadding: [2, 1] }],
  [[2, 3, 3, 6], [3, 3, 2, 6], { groups: 2, dilations: [2, 1], strides: [1, 2], outputPadding: [0, 1] }],
  [[1, 4, 4, 3], [2, 2, 5, 3], { strides: [2, 2], pads: [1, 0, 0, 1], outputPadding: [1, 1] }],
];

type Heads = [q: number[], k: number[], v: number[], mask: number[] | undefined, causal: boolean];
const HEADS: Heads[] = [
  [[2, 3, 5, 8], [2, 3, 7, 8], [2, 3, 7, 4], undefined, false],
  [[1, 2, 130, 4], [1, 2, 130, 4], [1, 2, 130, 4], undefined, true],
  [[2, 2, 5, 3], [2, 2, 9, 3], [2, 2, 9, 3], [2, 1, 1, 9], false],
  [[1, 2, 70, 3], [1, 2, 65, 3], [1, 2, 65, 6], [70, 65], true],
];

function dot([q, k, v, mask, causal]: Heads, key: string): Case {
  const added = mask && draw(mask, 'mask');
  return {
    inputs: {
      q: draw(q, `${key}/q`),
      k: draw(k, `${key}/k`),
      v: draw(v, `${key}/v`),
      ...(added ? { mask: added } : {}),
    },
    attrs: { scale: 0.7, causal, maskGrad: added !== undefined },
  };
}

/** A mask that hides everything from the second query. */
function blind(): Case {
  const hidden = tf.tensor2d([0, -Infinity, 0, -Infinity, -Infinity, -Infinity], [2, 3]);
  const parts = { q: draw([1, 1, 2, 4], 'q'), k: draw([1, 1, 3, 4], 'k'), v: draw([1, 1, 3, 4], 'v') };
  return { inputs: { ...parts, mask: hidden }, attrs: { scale: 1, causal: false, maskGrad: false } };
}

const labels = (): Tensor => tf.tensor1d([0, 4, -100, 2, 9], 'int32');
const indices = (): Tensor => tf.tensor2d([3, 0, 3, 6, 6, 6], [2, 3], 'int32');
const probability = (name: string): Tensor => tf.sigmoid(draw([4, 7], name));
const lists = (): Record<string, Tensor> => ({
  t0: draw([3, 5], 'a'),
  t1: tf.transpose(draw([300, 70], 'b')),
  t2: draw([1], 'c'),
});

function unscaled(): Record<string, Tensor> {
  const { t0, t1, t2 } = lists();
  return { g0: t0!, g1: t1!, g2: t2! };
}

/** Inputs for the accelerated kernels that are not in cases.fixture.ts. */
export const MORE_CASES: Record<string, () => Case[]> = {
  ...activation('EngineGelu'),
  ...activation('EngineGeluTanh'),
  ...activation('EngineSilu'),
  ...activation('EngineMish'),
  EngineHardswish: () => [{ inputs: { x: spread() } }],
  // In its corners libtorch's versions differ.
  EngineHardswishGrad: () => [{ inputs: { x: tf.mul(draw([61], 'x'), 3), dy: draw([61], 'dy') } }],
  ...activation('EngineHardsigmoid'),
  ...activation('EngineHardtanh', { low: -1, high: 1 }, { low: 0, high: 6 }),
  ...activation('EngineSoftplus', { beta: 1, threshold: 20 }, { beta: 2, threshold: 1 }),
  ...activation('EngineLeakyRelu', { slope: 0.01 }, { slope: -0.5 }),
  ...activation('EngineElu', { alpha: 1, scale: 1 }, { alpha: 1.7, scale: 1.05 }),
  ...activation('EngineLogSigmoid'),
  ...resize('EngineResizeNearest', false),
  ...resize('EngineResizeNearestExact', false),
  ...resize('EngineResizeBilinear', true),
  ...resize('EngineResizeBicubic', true),
  EngineAdaptiveAvgPool2d: pooled((shape) => ({ x: draw(shape, 'x') })),
  EngineAdaptiveAvgPool2dGrad: pooled((shape, size) => ({ dy: draw(outShape(shape, size), 'dy') })),
  EngineAdaptiveMaxPool2d: pooled((shape) => ({ x: tf.round(tf.mul(draw(shape, 'x'), 2)) })),
  EngineAdaptiveMaxPool2dGrad: pooled((shape, size) => {
    const out = outShape(shape, size);
    const place = tf.mul(tf.abs(draw(out, 'place')), 1e3);
    return {
      dy: draw(out, 'dy'),
      indices: tf.cast(tf.mod(tf.floor(place), shape[1]! * shape[2]!), 'int32'),
    };
  }),
  EngineGroupNorm: () =>
    GROUPS.map(([shape, groups]) => {
      const c = shape[shape.length - 1]!;
      const x = tf.add(draw(shape, 'x'), 3);
      return { inputs: { x, gamma: draw([c], 'g'), beta: draw([c], 'b') }, attrs: { groups, epsilon: 1e-5 } };
    }),
  EngineGroupNormGrad: () =>
    GROUPS.map(([shape, groups]) => {
      const c = shape[shape.length - 1]!;
      const statistics = {
        mean: draw([shape[0]!, groups], 'm'),
        invStd: tf.abs(draw([shape[0]!, groups], 's')),
      };
      const inputs = { dy: draw(shape, 'dy'), x: draw(shape, 'x'), gamma: draw([c], 'g'), ...statistics };
      return { inputs, attrs: { groups } };
    }),
  EngineConvTranspose2d: () =>
    TRANSPOSED.flatMap(([x, filter, given]) => {
      const attrs = {
        strides: [1, 1],
        pads: [0, 0, 0, 0],
        dilations: [1, 1],
        groups: 1,
        outputPadding: [0, 0],
      };
      const inputs = { x: draw(x, 'x'), filter: draw(filter, 'f') };
      const bias = draw([filter[2]! * ((given['groups'] as number | undefined) ?? 1)], 'b');
      return [
        { inputs, attrs: { ...attrs, ...given } },
        { inputs: { ...inputs, bias }, attrs: { ...attrs, ...given } },
      ];
    }),
  EngineScaledDotProductAttention: () =>
    HEADS.filter(([, , , mask]) => !mask).map((heads, i) => dot(heads, String(i))),
  EngineMaskedScaledDotProductAttention: () => [
    ...HEADS.filter(([, , , mask]) => mask).map((heads, i) => dot(heads, String(i))),
    blind(),
  ],
  EngineScaledDotProductAttentionGrad: () =>
    [...HEADS.map((heads, i) => dot(heads, String(i))), blind()].map(({ inputs, attrs }) => {
      const { mask, ...rest } = inputs;
      const given = mask ? inputs : rest;
      const name = mask ? 'EngineMaskedScaledDotProductAttention' : 'EngineScaledDotProductAttention';
      const [y, lse] = tf.engine().runKernel(name, given as never, attrs as never) as Tensor[];
      const needMask = mask !== undefined && attrs!['maskGrad'] === true;
      return {
        inputs: { ...given, dy: draw(y!.shape, 'dy'), y: y!, lse: lse! },
        attrs: { ...attrs, needMask },
      };
    }),
  EngineEmbedding: () => [
    {
      inputs: { weight: draw([7, 5], 'w'), indices: indices() },
      attrs: { rows: 7, paddingIndex: -1, byFrequency: false },
    },
  ],
  EngineEmbeddingGrad: () =>
    [
      { paddingIndex: -1, byFrequency: false },
      { paddingIndex: 3, byFrequency: false },
      { paddingIndex: 0, byFrequency: true },
    ].map((attrs) => ({
      inputs: { dy: draw([2, 3, 5], 'dy'), indices: indices() },
      attrs: { rows: 7, ...attrs },
    })),
  EngineNll: () => [
    {
      inputs: {
        logProbs: tf.where(tf.greater(draw([5, 6], 'p'), 1), tf.fill([5, 6], -1e30), draw([5, 6], 'q')),
        labels: labels(),
        weights: draw([5], 'w'),
      },
      attrs: { classes: 6 },
    },
  ],
  EngineNllGrad: () => [
    { inputs: { dy: draw([5], 'dy'), labels: labels(), weights: draw([5], 'w') }, attrs: { classes: 6 } },
  ],
  EngineBceWithLogits: () => [
    { inputs: { logits: tf.mul(draw([4, 7], 'l'), 30), target: probability('t') } },
  ],
  EngineBceWithLogitsGrad: () => [
    { inputs: { dy: draw([4, 7], 'dy'), logits: tf.mul(draw([4, 7], 'l'), 30), target: probability('t') } },
  ],
  EngineBce: () => [
    { inputs: { x: tf.clipByValue(draw([4, 7], 'l'), 0, 1), target: probability('t') } },
    { inputs: { x: probability('x'), target: probability('t') } },
  ],
  EngineBceGrad: () => [
    { inputs: { dy: draw([4, 7], 'dy'), x: probability('x'), target: probability('t') } },
  ],
  EngineHuber: () => [{ inputs: { x: draw([31], 'x') }, attrs: { delta: 0.6 } }],
  EngineHuberGrad: () => [{ inputs: { x: draw([31], 'x'), dy: draw([31], 'dy') }, attrs: { delta: 0.6 } }],
  EngineDropout: () =>
    [[3, 5, 7], [1], [64, 130]].map((shape, i) => ({
      inputs: { x: draw(shape, 'x') },
      attrs: { threshold: 3e9, scale: 1.7, key0: 0xffffffff, key1: 12345, call: i * 2 ** 40 + i },
    })),
  EngineGlobalNorm: () =>
    [2, 1, 3, Infinity].map((normType) => ({ inputs: lists(), attrs: { count: 3, normType } })),
  EngineClipGradNorm: () =>
    [2, 1, Infinity].flatMap((normType) =>
      [0.5, 1e9].map((maxNorm) => ({ inputs: lists(), attrs: { count: 3, maxNorm, normType } })),
    ),
  EngineUnscale: () => [0.5, 2 ** -16].map((factor) => ({ inputs: unscaled(), attrs: { count: 3, factor } })),
  EngineToFloat32: () => [{ inputs: { x: draw([2, 3], 'x') } }],
};
