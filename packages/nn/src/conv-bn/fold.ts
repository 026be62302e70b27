import { tf, type Tensor } from '@engine/tensor';

import type { BatchNorm1d, BatchNorm2d } from '../layers/batch-norm.js';
import { ConvTranspose2d } from '../layers/conv-transpose2d.js';
import type { Conv2d } from '../layers/conv2d.js';

export type Conv = Conv2d | ConvTranspose2d;
export type Norm = BatchNorm1d | BatchNorm2d;

/** Weight and bias of a convolution. */
export interface Folded {
  weight: Tensor;
  bias: Tensor;
}

/**
 * The weight and bias with which `conv` alone computes what `conv` and then `norm` compute in evaluation: the weight of
 * each output channel times s = γ / √(variance + ε), and β + s · (bias - mean). Made of operators with gradients, with
 * respect to the parameters of both (K. You et al. 2023, arXiv:2305.11624).
 */
export function fold(conv: Conv, norm: Norm): Folded {
  return tf.tidy(() => {
    const invStd = tf.rsqrt(tf.add(norm.runningVar!, norm.eps));
    const scale = norm.weight ? tf.mul(norm.weight, invStd) : invStd;
    const centred = conv.bias ? tf.sub(conv.bias, norm.runningMean!) : tf.neg(norm.runningMean!);
    const shift = tf.mul(scale, centred);
    return {
      weight: tf.mul(conv.weight, perChannel(conv, scale)),
      bias: norm.bias ? tf.add(norm.bias, shift) : shift,
    };
  });
}

/** A factor of each output channel in the shape in which it multiplies the weight. */
function perChannel(conv: Conv, scale: Tensor): Tensor {
  if (!(conv instanceof ConvTranspose2d)) return scale;
  // [h, w, out / groups, in]: an input channel belongs to one group, whose output channels it reaches.
  const { groups } = conv.options;
  const [, , outs, ins] = conv.weight.shape as [number, number, number, number];
  const spread = tf.tile(tf.reshape(scale, [groups, outs, 1]), [1, 1, ins / groups]);
  return tf.reshape(tf.transpose(spread, [1, 0, 2]), [outs, ins]);
}
