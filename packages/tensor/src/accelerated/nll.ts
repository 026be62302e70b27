import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor, Tensor1D } from '../tf.js';

/** One at the label of each row; nothing in a row with a label outside of the classes. [M, K] */
function hot(labels: Tensor, classes: number): Tensor {
  return tf.cast(tf.oneHot(labels as Tensor1D, classes), 'float32');
}

/** Inputs {logProbs [M, K], labels [M], weights [M]}; output [M]. */
defineAccelerated({
  name: 'EngineNll',
  reference: ({ logProbs, labels, weights }) =>
    tf.tidy(() => {
      const mask = tf.cast(hot(labels!, logProbs!.shape[1]!), 'bool');
      // Selected rather than multiplied: the log-probability of another class may be -Infinity.
      const picked = tf.sum(tf.where(mask, logProbs!, tf.zerosLike(logProbs!)), 1);
      return tf.neg(tf.mul(picked, weights!));
    }),
  gradient: {
    inputsToSave: ['labels', 'weights'],
    gradFunc: (dy, saved, attrs) => {
      const [labels, weights] = saved as [Tensor, Tensor];
      return {
        logProbs: () => runAccelerated<Tensor>('EngineNllGrad', { dy: dy as Tensor, labels, weights }, attrs),
      };
    },
  },
});

/** Inputs {dy [M], labels [M], weights [M]}; output [M, classes]. */
defineAccelerated({
  name: 'EngineNllGrad',
  reference: ({ dy, labels, weights }, attrs) =>
    tf.tidy(() =>
      tf.mul(hot(labels!, attrs['classes'] as number), tf.expandDims(tf.neg(tf.mul(dy!, weights!)), 1)),
    ),
});

/**
 * -weights[i] · logProbs[i, labels[i]] for each row, 0 for a label outside of the classes. Differentiable in
 * `logProbs` only; its gradient saves labels and weights.
 * @param logProbs [M, K]
 * @param labels int32 [M]
 * @param weights [M]
 * @returns [M]
 * @throws E_CONFIG_VALUE when the labels are not int32, or the shapes do not fit together
 */
export function nll(logProbs: Tensor, labels: Tensor, weights: Tensor): Tensor {
  if (labels.dtype !== 'int32') throw badValue('nll.labels', labels.dtype, 'an int32 tensor');
  if (logProbs.rank !== 2 || labels.size !== logProbs.shape[0] || weights.size !== labels.size) {
    throw badValue(
      'nll.shapes',
      [logProbs.shape, labels.shape, weights.shape],
      'log-probabilities [M, K], labels [M] and weights [M]',
    );
  }
  return runAccelerated<Tensor>('EngineNll', { logProbs, labels, weights }, { classes: logProbs.shape[1]! });
}
