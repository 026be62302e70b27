import { bce, bceWithLogits, tf, type Reduction, type Tensor } from '@engine/tensor';

import { checkShapes, factor, reduce, type NestedNumbers } from './reduction.js';

export interface BinaryCrossEntropyOptions {
  /** Factor of each element, broadcast to the prediction; 1 unless said. */
  weight?: Tensor | NestedNumbers | undefined;
  /** 'mean' over all elements unless said. */
  reduction?: Reduction;
}

export interface BinaryCrossEntropyWithLogitsOptions extends BinaryCrossEntropyOptions {
  /** Factor of the positive part, broadcast to the prediction (a number for each class); 1 unless said. */
  posWeight?: Tensor | NestedNumbers | undefined;
}

/**
 * Binary cross entropy of sigmoid(logits), as PyTorch's `binary_cross_entropy_with_logits`.
 * @param logits any shape
 * @param target float32 of the same shape, probabilities
 * @throws E_CONFIG_VALUE when shapes do not fit together
 */
export function binaryCrossEntropyWithLogits(
  logits: Tensor,
  target: Tensor,
  { weight, posWeight, reduction = 'mean' }: BinaryCrossEntropyWithLogitsOptions = {},
): Tensor {
  const owner = 'binaryCrossEntropyWithLogits';
  checkShapes(owner, logits, target);
  return tf.tidy(() => {
    let loss = bceWithLogits(logits, target);
    if (posWeight !== undefined) {
      // Positives count posWeight times: what they add is (posWeight - 1) · y · softplus(-x).
      const extra = tf.sub(factor(`${owner}.posWeight`, posWeight, logits), 1);
      loss = tf.add(loss, tf.mul(tf.mul(target, extra), tf.softplus(tf.neg(logits))));
    }
    if (weight !== undefined) loss = tf.mul(loss, factor(`${owner}.weight`, weight, logits));
    return reduce(owner, loss, reduction);
  });
}

/**
 * Binary cross entropy of probabilities, as PyTorch's `binary_cross_entropy`: logarithms are cut at -100. Prefer
 * {@link binaryCrossEntropyWithLogits}, whose gradient does not vanish.
 * @param prediction probabilities, any shape
 * @param target float32 of the same shape
 * @throws E_CONFIG_VALUE when shapes do not fit together
 */
export function binaryCrossEntropy(
  prediction: Tensor,
  target: Tensor,
  { weight, reduction = 'mean' }: BinaryCrossEntropyOptions = {},
): Tensor {
  checkShapes('binaryCrossEntropy', prediction, target);
  return tf.tidy(() => {
    let loss = bce(prediction, target);
    if (weight !== undefined) loss = tf.mul(loss, factor('binaryCrossEntropy.weight', weight, prediction));
    return reduce('binaryCrossEntropy', loss, reduction);
  });
}
