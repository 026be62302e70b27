import { badValue } from '@engine/core';
import { tf, type Reduction, type Tensor } from '@engine/tensor';

import { checkShapes, reduce } from './reduction.js';

export interface MarginLossOptions {
  /** 'mean' over all losses unless said. */
  reduction?: Reduction;
  /** Distance below which a pair still costs. */
  margin?: number;
}

export interface SoftMarginLossOptions {
  reduction?: Reduction;
}

export interface MultiLabelSoftMarginLossOptions {
  reduction?: Reduction;
  /** Weight of each class, K numbers; 1 each unless said. */
  weight?: readonly number[];
}

export interface MultiLabelMarginLossOptions {
  /** 'mean' over the rows unless said. */
  reduction?: Reduction;
}

export interface MultiMarginLossOptions extends MarginLossOptions {
  /** Power of each violation, 1 or 2; 1 unless said. */
  p?: 1 | 2;
  /** Weight of each class, K numbers; 1 each unless said. */
  weight?: readonly number[];
}

/** max(0, margin - target · (first - second)): `first` shall be larger where the target is 1, smaller where it is -1. */
export function marginRankingLoss(
  first: Tensor,
  second: Tensor,
  target: Tensor,
  { margin = 0, reduction = 'mean' }: MarginLossOptions = {},
): Tensor {
  checkShapes('marginRankingLoss', first, second);
  return tf.tidy(() =>
    reduce('marginRankingLoss', tf.relu(tf.sub(margin, tf.mul(target, tf.sub(first, second)))), reduction),
  );
}

/** x where the target is 1, max(0, margin - x) where it is -1; margin 1 unless said. */
export function hingeEmbeddingLoss(
  x: Tensor,
  target: Tensor,
  { margin = 1, reduction = 'mean' }: MarginLossOptions = {},
): Tensor {
  checkShapes('hingeEmbeddingLoss', x, target);
  return tf.tidy(() =>
    reduce('hingeEmbeddingLoss', tf.where(tf.greater(target, 0), x, tf.relu(tf.sub(margin, x))), reduction),
  );
}

/** log(1 + exp(-target · x)), targets 1 and -1. */
export function softMarginLoss(
  x: Tensor,
  target: Tensor,
  { reduction = 'mean' }: SoftMarginLossOptions = {},
): Tensor {
  checkShapes('softMarginLoss', x, target);
  return tf.tidy(() => reduce('softMarginLoss', tf.softplus(tf.neg(tf.mul(target, x))), reduction));
}

/** Binary cross-entropy of each class, averaged over the classes: x [..., K] of logits, targets 1 and 0; one loss per row. */
export function multiLabelSoftMarginLoss(
  x: Tensor,
  target: Tensor,
  { weight, reduction = 'mean' }: MultiLabelSoftMarginLossOptions = {},
): Tensor {
  checkShapes('multiLabelSoftMarginLoss', x, target);
  return tf.tidy(() => {
    // -(t · log σ(x) + (1 - t) · log σ(-x)) = softplus(x) - t · x
    const each = tf.sub(tf.softplus(x), tf.mul(target, x));
    const weighted = weight ? tf.mul(each, classWeights('multiLabelSoftMarginLoss', weight, x)) : each;
    return reduce('multiLabelSoftMarginLoss', tf.mean(weighted, -1), reduction);
  });
}

/**
 * Sum over the other classes of max(0, margin - x[label] + x[k])^p, divided by the number of classes: x [N, K], int32
 * labels [N]; margin 1 unless said. A weight is that of the label.
 */
export function multiMarginLoss(
  x: Tensor,
  labels: Tensor,
  { p = 1, margin = 1, weight, reduction = 'mean' }: MultiMarginLossOptions = {},
): Tensor {
  if (p !== 1 && p !== 2) throw badValue('multiMarginLoss.p', p, '1 or 2');
  if (x.rank !== 2) throw badValue('multiMarginLoss.x.shape', x.shape, '[N, K]');
  const classes = x.shape[1]!;
  return tf.tidy(() => {
    const right = tf.cast(tf.oneHot(tf.cast(labels, 'int32'), classes), 'float32');
    const own = tf.sum(tf.mul(x, right), 1, true);
    const violation = tf.mul(tf.relu(tf.add(tf.sub(margin, own), x)), tf.sub(1, right));
    const sum = tf.sum(p === 2 ? tf.square(violation) : violation, 1);
    const loss = tf.div(sum, classes);
    if (!weight) return reduce('multiMarginLoss', loss, reduction);
    const weights = tf.sum(tf.mul(right, classWeights('multiMarginLoss', weight, x)), 1);
    return reduce('multiMarginLoss', tf.mul(loss, weights), reduction);
  });
}

/**
 * Sum, over each label of a row and each class that is none of them, of max(0, 1 - x[label] + x[class]), divided by the
 * number of classes, as PyTorch's `multilabel_margin_loss`.
 * @param x [N, K]
 * @param labels int32 [N, K]: the classes of each row, up to the first -1
 */
export function multiLabelMarginLoss(
  x: Tensor,
  labels: Tensor,
  { reduction = 'mean' }: MultiLabelMarginLossOptions = {},
): Tensor {
  if (x.rank !== 2) throw badValue('multiLabelMarginLoss.x.shape', x.shape, '[N, K]');
  checkShapes('multiLabelMarginLoss', x, labels);
  const classes = x.shape[1]!;
  return tf.tidy(() => {
    const ended = tf.cumsum(tf.cast(tf.less(labels, 0), 'int32'), 1);
    const counts = tf.cast(tf.equal(ended, 0), 'float32');
    // [N, place of the label, K]
    const chosen = tf.mul(tf.oneHot(tf.cast(labels, 'int32'), classes), tf.expandDims(counts, 2));
    const own = tf.sum(tf.mul(chosen, tf.expandDims(x, 1)), 2, true);
    const others = tf.sub(1, tf.max(chosen, 1, true));
    const violation = tf.relu(tf.add(tf.sub(1, own), tf.expandDims(x, 1)));
    const counted = tf.mul(tf.mul(violation, others), tf.expandDims(counts, 2));
    return reduce('multiLabelMarginLoss', tf.div(tf.sum(counted, [1, 2]), classes), reduction);
  });
}

function classWeights(owner: string, weight: readonly number[], x: Tensor): Tensor {
  const classes = x.shape[x.rank - 1]!;
  if (weight.length !== classes)
    throw badValue(`${owner}.weight`, weight, `${classes} numbers, one for each class`);
  return tf.tensor1d([...weight]);
}
