import { badValue } from '@engine/core';
import { huber, tf, type Reduction, type Tensor } from '@engine/tensor';

import { checkShapes, factor, reduce, type NestedNumbers } from './reduction.js';

export interface RegressionLossOptions {
  /** 'mean' over all elements unless said. */
  reduction?: Reduction;
}

export interface WeightedRegressionLossOptions extends RegressionLossOptions {
  /** Factor of each element, broadcast to the prediction; 1 unless said. */
  weight?: Tensor | NestedNumbers | undefined;
}

export interface SmoothL1LossOptions extends RegressionLossOptions {
  /** Where the squared part ends, at least 0; 1 unless said. */
  beta?: number;
}

export interface HuberLossOptions extends WeightedRegressionLossOptions {
  /** Where the squared part ends, positive; 1 unless said. */
  delta?: number;
}

/** |x|, whose gradient at 0 is 0: tfjs's own is -1 there. */
function magnitude(x: Tensor): Tensor {
  return tf.customGrad((given, save) => {
    const value = given as Tensor;
    (save as (tensors: Tensor[]) => void)([value]);
    return {
      value: tf.abs(value),
      gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(dy, tf.sign(saved[0]!)),
    };
  })(x);
}

/** Mean over the weights, where there are some, as PyTorch's `mse_loss` and `l1_loss`. */
function reduceWeighted(
  owner: string,
  loss: Tensor,
  { reduction = 'mean', weight }: WeightedRegressionLossOptions,
): Tensor {
  if (weight === undefined) return reduce(owner, loss, reduction);
  const factors = tf.broadcastTo(factor(`${owner}.weight`, weight, loss), loss.shape);
  const weighted = tf.mul(loss, factors);
  return reduction === 'mean'
    ? tf.div(tf.sum(weighted), tf.sum(factors))
    : reduce(owner, weighted, reduction);
}

/** Squared error, (prediction - target)², of two tensors of one shape; a weighted mean divides by the weights. */
export function mseLoss(
  prediction: Tensor,
  target: Tensor,
  options: WeightedRegressionLossOptions = {},
): Tensor {
  checkShapes('mseLoss', prediction, target);
  return tf.tidy(() => reduceWeighted('mseLoss', tf.square(tf.sub(prediction, target)), options));
}

/**
 * Absolute error, |prediction - target|, of two tensors of one shape; its gradient at 0 is 0. A weighted mean divides by
 * the weights.
 */
export function l1Loss(
  prediction: Tensor,
  target: Tensor,
  options: WeightedRegressionLossOptions = {},
): Tensor {
  checkShapes('l1Loss', prediction, target);
  return tf.tidy(() => reduceWeighted('l1Loss', magnitude(tf.sub(prediction, target)), options));
}

/**
 * (prediction - target)² / (2 · beta) where the error is below beta, else |prediction - target| - beta / 2: R. Girshick
 * 2015 (arXiv:1504.08083). With beta 0 it is {@link l1Loss}.
 */
export function smoothL1Loss(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean', beta = 1 }: SmoothL1LossOptions = {},
): Tensor {
  if (!(beta >= 0)) throw badValue('smoothL1Loss.beta', beta, 'a number of at least 0');
  if (beta === 0) return l1Loss(prediction, target, { reduction });
  checkShapes('smoothL1Loss', prediction, target);
  return tf.tidy(() =>
    reduce('smoothL1Loss', tf.div(huber(prediction, target, { delta: beta }), beta), reduction),
  );
}

/**
 * P. Huber 1964: (prediction - target)² / 2 where the error is at most delta, else delta · (|error| - delta / 2). The mean is over
 * all elements, weighted or not, as PyTorch's `huber_loss`.
 */
export function huberLoss(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean', delta = 1, weight }: HuberLossOptions = {},
): Tensor {
  if (!(delta > 0)) throw badValue('huberLoss.delta', delta, 'a positive number');
  checkShapes('huberLoss', prediction, target);
  return tf.tidy(() => {
    const loss = huber(prediction, target, { delta });
    const weighted = weight === undefined ? loss : tf.mul(loss, factor('huberLoss.weight', weight, loss));
    return reduce('huberLoss', weighted, reduction);
  });
}
