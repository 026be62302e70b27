import { MODELS } from '@engine/core';
import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { describe, expect, it } from 'vitest';

import {
  AvgPool2d,
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  Identity,
  Linear,
  MaxPool2d,
  ReLU,
  Sequential,
  type Module,
} from '../index.js';

const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync());

describe('Conv2d', () => {
  it('is usable at once, and checks its options', () => {
    const conv = new Conv2d({ inChannels: 1, outChannels: 2, kernelSize: 3, stride: 2, padding: 1 });
    const x = tf.ones([1, 5, 6, 1]);
    expectNoLeak(() => {
      const y = conv.forward(x);
      expect(y.shape).toEqual([1, 3, 3, 2]);
      expect(values(y).some((value) => value !== 0)).toBe(true);
      y.dispose();
    });
    conv.dispose();
    expect(() => new Conv2d({ inChannels: 3, outChannels: 4, kernelSize: 3, groups: 2 })).toThrow(
      'Conv2d.groups',
    );
    expect(() => new Conv2d({ inChannels: 3, outChannels: 4, kernelSize: 0 })).toThrow('Conv2d.kernelSize');
    expect(() => new Conv2d({ inChannels: 3, outChannels: 4, kernelSize: 3, pading: 1 } as never)).toThrow(
      /did you mean 'padding'/,
    );
  });
});

describe('BatchNorm', () => {
  it('moves the running statistics, the variance unbiased', () => {
    const bn = new BatchNorm1d({ numFeatures: 1, momentum: 0.25 });
    tf.tidy(() => void bn.forward(tf.tensor2d([[1], [3]])));
    expect(values(bn.runningMean!)[0]).toBeCloseTo(0.5, 6);
    expect(values(bn.runningVar!)[0]).toBeCloseTo(0.75 + 0.25 * 2, 6);
    bn.dispose();
  });

  it('averages over all batches without a momentum', () => {
    const bn = new BatchNorm1d({ numFeatures: 1, momentum: null });
    for (const shift of [0, 2, 7]) tf.tidy(() => void bn.forward(tf.tensor2d([[shift], [shift + 2]])));
    expect(values(bn.runningMean!)[0]).toBeCloseTo((1 + 3 + 8) / 3, 5);
    expect(values(bn.stateDict()['num_batches_tracked']!)).toEqual([3]);
    bn.dispose();
  });

  it('uses the batch in evaluation too when nothing is tracked, and learns nothing without affine', () => {
    const bn = new BatchNorm1d({ numFeatures: 1, affine: false, trackRunningStats: false, eps: 0 }).eval();
    expect(Object.keys(bn.stateDict())).toEqual([]);
    tf.tidy(() => {
      expect(values(bn.forward(tf.tensor2d([[1], [3]])))).toEqual([-1, 1]);
    });
  });

  it('forwardRelu is relu after forward, in both modes', () => {
    const bn = new BatchNorm2d({ numFeatures: 2 });
    const x = tf.tensor4d([1, -2, 3, 4, -5, 6, 7, 8], [1, 2, 2, 2]);
    for (const mode of [true, false]) {
      bn.train(mode);
      tf.tidy(() => {
        expect(values(bn.forwardRelu(x))).toEqual(values(tf.relu(bn.forward(x))));
      });
    }
    bn.dispose();
    x.dispose();
  });

  it('refuses a single value per channel in training, wrong ranks and wrong channels', () => {
    const bn = new BatchNorm2d({ numFeatures: 2 });
    expect(() => bn.forward(tf.zeros([1, 1, 1, 2]))).toThrow('more than one value for each channel');
    expect(() => bn.forward(tf.zeros([4, 2]))).toThrow('[N, H, W, C]');
    expect(() => bn.forward(tf.zeros([1, 2, 2, 3]))).toThrow('[..., 2]');
    bn.dispose();
  });
});

describe('pooling', () => {
  it('rounds up without adding a window beyond the input, as PyTorch', () => {
    const pool = new MaxPool2d({ kernelSize: 2, stride: 2, padding: 1, ceilMode: true });
    // Along each side: size 4, padding 1: floor((4+2-2)/2)+1 = 3 either way; size 5: 3 down, 4 up, but the 4th starts at 6 ≥ 5+1.
    expect(tf.tidy(() => pool.forward(tf.ones([1, 4, 5, 1])).shape)).toEqual([1, 3, 3, 1]);
    expect(() => new MaxPool2d({ kernelSize: 2, padding: 2 })).toThrow('at most half');
    expect(() => pool.forward(tf.zeros([4, 2]))).toThrow('MaxPool2d.forward.x.shape');
  });

  it('averages over what is inside when rounding up', () => {
    const x = tf.tensor4d([1, 2, 3], [1, 1, 3, 1]);
    const pool = new AvgPool2d({ kernelSize: [1, 2], stride: [1, 2], ceilMode: true });
    tf.tidy(() => {
      expect(values(pool.forward(x))).toEqual([1.5, 3]);
    });
  });
});

describe('Flatten', () => {
  it("puts features in PyTorch's order, or in memory's when asked", () => {
    const x = tf.tensor4d([1, 10, 2, 20, 3, 30, 4, 40], [1, 2, 2, 2]);
    tf.tidy(() => {
      expect(values(new Flatten().forward(x))).toEqual([1, 2, 3, 4, 10, 20, 30, 40]);
      expect(values(new Flatten({ order: 'HWC' }).forward(x))).toEqual(values(x));
      expect(new Flatten().forward(tf.ones([3, 4, 5])).shape).toEqual([3, 20]);
    });
  });
});

describe('Dropout', () => {
  it('drops the share it should, scales the rest, and is the identity in evaluation', () => {
    const dropout = new Dropout({ p: 0.25, seed: 3 });
    const x = tf.ones([4000]);
    const y = values(dropout.forward(x));
    expect(new Set(y)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    expect(y.filter((value) => value === 0).length / 4000).toBeCloseTo(0.25, 1);
    expect(values(dropout.eval().forward(x))).toEqual(values(x));
  });

  it('draws another mask at every call, and the same again from a restored state', () => {
    const x = tf.ones([64]);
    const net = new Sequential([new Dropout(), new Dropout()]);
    net.initWeights({ seed: 4 });
    const state = structuredClone(net.extraState());
    const first = values(net.forward(x));
    const second = values(net.forward(x));
    expect(second).not.toEqual(first);
    net.loadExtraState(state);
    expect(values(net.forward(x))).toEqual(first);
    const [a, b] = net.children() as [Dropout, Dropout];
    net.loadExtraState(state);
    expect(values(a.forward(x))).not.toEqual(values(b.forward(x)));
  });
});

describe('Sequential', () => {
  it('is what a list of configs becomes, and runs in order', () => {
    const net = MODELS.build<Sequential>([
      { type: 'Linear', inFeatures: 2, outFeatures: 3 },
      { type: 'ReLU' },
      [{ type: 'Identity' }],
    ] as never);
    expect(net).toBeInstanceOf(Sequential);
    expectNoLeak(() => {
      const x = tf.ones([1, 2]);
      const y = net.forward(x);
      expect(y.shape).toEqual([1, 3]);
      expect(values(y).every((value) => value >= 0)).toBe(true);
      tf.dispose([x, y]);
    });
    net.dispose();
    expect(() => new Sequential([3 as never])).toThrow('E_CONFIG_VALUE');
  });

  it('hands out a handle of its own even when it does nothing', () => {
    const x = tf.ones([2]);
    new Sequential([]).forward(x).dispose();
    new Identity().forward(x).dispose();
    expect(x.isDisposed).toBe(false);
  });
});

it('Linear maps the last axis and refuses another length', () => {
  const linear = new Linear({ inFeatures: 2, outFeatures: 3 });
  expect(tf.tidy(() => linear.forward(tf.ones([4, 5, 2])).shape)).toEqual([4, 5, 3]);
  expect(() => linear.forward(tf.ones([4, 3]))).toThrow('[..., 2]');
  linear.dispose();
});

it('every layer without parameters can be built from its name alone', () => {
  for (const type of ['ReLU', 'Identity', 'Flatten', 'Dropout', 'ModuleList', 'ModuleDict']) {
    expect(MODELS.build<Module>({ type } as never).parameters()).toEqual([]);
  }
  expect(new ReLU().kind).toBe('other');
});
