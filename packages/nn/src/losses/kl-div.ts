import { badValue } from '@engine/core';
import { noGrad, tf, type Reduction, type Tensor } from '@engine/tensor';

import { checkShapes, reduce } from './reduction.js';

export interface KlDivOptions {
  /** 'batchmean' divides the sum by the length of the first axis, as the definition does; 'mean' unless said. */
  reduction?: Reduction | 'batchmean';
  /** Whether the target holds log-probabilities too; false unless said. */
  logTarget?: boolean;
}

/**
 * Kullback–Leibler divergence target · (log target - logProbs), as PyTorch's `kl_div`; 0 where the target is 0.
 * @param logProbs log-probabilities, any shape
 * @param target probabilities of the same shape
 * @throws E_CONFIG_VALUE when the shapes differ
 */
export function klDiv(
  logProbs: Tensor,
  target: Tensor,
  { reduction = 'mean', logTarget = false }: KlDivOptions = {},
): Tensor {
  checkShapes('klDiv', logProbs, target);
  if (!['mean', 'sum', 'none', 'batchmean'].includes(reduction))
    throw badValue('klDiv.reduction', reduction, "'mean', 'batchmean', 'sum' or 'none'");
  return tf.tidy(() => {
    let loss: Tensor;
    if (logTarget) loss = tf.mul(tf.exp(target), tf.sub(target, logProbs));
    else {
      // tfjs has no gradient, not even none, for a comparison.
      const positive = noGrad(() => tf.greater(target, 0));
      const safe = tf.where(positive, target, tf.onesLike(target));
      loss = tf.sub(tf.mul(target, tf.log(safe)), tf.mul(target, logProbs));
    }
    if (reduction === 'batchmean') return tf.div(tf.sum(loss), loss.shape[0] ?? 1);
    return reduce('klDiv', loss, reduction);
  });
}
