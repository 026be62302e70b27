import { AdamW, OptimWrapper, SGD } from '@engine/optim';
import { Conv2d, BatchNorm2d, Linear, Module, crossEntropy } from '@engine/nn';
import {
  addRelu,
  gelu,
  layerNorm,
  linear,
  selfAttention,
  tf,
  type Scalar,
  type Tensor,
} from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { fallbackCounts, resetFallbackCounts } from './index.js';
import { native } from './native.js';
import { distance, draw, missing, onCpuBackend, useTorch } from './torch.fixture.js';

/** A residual block between a stem and a head. */
class Residual extends Module {
  readonly stem = new Conv2d({ inChannels: 3, outChannels: 8, kernelSize: 3, padding: 1, bias: false });
  readonly norm = new BatchNorm2d({ numFeatures: 8 });
  readonly conv = new Conv2d({ inChannels: 8, outChannels: 8, kernelSize: 3, padding: 1, bias: false });
  readonly norm2 = new BatchNorm2d({ numFeatures: 8 });
  readonly head = new Linear({ inFeatures: 8, outFeatures: 4 });

  forward(x: Tensor): Tensor {
    const y = this.norm.forwardRelu(this.stem.forward(x));
    const z = addRelu(this.norm2.forward(this.conv.forward(y)), y);
    return this.head.forward(tf.mean(z, [1, 2]));
  }
}

/** One block of attention and one of features. */
class Sequence extends Module {
  readonly gamma = this.parameter(tf.ones([8]));
  readonly beta = this.parameter(tf.zeros([8]));
  readonly qkv = new Linear({ inFeatures: 8, outFeatures: 24 });
  readonly head = new Linear({ inFeatures: 8, outFeatures: 4 });

  forward(x: Tensor): Tensor {
    const packed = linear(layerNorm(x, this.gamma, this.beta), this.qkv.weight, this.qkv.bias);
    return this.head.forward(gelu(tf.add(x, selfAttention(packed, { heads: 2, causal: true }))));
  }
}

/** Losses of some steps of training; the weights' first values depend on their names only. */
function train(kind: 'conv' | 'sequence', steps: number, each?: (step: number) => void): number[] {
  const model = kind === 'conv' ? new Residual() : new Sequence();
  const x = kind === 'conv' ? draw([4, 6, 6, 3], 'x') : draw([2, 6, 8], 'x');
  const labels = tf.tensor(
    kind === 'conv' ? [0, 1, 2, 3] : [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3],
    undefined,
    'int32',
  );
  const optimizer =
    kind === 'conv'
      ? new SGD(model.paramRefs(), { lr: 0.05, momentum: 0.9, weightDecay: 1e-3 })
      : new AdamW(model.paramRefs(), { lr: 0.01 });
  const wrapper = new OptimWrapper(optimizer);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { loss } = wrapper.step(() => {
      const flat = tf.reshape(model.forward(x), [-1, 4]);
      const value = crossEntropy(flat, labels) as Scalar;
      return { loss: value, logVars: { loss: tf.keep(value.clone()) } };
    });
    losses.push((loss as Scalar).dataSync()[0]!);
    (loss as Scalar).dispose();
    each?.(step);
  }
  wrapper.dispose();
  model.dispose();
  tf.dispose([x, labels]);
  return losses;
}

describe.skipIf(missing)('training', () => {
  beforeAll(useTorch);

  for (const kind of ['conv', 'sequence'] as const) {
    it(`${kind}: the losses of ten steps are those of tfjs's CPU backend`, async () => {
      const received = train(kind, 10);
      expect(received[9]).toBeLessThan(received[0]!);
      expect(distance(received, await onCpuBackend(() => train(kind, 10)))).toBeLessThan(1e-4);
    });

    it(`${kind}: 200 steps leak nothing and never leave libtorch`, () => {
      resetFallbackCounts();
      const counts: [number, number][] = [];
      train(kind, 200, (step) => {
        const { tensors, allocated } = native().stats();
        if (step === 5 || step === 199) counts.push([tensors, allocated]);
      });
      expect(counts[1]).toEqual(counts[0]);
      expect(fallbackCounts()).toEqual({});
    });

    it(`${kind}: the same run twice gives the same bits`, () => {
      expect(train(kind, 5)).toEqual(train(kind, 5));
    });
  }
});
