import { badValue } from '@engine/core';
import { nll, tf, type Reduction, type Tensor } from '@engine/tensor';

import { reduce } from './reduction.js';

export interface NllLossOptions {
  /** Weight of each class, K numbers; 1 unless said. The mean then divides by the weights of the labels. */
  weight?: readonly number[] | undefined;
  /** 'mean' (over the labels that count) unless said. */
  reduction?: Reduction;
  /** Rows with this label count nothing; -100 unless said. */
  ignoreIndex?: number;
}

/**
 * Weight of each label, 0 where it is to be ignored. [M]
 * @param labels int32 [M]
 */
export function labelWeights(
  labels: Tensor,
  classes: number,
  weight: readonly number[] | undefined,
  ignoreIndex: number,
): Tensor {
  const counted = tf.cast(tf.notEqual(labels, ignoreIndex), 'float32');
  if (!weight) return counted;
  // Not clipByValue: on wasm it takes whole numbers for floats.
  const inside = tf.minimum(tf.maximum(labels, tf.scalar(0, 'int32')), tf.scalar(classes - 1, 'int32'));
  return tf.mul(tf.gather(tf.tensor1d([...weight]), inside as tf.Tensor1D), counted);
}

/**
 * Negative log likelihood of class numbers, as PyTorch's `nll_loss`.
 * @param logProbs [..., K], classes last
 * @param labels int32 [...]
 * @returns a scalar, or [...] with reduction 'none'
 * @throws E_CONFIG_VALUE when shapes do not fit together
 */
export function nllLoss(
  logProbs: Tensor,
  labels: Tensor,
  { weight, reduction = 'mean', ignoreIndex = -100 }: NllLossOptions = {},
): Tensor {
  const classes = logProbs.shape[logProbs.rank - 1]!;
  if (weight && weight.length !== classes)
    throw badValue('nllLoss.weight', weight, `${classes} numbers, one for each class`);
  if (labels.dtype !== 'int32') throw badValue('nllLoss.labels', labels.dtype, 'an int32 tensor');
  if (labels.size * classes !== logProbs.size) {
    const expected = `one label for each row of the log-probabilities [${logProbs.shape.join(', ')}]`;
    throw badValue('nllLoss.labels.shape', labels.shape, expected);
  }
  return tf.tidy(() => {
    const flat = tf.reshape(labels, [-1]);
    const weights = labelWeights(flat, classes, weight, ignoreIndex);
    const loss = nll(tf.reshape(logProbs, [-1, classes]), flat, weights);
    if (reduction === 'none') return tf.reshape(loss, labels.shape);
    return reduction === 'mean' ? tf.div(tf.sum(loss), tf.sum(weights)) : reduce('nllLoss', loss, reduction);
  });
}
