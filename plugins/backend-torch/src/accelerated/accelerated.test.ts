import { acceleratedKernels, expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import '../functions/attention.js';
import '../functions/linear.js';
import { distance, draw, missing, useTorch, values } from '../torch.fixture.js';

interface Case {
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
  ['depthwise, dilated', [1, 7, 7, 4], [3, 3, 1, 4], { groups: 4, dilations: [2, 2], pads: [2, 2, 2, 2] }],
];

function outputOf({ inputs, attrs }: Case): Tensor {
  return tf.engine().runKernel('EngineConv2d', inputs, attrs as never) as Tensor;
}

/** Inputs for each accelerated kernel; a kernel without any fails the suite. */
const CASES: Record<string, () => Case[]> = {
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
  ],
  EngineLayerNormGrad: () => {
    const x = draw([3, 4, 16], 'x');
    const mean = tf.mean(x, -1, true);
    const invStd = tf.rsqrt(tf.mean(tf.square(tf.sub(x, mean)), -1, true));
    return [{ inputs: { dy: draw([3, 4, 16], 'dy'), x, gamma: draw([16], 'g'), mean, invStd } }];
  },
  EngineGelu: () => [{ inputs: { x: tf.mul(draw([50], 'x'), 3) } }],
  EngineGeluGrad: () => [{ inputs: { x: tf.mul(draw([50], 'x'), 3), dy: draw([50], 'dy') } }],
  EngineSilu: () => [{ inputs: { x: tf.mul(draw([50], 'x'), 3) } }],
  EngineSiluGrad: () => [{ inputs: { x: tf.mul(draw([50], 'x'), 3), dy: draw([50], 'dy') } }],
  EngineLinear: (): Case[] => [
    { inputs: { x: draw([3, 4, 5], 'x'), weight: draw([5, 7], 'w'), bias: draw([7], 'b') } },
    { inputs: { x: draw([6, 5], 'x'), weight: tf.transpose(draw([7, 5], 'w')) } },
  ],
  EngineLinearGrad: () => [
    {
      inputs: { x: draw([3, 4, 5], 'x'), weight: draw([5, 7], 'w'), dy: draw([3, 4, 7], 'dy') },
      attrs: { needInput: true, needBias: true },
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

/** Differentiable kernels whose gradient must be that of the reference, by tfjs's own rules. */
const DIFFERENTIABLE = [
  'EngineLayerNorm',
  'EngineGelu',
  'EngineSilu',
  'EngineLinear',
  'EngineAttention',
  'EngineSelfAttention',
];

describe.skipIf(missing)('accelerated kernels', () => {
  beforeAll(useTorch);

  it('all have a version of their own here', () => {
    const lacking = acceleratedKernels().filter(({ name }) => !tf.getKernel(name, 'torch'));
    expect(lacking.map(({ name }) => name).filter((name) => name in CASES)).toEqual([]);
  });

  for (const name of Object.keys(CASES)) {
    it(`${name} agrees with its reference`, () => {
      const { reference } = acceleratedKernels().find((each) => each.name === name)!;
      for (const { inputs, attrs = {} } of CASES[name]!()) {
        const received = [tf.engine().runKernel(name, inputs, attrs as never)].flat() as Tensor[];
        const expected = [reference(inputs, attrs)].flat();
        expect(received.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
        received.forEach((tensor, i) =>
          expect(distance(values(tensor), values(expected[i]!)), `${name} result ${i}`).toBeLessThan(2e-5),
        );
      }
    });
  }

  for (const name of DIFFERENTIABLE) {
    it(`${name} has the gradient of its reference`, () => {
      const { reference } = acceleratedKernels().find((each) => each.name === name)!;
      for (const { inputs, attrs = {} } of CASES[name]!()) {
        const names = Object.keys(inputs);
        const gradients = (run: (given: Record<string, Tensor>) => Tensor | Tensor[]): Tensor[] =>
          tf.grads((...list: Tensor[]) => {
            const given = Object.fromEntries(names.map((key, i) => [key, list[i]!]));
            const [y] = [run(given)].flat() as [Tensor];
            return tf.sum(tf.mul(y, draw(y.shape, 'cotangent')));
          })(Object.values(inputs));
        const options = { ...attrs, inputGrad: true, withBias: 'bias' in inputs };
        const received = gradients((given) => tf.engine().runKernel(name, given, options as never) as Tensor);
        const expected = gradients((given) => reference(given, attrs));
        received.forEach((tensor, i) =>
          expect(distance(values(tensor), values(expected[i]!)), `${name} by ${names[i]}`).toBeLessThan(2e-5),
        );
      }
    });
  }

  it('free everything but their results', () => {
    for (const make of Object.values(CASES)) {
      tf.tidy(() => {
        for (const { inputs, attrs } of make()) void [inputs, attrs];
      });
    }
    const [{ inputs, attrs }] = CASES.EngineConv2dGrad!() as [Case];
    expectNoLeak(() => tf.dispose(tf.engine().runKernel('EngineConv2dGrad', inputs, attrs as never)));
  });
});
