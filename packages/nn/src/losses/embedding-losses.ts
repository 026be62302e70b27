import { badValue } from '@engine/core';
import { tf, type Reduction, type Tensor } from '@engine/tensor';

import type { MarginLossOptions } from './margin.js';
import { checkShapes, reduce } from './reduction.js';

export interface TripletMarginLossOptions extends MarginLossOptions {
  /** Order of the distance; 2 unless said. */
  p?: number;
  /** Added to differences, so that the distance of equal vectors has a gradient; 1e-6 unless said. */
  eps?: number;
  /** Take the distance of positive and negative where that is smaller (V. Balntas et al. 2016); false unless said. */
  swap?: boolean;
}

export interface SigmoidFocalLossOptions {
  /** Weight of positives against negatives, 0 to 1; a negative number switches it off. 0.25 unless said. */
  alpha?: number;
  /** How far well-classified examples are played down; 2 unless said. */
  gamma?: number;
  reduction?: Reduction;
}

/**
 * 1 - cos(first, second) where the target is 1, max(0, cos - margin) where it is -1; margin 0 unless said. Vectors [N, D] or
 * [D], one target for each.
 */
export function cosineEmbeddingLoss(
  first: Tensor,
  second: Tensor,
  target: Tensor,
  { margin = 0, reduction = 'mean' }: MarginLossOptions = {},
): Tensor {
  checkShapes('cosineEmbeddingLoss', first, second);
  return tf.tidy(() => {
    const square = (x: Tensor): Tensor => tf.add(tf.sum(tf.square(x), -1), 1e-12);
    const cosine = tf.div(tf.sum(tf.mul(first, second), -1), tf.sqrt(tf.mul(square(first), square(second))));
    const loss = tf.where(tf.greater(target, 0), tf.sub(1, cosine), tf.relu(tf.sub(cosine, margin)));
    return reduce('cosineEmbeddingLoss', loss, reduction);
  });
}

/** max(0, |anchor - positive| - |anchor - negative| + margin); margin 1 unless said. Vectors [N, D] or [D]. */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  { margin = 1, p = 2, eps = 1e-6, swap = false, reduction = 'mean' }: TripletMarginLossOptions = {},
): Tensor {
  checkShapes('tripletMarginLoss', anchor, positive);
  checkShapes('tripletMarginLoss', anchor, negative);
  if (!(p > 0)) throw badValue('tripletMarginLoss.p', p, 'a positive number');
  const distance = (a: Tensor, b: Tensor): Tensor => {
    const difference = tf.add(tf.sub(a, b), eps);
    if (p === 2) return tf.sqrt(tf.sum(tf.square(difference), -1));
    return tf.pow(tf.sum(tf.pow(tf.abs(difference), p), -1), 1 / p);
  };
  return tf.tidy(() => {
    const toNegative = distance(anchor, negative);
    const far = swap ? tf.minimum(toNegative, distance(positive, negative)) : toNegative;
    const loss = tf.relu(tf.add(tf.sub(distance(anchor, positive), far), margin));
    return reduce('tripletMarginLoss', loss, reduction);
  });
}

/**
 * Binary cross-entropy of logits, each times (1 - p)^gamma, where p is the probability given to what is true: T.-Y. Lin et
 * al. 2017 (arXiv:1708.02002), equation 5. Targets 1 and 0, of the shape of the logits.
 */
export function sigmoidFocalLoss(
  logits: Tensor,
  target: Tensor,
  { alpha = 0.25, gamma = 2, reduction = 'mean' }: SigmoidFocalLossOptions = {},
): Tensor {
  checkShapes('sigmoidFocalLoss', logits, target);
  if (!(gamma >= 0)) throw badValue('sigmoidFocalLoss.gamma', gamma, 'a number of at least 0');
  return tf.tidy(() => {
    const cross = tf.sub(tf.softplus(logits), tf.mul(target, logits));
    const p = tf.sigmoid(logits);
    const wrong = tf.add(tf.mul(tf.sub(1, p), target), tf.mul(p, tf.sub(1, target)));
    const loss = tf.mul(cross, tf.pow(wrong, gamma));
    if (alpha < 0) return reduce('sigmoidFocalLoss', loss, reduction);
    const weight = tf.add(tf.mul(target, alpha), tf.mul(tf.sub(1, target), 1 - alpha));
    return reduce('sigmoidFocalLoss', tf.mul(loss, weight), reduction);
  });
}
