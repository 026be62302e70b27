import { conv2d, tf, type Tensor, type Tensor4D } from '@engine/tensor';
import { describe, it } from 'vitest';
import { expectLikeCpu, random } from './conformance.fixture.js';

interface Case {
  x: [number, number, number, number];
  /** Filter rows and columns, output channels. */
  filter: [number, number, number];
  strides?: [number, number];
  pads?: [number, number, number, number];
  dilations?: [number, number];
  groups?: number;
  bias?: boolean;
}

const CASES: Record<string, Case> = {
  'first layer, 3 channels': { x: [3, 10, 10, 3], filter: [3, 3, 16], pads: [1, 1, 1, 1] },
  'ResNet-20 body': { x: [20, 8, 8, 16], filter: [3, 3, 16], pads: [1, 1, 1, 1] },
  'stride 2 with symmetric padding': {
    x: [4, 16, 16, 16],
    filter: [3, 3, 32],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  },
  'asymmetric padding': { x: [2, 7, 9, 5], filter: [3, 3, 7], strides: [2, 2], pads: [0, 1, 2, 1] },
  'odd everything': { x: [1, 5, 7, 3], filter: [2, 3, 5], pads: [1, 0, 0, 2], bias: true },
  '1x1': { x: [2, 9, 9, 24], filter: [1, 1, 20], bias: true },
  '1x1 with stride 2, whose other pixels get no gradient': {
    x: [2, 9, 8, 6],
    filter: [1, 1, 9],
    strides: [2, 2],
  },
  '7x7 with stride 2': { x: [2, 18, 18, 3], filter: [7, 7, 8], strides: [2, 2], pads: [3, 3, 3, 3] },
  'stride larger than the filter': { x: [2, 11, 11, 4], filter: [2, 2, 8], strides: [3, 3] },
  dilation: { x: [2, 12, 11, 6], filter: [3, 3, 10], dilations: [2, 3], pads: [2, 2, 3, 3] },
  'dilation and stride': {
    x: [2, 13, 12, 4],
    filter: [3, 2, 6],
    dilations: [2, 2],
    strides: [2, 1],
    pads: [1, 2, 1, 1],
  },
  groups: { x: [2, 6, 6, 12], filter: [3, 3, 18], groups: 3, pads: [1, 1, 1, 1], bias: true },
  'groups without padding': { x: [2, 6, 7, 8], filter: [2, 2, 12], groups: 2 },
  depthwise: {
    x: [2, 9, 8, 10],
    filter: [3, 3, 10],
    groups: 10,
    pads: [1, 1, 1, 1],
    strides: [2, 2],
    bias: true,
  },
  'depthwise with multiplier': { x: [2, 6, 6, 3], filter: [3, 3, 6], groups: 3, pads: [1, 1, 1, 1] },
  'one pixel': { x: [1, 1, 1, 8], filter: [1, 1, 8] },
  'larger than a chunk': { x: [2, 40, 72, 40], filter: [3, 3, 8], pads: [1, 1, 1, 1] },
};

describe('EngineConv2d', () => {
  it.each(Object.entries(CASES))('%s: output and all gradients', async (name, c) => {
    const groups = c.groups ?? 1;
    const [kh, kw, o] = c.filter;
    const inputs = [
      random(`${name} x`, c.x),
      random(`${name} filter`, [kh, kw, c.x[3] / groups, o]),
      ...(c.bias ? [random(`${name} bias`, [o])] : []),
    ];
    await expectLikeCpu(inputs, (tensors) => {
      const forward = (x: Tensor, filter: Tensor, bias?: Tensor): Tensor =>
        conv2d(x, filter, {
          bias,
          strides: c.strides ?? [1, 1],
          pads: c.pads ?? [0, 0, 0, 0],
          dilations: c.dilations ?? [1, 1],
          groups,
        });
      const y = forward(...(tensors as [Tensor, Tensor]));
      const weights = tf.tensor(random(`${name} dy`, y.shape).values, y.shape);
      const grads = tf.grads((...given: Tensor[]) =>
        tf.sum(tf.mul(forward(...(given as [Tensor, Tensor])), weights)),
      );
      return [y, ...grads(tensors)];
    });
  });
});

describe("tfjs's own convolutions", () => {
  it.each([
    ['same', 1],
    ['same', 2],
    ['valid', 2],
  ] as const)('conv2d with padding %s and stride %i trains', async (pad, stride) => {
    const inputs = [random('x', [2, 9, 8, 5]), random('filter', [3, 3, 5, 6])];
    await expectLikeCpu(inputs, (tensors) => {
      const loss = (x: Tensor, w: Tensor): Tensor =>
        tf.sum(tf.square(tf.conv2d(x as Tensor4D, w as Tensor4D, stride, pad)));
      return tf.grads(loss)(tensors);
    });
  });

  it.each([
    ['same', 1, 1],
    ['valid', 2, 2],
  ] as const)(
    'depthwise with padding %s, stride %i and multiplier %i trains',
    async (pad, stride, multiplier) => {
      const inputs = [random('x', [2, 9, 8, 5]), random('filter', [3, 3, 5, multiplier])];
      await expectLikeCpu(inputs, (tensors) => {
        const loss = (x: Tensor, w: Tensor): Tensor =>
          tf.sum(tf.square(tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, stride, pad)));
        return tf.grads(loss)(tensors);
      });
    },
  );

  it.each(['linear', 'relu', 'elu'] as const)('fused with bias and %s', async (activation) => {
    const inputs = [random('x', [2, 7, 7, 4]), random('filter', [3, 3, 4, 6]), random('bias', [6])];
    await expectLikeCpu(inputs, ([x, filter, bias]) =>
      tf.fused.conv2d({
        x: x as Tensor4D,
        filter: filter as Tensor4D,
        strides: 1,
        pad: 'same',
        bias: bias!,
        activation,
      }),
    );
  });
});
