import { badValue } from '@engine/core';
import { noGrad, tf, type Reduction, type Tensor } from '@engine/tensor';

import { checkShapes, reduce } from './reduction.js';

export interface PoissonNllLossOptions {
  /** Whether the prediction is the logarithm of the rate; true unless said. */
  logInput?: boolean;
  /** Add Stirling's approximation of log(target!), for targets above 1; false unless said. */
  full?: boolean;
  /** Keeps log(prediction) finite without `logInput`; 1e-8 unless said. */
  eps?: number;
  /** 'mean' over all elements unless said. */
  reduction?: Reduction;
}

export interface GaussianNllLossOptions {
  /** Add the constant log(2π) / 2; false unless said. */
  full?: boolean;
  /** Least variance; 1e-6 unless said. */
  eps?: number;
  /** 'mean' over all elements unless said. */
  reduction?: Reduction;
}

/** Negative log-likelihood of counts under Poisson distributions, without terms that depend on the target only. */
export function poissonNllLoss(
  prediction: Tensor,
  target: Tensor,
  { logInput = true, full = false, eps = 1e-8, reduction = 'mean' }: PoissonNllLossOptions = {},
): Tensor {
  checkShapes('poissonNllLoss', prediction, target);
  return tf.tidy(() => {
    let loss = logInput
      ? tf.sub(tf.exp(prediction), tf.mul(target, prediction))
      : tf.sub(prediction, tf.mul(target, tf.log(tf.add(prediction, eps))));
    if (full) {
      const safe = tf.maximum(target, 1);
      const stirling = tf.add(
        tf.sub(tf.mul(safe, tf.log(safe)), safe),
        tf.mul(0.5, tf.log(tf.mul(safe, 2 * Math.PI))),
      );
      loss = tf.add(loss, tf.where(tf.greater(target, 1), stirling, tf.zerosLike(stirling)));
    }
    return reduce('poissonNllLoss', loss, reduction);
  });
}

/**
 * Negative log-likelihood of `target` under normal distributions, (log(variance) + (prediction - target)² / variance) / 2.
 * @param variance of the shape of the prediction, or one that broadcasts to it; not below 0
 */
export function gaussianNllLoss(
  prediction: Tensor,
  target: Tensor,
  variance: Tensor,
  { full = false, eps = 1e-6, reduction = 'mean' }: GaussianNllLossOptions = {},
): Tensor {
  checkShapes('gaussianNllLoss', prediction, target);
  if (!(eps > 0)) throw badValue('gaussianNllLoss.eps', eps, 'a positive number');
  return tf.tidy(() => {
    // Lifted without a gradient of its own, so that a variance below the least one can grow again.
    const lifted = tf.add(
      variance,
      noGrad(() => tf.relu(tf.sub(eps, variance))),
    );
    const error = tf.div(tf.square(tf.sub(prediction, target)), lifted);
    const loss = tf.mul(0.5, tf.add(tf.log(lifted), error));
    return reduce('gaussianNllLoss', full ? tf.add(loss, 0.5 * Math.log(2 * Math.PI)) : loss, reduction);
  });
}
