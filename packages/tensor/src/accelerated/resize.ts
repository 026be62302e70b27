import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor, Tensor4D } from '../tf.js';
import { axisTaps, type AxisTaps, type ResizeMode } from './resize-taps.js';

interface Attrs {
  /** Height and width of the result. */
  size: [number, number];
  alignCorners: boolean;
  /** Output size by input size where the caller said so; 0 to take it from the sizes. */
  scales: [number, number];
  /** Height and width of x, which the gradient needs and need not save x for. */
  inputSize: [number, number];
}

const KERNELS: Readonly<Record<ResizeMode, string>> = {
  nearest: 'EngineResizeNearest',
  'nearest-exact': 'EngineResizeNearestExact',
  bilinear: 'EngineResizeBilinear',
  bicubic: 'EngineResizeBicubic',
};

/** Weighted sum of the rows that each output row reads, along one axis. */
function gatherAxis(x: Tensor, axis: 1 | 2, { indices, weights }: AxisTaps): Tensor {
  const shape = axis === 1 ? [1, -1, 1, 1] : [1, 1, -1, 1];
  const parts = indices.map((index, tap) => {
    const part = tf.gather(x, tf.tensor1d(index, 'int32'), axis);
    return weights ? tf.mul(part, tf.reshape(tf.tensor1d(weights[tap]!), shape)) : part;
  });
  return parts.length === 1 ? parts[0]! : tf.addN(parts);
}

/** The transposed matrix of {@link gatherAxis}, [1, size, outputs]. */
function transposedMatrix({ indices, weights }: AxisTaps, size: number): Tensor {
  const outputs = indices[0]!.length;
  const data = new Float32Array(size * outputs);
  indices.forEach((index, tap) => {
    index.forEach((from, i) => {
      data[from * outputs + i]! += weights ? weights[tap]![i]! : 1;
    });
  });
  return tf.tensor3d(data, [1, size, outputs]);
}

for (const [mode, name] of Object.entries(KERNELS) as [ResizeMode, string][]) {
  defineAccelerated({
    name,
    reference({ x }, attrs) {
      const { size, alignCorners, scales } = attrs as unknown as Attrs;
      return tf.tidy(() => {
        const taps = (axis: 0 | 1): AxisTaps =>
          axisTaps(mode, x!.shape[axis + 1]!, size[axis], alignCorners, scales[axis]);
        return gatherAxis(gatherAxis(x!, 1, taps(0)), 2, taps(1));
      });
    },
    gradient: {
      gradFunc: (dy, _saved, attrs) => ({
        x: () => runAccelerated<Tensor>(`${name}Grad`, { dy: dy as Tensor }, attrs),
      }),
    },
  });
  defineAccelerated({
    name: `${name}Grad`,
    reference({ dy }, attrs) {
      const { size, alignCorners, scales, inputSize } = attrs as unknown as Attrs;
      const [n, , , c] = dy!.shape as [number, number, number, number];
      const [h, w] = inputSize;
      return tf.tidy(() => {
        const matrix = (axis: 0 | 1): Tensor =>
          transposedMatrix(
            axisTaps(mode, inputSize[axis], size[axis], alignCorners, scales[axis]),
            inputSize[axis],
          );
        const rows = tf.matMul(matrix(0), tf.reshape(dy!, [n, size[0], size[1] * c]));
        const columns = tf.matMul(matrix(1), tf.reshape(rows, [n * h, size[1], c]));
        return tf.reshape(columns, [n, h, w, c]);
      });
    },
  });
}

export interface ResizeOptions {
  /** Height and width of the result. */
  size: readonly [number, number];
  /** 'nearest' unless said. */
  mode?: ResizeMode;
  /** Whether the centres of the corner pixels, instead of their outer corners, coincide; false unless said. */
  alignCorners?: boolean;
  /** Output size by input size, when the sizes alone do not say it exactly: [height, width]. */
  scales?: readonly [number, number] | undefined;
}

/**
 * Resizes images as PyTorch's `interpolate` does, without a low-pass filter.
 * @param x [N, H, W, C]
 * @returns [N, size[0], size[1], C]
 * @throws E_CONFIG_VALUE when x has another rank, or an option a value it cannot have
 */
export function resize2d(
  x: Tensor,
  { size, mode = 'nearest', alignCorners = false, scales = [0, 0] }: ResizeOptions,
): Tensor4D {
  if (x.rank !== 4) throw badValue('resize2d.x.shape', x.shape, '[N, H, W, C]');
  if (size.some((n) => !Number.isInteger(n) || n < 1))
    throw badValue('resize2d.size', size, 'two positive integers: [height, width]');
  const name = KERNELS[mode];
  if (!name) throw badValue('resize2d.mode', mode, `one of ${Object.keys(KERNELS).join(', ')}`);
  const inputSize = x.shape.slice(1, 3);
  const attrs = { size: [...size], alignCorners, scales: [...scales], inputSize };
  return runAccelerated<Tensor>(name, { x }, attrs) as Tensor4D;
}
