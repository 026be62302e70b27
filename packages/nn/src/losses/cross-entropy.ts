import { badValue } from '@engine/core';
import {
  softmaxCrossEntropy,
  tf,
  type Reduction,
  type SoftmaxCrossEntropyOptions,
  type Tensor,
} from '@engine/tensor';

import { labelWeights, nllLoss } from './nll-loss.js';
import { checkShapes, reduce } from './reduction.js';

export interface CrossEntropyOptions extends SoftmaxCrossEntropyOptions {
  /** Weight of each class, K numbers; 1 unless said. The mean then divides by the weights of the labels. */
  weight?: readonly number[] | undefined;
}

/**
 * Cross entropy of softmax(logits) against class numbers or probabilities, as PyTorch's `cross_entropy`.
 * @param logits [..., K], classes last
 * @param target int32 [...], class numbers; or float32 [..., K], probabilities of classes, in which case the mean is
 * over all rows and `ignoreIndex` means nothing
 * @returns a scalar, or [...] with reduction 'none'
 * @throws E_CONFIG_VALUE when shapes do not fit together
 */
export function crossEntropy(
  logits: Tensor,
  target: Tensor,
  { weight, ...options }: CrossEntropyOptions = {},
): Tensor {
  const classes = logits.shape[logits.shape.length - 1]!;
  if (weight && weight.length !== classes)
    throw badValue('crossEntropy.weight', weight, `${classes} numbers, one for each class`);
  const { reduction = 'mean', labelSmoothing = 0, ignoreIndex = -100 } = options;
  if (target.dtype === 'float32' && target.rank === logits.rank)
    return soft(logits, target, { weight, reduction, labelSmoothing });
  if (!weight) return softmaxCrossEntropy(logits, target, options);
  return tf.tidy(() => {
    const logProbs = tf.logSoftmax(logits);
    const sum = (loss: Tensor): Tensor => (reduction === 'none' ? loss : tf.sum(loss));
    const hard = nllLoss(logProbs, target, {
      weight,
      ignoreIndex,
      reduction: reduction === 'none' ? 'none' : 'sum',
    });
    const flat = tf.reshape(target, [-1]);
    let loss = hard;
    if (labelSmoothing > 0) {
      const spread = tf.neg(tf.sum(tf.mul(logProbs, tf.tensor1d([...weight])), -1));
      const counted = tf.cast(tf.notEqual(target, ignoreIndex), 'float32');
      const even = sum(tf.mul(spread, counted));
      loss = tf.add(tf.mul(hard, 1 - labelSmoothing), tf.mul(even, labelSmoothing / classes));
    }
    return reduction === 'mean'
      ? tf.div(loss, tf.sum(labelWeights(flat, classes, weight, ignoreIndex)))
      : loss;
  });
}

interface SoftOptions {
  weight: readonly number[] | undefined;
  reduction: Reduction;
  labelSmoothing: number;
}

function soft(logits: Tensor, target: Tensor, { weight, reduction, labelSmoothing }: SoftOptions): Tensor {
  checkShapes('crossEntropy', logits, target);
  const classes = logits.shape[logits.rank - 1]!;
  return tf.tidy(() => {
    const smooth =
      labelSmoothing > 0 ? tf.add(tf.mul(target, 1 - labelSmoothing), labelSmoothing / classes) : target;
    const weighted = weight ? tf.mul(smooth, tf.tensor1d([...weight])) : smooth;
    return reduce('crossEntropy', tf.neg(tf.sum(tf.mul(weighted, tf.logSoftmax(logits)), -1)), reduction);
  });
}
