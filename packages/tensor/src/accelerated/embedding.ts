import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';

defineAccelerated({
  name: 'EngineEmbedding',
  reference: ({ weight, indices }) => tf.gather(weight!, indices! as tf.Tensor1D),
  gradient: {
    inputsToSave: ['indices'],
    gradFunc: (dy, saved, attrs) => {
      const [indices] = saved as [Tensor];
      return {
        weight: () => runAccelerated<Tensor>('EngineEmbeddingGrad', { dy: dy as Tensor, indices }, attrs),
      };
    },
  },
});

interface GradAttrs {
  rows: number;
  /** Negative for none. */
  paddingIndex: number;
  byFrequency: boolean;
}

/**
 * Sum of the rows of dy [..., D] by their index: [rows, D], zero in row `paddingIndex`; with `byFrequency` each row
 * divided by the number of its terms.
 */
defineAccelerated({
  name: 'EngineEmbeddingGrad',
  reference({ dy, indices }, attrs) {
    const { rows, paddingIndex, byFrequency } = attrs as unknown as GradAttrs;
    return tf.tidy(() => {
      const width = dy!.shape[dy!.rank - 1]!;
      const flat = tf.reshape(indices!, [-1]);
      const where = tf.expandDims(flat, 1);
      let sums = tf.scatterND(where, tf.reshape(dy!, [-1, width]), [rows, width]);
      if (byFrequency) {
        const counts = tf.scatterND(where, tf.ones([flat.size]), [rows]);
        sums = tf.div(sums, tf.expandDims(tf.maximum(counts, 1), 1));
      }
      if (paddingIndex < 0) return sums;
      const row = tf.expandDims(tf.range(0, rows, 1, 'int32'), 1);
      return tf.mul(sums, tf.cast(tf.notEqual(row, paddingIndex), 'float32'));
    });
  },
});

/**
 * Rows of a table by their numbers. Its gradient saves the numbers only, and is dense.
 * @param weight [rows, D]
 * @param indices int32 [...], each from 0 to rows - 1; others are not detected on every backend
 * @param options.paddingIndex this row gets no gradient; -1, for none, unless said
 * @param options.byFrequency divide the gradient of each row by how often it was looked up; false unless said
 * @returns [..., D]
 * @throws E_CONFIG_VALUE when the indices are not int32
 */
export function embedding(
  weight: Tensor,
  indices: Tensor,
  { paddingIndex = -1, byFrequency = false }: { paddingIndex?: number; byFrequency?: boolean } = {},
): Tensor {
  if (indices.dtype !== 'int32') throw badValue('embedding.indices', indices.dtype, 'an int32 tensor');
  return runAccelerated<Tensor>(
    'EngineEmbedding',
    { weight, indices },
    { rows: weight.shape[0]!, paddingIndex, byFrequency },
  );
}
