import { badValue } from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';

/**
 * Stacks tensors of one rank after padding each, at the end of every axis but the last (the channels), to the largest
 * size and on to a multiple of `padSizeDivisor`.
 * @param tensors [..., C] each
 * @param padValue 0 unless said
 * @returns [N, ..., C]
 * @throws E_CONFIG_VALUE when the list is empty or the ranks or channels differ
 */
export function stackBatch(tensors: readonly Tensor[], padSizeDivisor = 1, padValue = 0): Tensor {
  const first = tensors[0];
  if (!first) throw badValue('stackBatch.tensors', [], 'at least one tensor');
  const last = first.rank - 1;
  const odd = tensors.find(
    (tensor) => tensor.rank !== first.rank || tensor.shape[last] !== first.shape[last],
  );
  if (odd)
    throw badValue(
      'stackBatch.tensors',
      odd.shape,
      `tensors of rank ${first.rank} with ${first.shape[last]} channels`,
    );
  const target = first.shape.map((size, axis) => {
    if (axis === last) return size;
    return Math.ceil(Math.max(...tensors.map((t) => t.shape[axis]!)) / padSizeDivisor) * padSizeDivisor;
  });
  return tf.tidy(() =>
    tf.stack(
      tensors.map((tensor) => {
        const paddings = target.map((size, axis): [number, number] => [0, size - tensor.shape[axis]!]);
        return paddings.every(([, end]) => end === 0) ? tensor : tf.pad(tensor, paddings, padValue);
      }),
    ),
  );
}
