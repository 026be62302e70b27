import { tf, type Tensor } from '@engine/tensor';

import { draw } from '../torch.fixture.js';

export interface Case {
  inputs: Record<string, Tensor>;
  attrs?: Record<string, unknown>;
}

const conv = (name: string, x: number[], filter: number[], o: object): Case => ({
  inputs: {
    x: draw(x, `${name}/x`),
    filter: draw(filter, `${name}/f`),
    bias: draw([filter[3]!], `${name}/b`),
  },
  attrs: { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1, ...o },
});

/** Shapes of conv cases: name, x, filter, geometry. */
const CONVS: [string, number[], number[], object][] = [
  ['plain', [2, 6, 5, 3], [3, 3, 3, 4], {}],
  ['uneven padding, strided', [2, 7, 6, 4], [3, 3, 4, 2], { strides: [2, 2], pads: [0, 1, 0, 1] }],
  ['1x1 strided', [2, 6, 6, 8], [1, 1, 8, 4], { strides: [2, 2], pads: [0, 0, 0, 0] }],
  ['grouped', [1, 5, 5, 4], [3, 3, 2, 6], { groups: 2 }],
  ['odd everything', [3, 5, 7, 3], [2, 3, 3, 5], { strides: [1, 2], pads: [1, 0, 0, 2] }],
  ['dilated and strided', [2, 13, 12, 4], [3, 2, 4, 6], { dilations: [2, 3], strides: [2, 1] }],
  ['large', [8, 16, 16, 16], [3, 3, 16, 16], {}],
  ['large, depthwise', [8, 32, 32, 32], [5, 5, 1, 32], { groups: 32, pads: [2, 2, 2, 2] }],
  ['depthwise with multiplier', [2, 6, 6, 3], [3, 3, 1, 6], { groups: 3 }],
  ['depthwise, dilated', [1, 7, 7, 4], [3, 3, 1, 4], { groups: 4, dilations: [2, 2], pads: [2, 2, 2, 2] }],
];

function outputOf({ inputs, attrs }: Case): Tensor {
  return tf.engine().runKernel('EngineConv2d', inputs, attrs as never) as Tensor;
}

/** Inputs for each accelerated kernel; a kernel without any fails the suite. */
export const CASES: Record<string, () => Case[]> = {
  EngineConv2d: () => CONVS.map(([name, x, filter, o]) => conv(name, x, filter, o)),
  EngineConv2dGrad: () =>
    CONVS.map(([name, x, filter, o]) => {
      const given = conv(name, x, filter, o);
      const { bias, ...inputs } = given.inputs;
      const dy = draw(outputOf({ inputs, attrs: given.attrs! }).shape, `${name}/dy`);
      void bias;
      return {
        inputs: { ...inputs, dy },
        attrs: { ...given.attrs, needInput: true, needFilter: true, needBias: true },
      };
    }),
  EngineBatchNormTrain: () =>
    [true, false].map((relu) => ({
      inputs: { x: tf.add(draw([4, 9, 5, 6], 'bx'), 30), gamma: draw([6], 'g'), beta: draw([6], 'b') },
      attrs: { epsilon: 1e-5, relu },
    })),
  EngineBatchNormReluTrain: () => [
    {
      inputs: { x: draw([200, 3], 'bx'), gamma: draw([3], 'g'), beta: draw([3], 'b') },
      attrs: { epsilon: 1e-3 },
    },
  ],
  EngineBatchNormTrainGrad: () =>
    [true, false].map((relu) => ({
      inputs: {
        dy: draw([4, 9, 5, 6], 'dy'),
        x: draw([4, 9, 5, 6], 'bx'),
        gamma: draw([6], 'g'),
        mean: draw([6], 'm'),
        invStd: tf.abs(draw([6], 's')),
        y: draw([4, 9, 5, 6], 'y'),
      },
      attrs: { relu },
    })),
  EngineBatchNormEval: () => [
    {
      inputs: {
        x: draw([3, 4, 4, 5], 'x'),
        gamma: draw([5], 'g'),
        beta: draw([5], 'b'),
        mean: draw([5], 'm'),
        variance: tf.square(draw([5], 'v')),
      },
      attrs: { epsilon: 1e-5 },
    },
  ],
  EngineRelu: () => [{ inputs: { x: draw([7, 5], 'x') } }],
  EngineReluGrad: () => [{ inputs: { dy: draw([7, 5], 'dy'), y: tf.relu(draw([7, 5], 'y')) } }],
  EngineAddRelu: () => [{ inputs: { a: draw([3, 4, 4, 2], 'a'), b: draw([3, 4, 4, 2], 'b') } }],
  EngineSoftmaxCrossEntropy: () =>
    [0, 0.1].map((labelSmoothing) => ({
      inputs: {
        logits: tf.mul(draw([6, 11], 'l'), 20),
        labels: tf.tensor1d([0, 3, 10, -100, 5, 1], 'int32'),
      },
      attrs: { ignoreIndex: -100, labelSmoothing },
    })),
  EngineSoftmaxCrossEntropyGrad: () =>
    [0, 0.1].map((labelSmoothing) => ({
      inputs: {
        dloss: draw([4], 'd'),
        probs: tf.softmax(draw([4, 5], 'p')),
        labels: tf.tensor1d([0, 4, 9, 2], 'int32'),
      },
      attrs: { ignoreIndex: 9, labelSmoothing },
    })),
  EngineLayerNorm: () => [
    {
      inputs: { x: draw([3, 4, 16], 'x'), gamma: draw([16], 'g'), beta: draw([16], 'b') },
      attrs: { epsilon: 1e-5 },
    },
    {
      inputs: { x: tf.add(draw([7, 33], 'x'), 5), gamma: draw([33], 'g'), beta: draw([33], 'b') },
      attrs: { epsilon: 0.1 },
    },
  ],
  EngineLayerNormGrad: () => {
    const x = draw([3, 4, 16], 'x');
    const mean = tf.mean(x, -1, true);
    const invStd = tf.rsqrt(tf.mean(tf.square(tf.sub(x, mean)), -1, true));
    return [{ inputs: { dy: draw([3, 4, 16], 'dy'), x, gamma: draw([16], 'g'), mean, invStd } }];
  },
  EngineLinear: (): Case[] => [
    { inputs: { x: draw([3, 4, 5], 'x'), weight: draw([5, 7], 'w'), bias: draw([7], 'b') } },
    { inputs: { x: draw([6, 5], 'x'), weight: tf.transpose(draw([7, 5], 'w')) } },
  ],
  EngineLinearGrad: () => [
    {
      inputs: { x: draw([3, 4, 5], 'x'), weight: draw([5, 7], 'w'), dy: draw([3, 4, 7], 'dy') },
      attrs: { needInput: true, needWeight: true, needBias: true },
    },
    {
      inputs: { x: draw([6, 5], 'x'), weight: draw([5, 1], 'w'), dy: draw([6, 1], 'dy') },
      attrs: { needInput: false, needWeight: true, needBias: false },
    },
    {
      inputs: { x: draw([3, 90, 5], 'x'), weight: draw([5, 7], 'w'), dy: draw([3, 90, 7], 'dy') },
      attrs: { needInput: false, needWeight: true, needBias: true },
    },
  ],
  EngineAttention: () =>
    [false, true].map((causal) => ({
      inputs: { q: draw([2, 5, 8], 'q'), k: draw([2, 6, 8], 'k'), v: draw([2, 6, 8], 'v') },
      attrs: { heads: 2, scale: 0.7, causal },
    })),
  EngineAttentionGrad: () => [
    {
      inputs: {
        dy: draw([2, 5, 8], 'dy'),
        q: draw([2, 5, 8], 'q'),
        k: draw([2, 6, 8], 'k'),
        v: draw([2, 6, 8], 'v'),
        probs: tf.softmax(draw([2, 2, 5, 6], 'p')),
      },
      attrs: { heads: 2, scale: 0.7, causal: false },
    },
  ],
  EngineSelfAttention: () => [
    { inputs: { qkv: tf.mul(draw([2, 9, 24], 'qkv'), 4) }, attrs: { heads: 4, scale: 1, causal: true } },
  ],
  EngineSelfAttentionGrad: () => [
    {
      inputs: {
        dy: draw([2, 9, 8], 'dy'),
        qkv: draw([2, 9, 24], 'qkv'),
        probs: tf.softmax(draw([2, 4, 9, 9], 'p')),
      },
      attrs: { heads: 4, scale: 0.5, causal: false },
    },
  ],
};
