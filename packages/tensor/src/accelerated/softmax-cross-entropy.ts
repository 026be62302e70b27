import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '../tf.js';

interface Attrs {
  ignoreIndex: number;
  labelSmoothing: number;
}

/** Target distribution of each row, zero where the label is the ignored one. [N, K] */
function targets(labels: Tensor, classes: number, { ignoreIndex, labelSmoothing }: Attrs): Tensor {
  const hot = tf.mul(tf.cast(tf.oneHot(labels as Tensor1D, classes), 'float32'), 1 - labelSmoothing);
  const counted = tf.expandDims(tf.cast(tf.notEqual(labels, ignoreIndex), 'float32'), 1);
  return tf.mul(labelSmoothing ? tf.add(hot, labelSmoothing / classes) : hot, counted);
}

defineAccelerated({
  name: 'EngineSoftmaxCrossEntropy',
  reference({ logits, labels }, attrs) {
    return tf.tidy(() => {
      const target = targets(labels!, logits!.shape[1]!, attrs as unknown as Attrs);
      const logProbs = tf.logSoftmax(logits!);
      return [tf.neg(tf.sum(tf.mul(target, logProbs), 1)), tf.exp(logProbs)];
    });
  },
  gradient: {
    inputsToSave: ['labels'],
    outputsToSave: [false, true],
    gradFunc: (dys, saved, attrs) => {
      const [labels, probs] = saved as [Tensor, Tensor];
      const dloss = (dys as Tensor[])[0]!;
      return {
        logits: () =>
          runAccelerated<Tensor>('EngineSoftmaxCrossEntropyGrad', { dloss, probs, labels }, attrs),
      };
    },
  },
});

defineAccelerated({
  name: 'EngineSoftmaxCrossEntropyGrad',
  reference({ dloss, probs, labels }, attrs) {
    return tf.tidy(() => {
      const target = targets(labels!, probs!.shape[1]!, attrs as unknown as Attrs);
      // The targets of a row sum to 1, or to 0 in an ignored one.
      const weight = tf.cast(tf.notEqual(labels!, attrs['ignoreIndex'] as number), 'float32');
      return tf.mul(tf.sub(tf.mul(probs!, tf.expandDims(weight, 1)), target), tf.expandDims(dloss!, 1));
    });
  },
});

export type Reduction = 'mean' | 'sum' | 'none';

export interface SoftmaxCrossEntropyOptions {
  /** 'mean' (over the labels that count) unless said. */
  reduction?: Reduction;
  /** Share of the target spread evenly over all classes, 0 to 1; 0 unless said. */
  labelSmoothing?: number;
  /** Rows with this label count nothing; -100 unless said. */
  ignoreIndex?: number;
}

/**
 * Cross entropy of softmax(logits) against class numbers, as PyTorch's `cross_entropy`. With reduction 'mean' and
 * every label ignored the result is NaN, as there.
 * @param logits [..., K], classes last
 * @param labels int32 [...], each 0..K-1 or `ignoreIndex`
 * @returns a scalar, or [...] with reduction 'none'
 */
export function softmaxCrossEntropy(
  logits: Tensor,
  labels: Tensor,
  { reduction = 'mean', labelSmoothing = 0, ignoreIndex = -100 }: SoftmaxCrossEntropyOptions = {},
): Tensor {
  const classes = logits.shape[logits.shape.length - 1]!;
  if (labels.dtype !== 'int32') throw badValue('softmaxCrossEntropy.labels', labels.dtype, 'an int32 tensor');
  if (labels.size * classes !== logits.size) {
    throw badValue(
      'softmaxCrossEntropy.labels.shape',
      labels.shape,
      `one label for each row of the logits [${logits.shape.join(', ')}]`,
    );
  }
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw badValue('softmaxCrossEntropy.labelSmoothing', labelSmoothing, 'a number from 0 to 1');
  }
  return tf.tidy(() => {
    const [loss] = runAccelerated<Tensor[]>(
      'EngineSoftmaxCrossEntropy',
      { logits: tf.reshape(logits, [-1, classes]) as Tensor2D, labels: tf.reshape(labels, [-1]) },
      { ignoreIndex, labelSmoothing },
    );
    if (reduction === 'none') return tf.reshape(loss!, labels.shape);
    const total = tf.sum(loss!) as Scalar;
    if (reduction === 'sum') return total;
    return tf.div(total, tf.sum(tf.cast(tf.notEqual(labels, ignoreIndex), 'float32')));
  });
}
