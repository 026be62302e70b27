import { badValue } from '@engine/core';
import {
  softmaxCrossEntropy,
  tf,
  type SoftmaxCrossEntropyOptions,
  type Tensor,
  type Tensor1D,
} from '@engine/tensor';

export interface CrossEntropyOptions extends SoftmaxCrossEntropyOptions {
  /** Weight of each class, K numbers; 1 unless said. The mean then divides by the weights of the labels. */
  weight?: readonly number[] | undefined;
}

/**
 * Cross entropy of softmax(logits) against class numbers, as PyTorch's `cross_entropy`.
 * @param logits [..., K], classes last
 * @param labels int32 [...]
 * @returns a scalar, or [...] with reduction 'none'
 */
export function crossEntropy(
  logits: Tensor,
  labels: Tensor,
  { weight, ...options }: CrossEntropyOptions = {},
): Tensor {
  if (!weight) return softmaxCrossEntropy(logits, labels, options);
  const classes = logits.shape[logits.shape.length - 1]!;
  if (weight.length !== classes)
    throw badValue('crossEntropy.weight', weight, `${classes} numbers, one for each class`);
  const { reduction = 'mean', labelSmoothing = 0, ignoreIndex = -100 } = options;
  return tf.tidy(() => {
    const flat = tf.reshape(labels, [-1]) as Tensor1D;
    const hot = tf.cast(tf.oneHot(flat, classes), 'float32');
    const counted = tf.cast(tf.notEqual(flat, ignoreIndex), 'float32');
    const weights = tf.tensor1d([...weight]);
    const weighted = tf.mul(tf.logSoftmax(tf.reshape(logits, [-1, classes])), weights);
    const target = tf.add(tf.mul(hot, 1 - labelSmoothing), labelSmoothing / classes);
    const loss = tf.mul(tf.neg(tf.sum(tf.mul(weighted, target), 1)), counted);
    if (reduction === 'none') return tf.reshape(loss, labels.shape);
    if (reduction === 'sum') return tf.sum(loss);
    const ofLabels = tf.sum(tf.mul(hot, weights), 1);
    return tf.div(tf.sum(loss), tf.sum(tf.mul(ofLabels, counted)));
  });
}
