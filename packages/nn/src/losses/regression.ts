import { badValue } from '@engine/core';
import { huber, tf, type Reduction, type Tensor } from '@engine/tensor';

import { checkShapes, reduce } from './reduction.js';

export interface RegressionLossOptions {
  /** 'mean' over all elements unless said. */
  reduction?: Reduction;
}

export interface SmoothL1LossOptions extends RegressionLossOptions {
  /** Where the squared part ends, at least 0; 1 unless said. */
  beta?: number;
}

export interface HuberLossOptions extends RegressionLossOptions {
  /** Where the squared part ends, positive; 1 unless said. */
  delta?: number;
}

/** Squared error, (prediction - target)², of two tensors of one shape. */
export function mseLoss(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean' }: RegressionLossOptions = {},
): Tensor {
  checkShapes('mseLoss', prediction, target);
  return tf.tidy(() => reduce('mseLoss', tf.square(tf.sub(prediction, target)), reduction));
}

/** Absolute error, |prediction - target|, of two tensors of one shape; its gradient at 0 is 0. */
export function l1Loss(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean' }: RegressionLossOptions = {},
): Tensor {
  checkShapes('l1Loss', prediction, target);
  return tf.tidy(() => reduce('l1Loss', tf.abs(tf.sub(prediction, target)), reduction));
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

/** P. Huber 1964: (prediction - target)² / 2 where the error is at most delta, else delta · (|error| - delta / 2). */
export function huberLoss(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean', delta = 1 }: HuberLossOptions = {},
): Tensor {
  if (!(delta > 0)) throw badValue('huberLoss.delta', delta, 'a positive number');
  checkShapes('huberLoss', prediction, target);
  return tf.tidy(() => reduce('huberLoss', huber(prediction, target, { delta }), reduction));
}
