import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor, Tensor4D } from '../tf.js';

type Pair = [number, number];
type Shape4 = [number, number, number, number];

interface Attrs {
  /** Height and width of the result. */
  size: Pair;
  /** Height and width of x, which the gradients need and need not save x for. */
  inputSize: Pair;
}

/** Bin i of an axis: from floor(i · size / out) to below ceil((i + 1) · size / out). */
function bin(i: number, size: number, out: number): Pair {
  return [Math.floor((i * size) / out), Math.ceil(((i + 1) * size) / out)];
}

/** Matrix [1, out, size] whose rows average the bins. */
function binMatrix(size: number, out: number): Tensor {
  const data = new Float32Array(out * size);
  for (let i = 0; i < out; i++) {
    const [start, end] = bin(i, size, out);
    data.fill(1 / (end - start), i * size + start, i * size + end);
  }
  return tf.tensor3d(data, [1, out, size]);
}

defineAccelerated({
  name: 'EngineAdaptiveAvgPool2d',
  reference({ x }, attrs) {
    const [n, h, w, c] = x!.shape as Shape4;
    const [outH, outW] = (attrs as unknown as Attrs).size;
    return tf.tidy(() => {
      if (outH === 1 && outW === 1) return tf.mean(x!, [1, 2], true);
      const rows = tf.matMul(binMatrix(h, outH), tf.reshape(x!, [n, h, w * c]));
      const columns = tf.matMul(binMatrix(w, outW), tf.reshape(rows, [n * outH, w, c]));
      return tf.reshape(columns, [n, outH, outW, c]);
    });
  },
  gradient: {
    gradFunc: (dy, _saved, attrs) => ({
      x: () => runAccelerated<Tensor>('EngineAdaptiveAvgPool2dGrad', { dy: dy as Tensor }, attrs),
    }),
  },
});

defineAccelerated({
  name: 'EngineAdaptiveAvgPool2dGrad',
  reference({ dy }, attrs) {
    const [n, outH, outW, c] = dy!.shape as Shape4;
    const [h, w] = (attrs as unknown as Attrs).inputSize;
    return tf.tidy(() => {
      const rows = tf.matMul(binMatrix(h, outH), tf.reshape(dy!, [n, outH, outW * c]), true);
      const columns = tf.matMul(binMatrix(w, outW), tf.reshape(rows, [n * h, outW, c]), true);
      return tf.reshape(columns, [n, h, w, c]);
    });
  },
});

/** A number beside integers, which tfjs would turn into floats otherwise. */
const whole = (value: number): Tensor => tf.scalar(value, 'int32');

/** Places of each bin's pixels in the image, [bins, largest bin]; a smaller one's first place is repeated. */
function places({ size, inputSize }: Attrs): { table: Int32Array; bins: number; most: number } {
  const [rows, columns] = [0, 1].map((axis) =>
    Array.from({ length: size[axis]! }, (_, i) => bin(i, inputSize[axis]!, size[axis]!)),
  ) as [Pair[], Pair[]];
  const widest = (list: Pair[]): number => Math.max(...list.map(([start, end]) => end - start));
  const most = widest(rows) * widest(columns);
  const table = new Int32Array(rows.length * columns.length * most);
  rows.forEach(([top, bottom], i) => {
    columns.forEach(([left, right], j) => {
      const at = (i * columns.length + j) * most;
      table.fill(top * inputSize[1] + left, at, at + most);
      let k = at;
      for (let r = top; r < bottom; r++) for (let c = left; c < right; c++) table[k++] = r * inputSize[1] + c;
    });
  });
  return { table, bins: rows.length * columns.length, most };
}

/** Outputs: y, and where in its image each maximum lies, int32 row · W + column; of several the first. */
defineAccelerated({
  name: 'EngineAdaptiveMaxPool2d',
  reference({ x }, attrs) {
    const options = attrs as unknown as Attrs;
    const [n, h, w, c] = x!.shape as Shape4;
    const [outH, outW] = options.size;
    return tf.tidy(() => {
      const { table, bins, most } = places(options);
      const flat = tf.tensor1d(table, 'int32');
      const values = tf.reshape(tf.gather(tf.reshape(x!, [n, h * w, c]), flat, 1), [n, bins, most, c]);
      const which = tf.argMax(values, 2);
      const row = tf.mul(tf.reshape(tf.range(0, bins, 1, 'int32'), [1, bins, 1]), whole(most));
      const indices = tf.gather(flat, tf.reshape(tf.add(row, which), [-1]));
      return [tf.reshape(tf.max(values, 2), [n, outH, outW, c]), tf.reshape(indices, [n, outH, outW, c])];
    });
  },
  gradient: {
    outputsToSave: [false, true],
    gradFunc: (dys, saved, attrs) => {
      const [indices] = saved as [Tensor];
      const inputs = { dy: (dys as Tensor[])[0]!, indices };
      return { x: () => runAccelerated<Tensor>('EngineAdaptiveMaxPool2dGrad', inputs, attrs) };
    },
  },
});

defineAccelerated({
  name: 'EngineAdaptiveMaxPool2dGrad',
  reference({ dy, indices }, attrs) {
    const [n, outH, outW, c] = dy!.shape as Shape4;
    const [h, w] = (attrs as unknown as Attrs).inputSize;
    return tf.tidy(() => {
      const image = tf.mul(tf.reshape(tf.range(0, n, 1, 'int32'), [n, 1, 1]), whole(h * w));
      const pixel = tf.mul(tf.add(tf.reshape(indices!, [n, outH * outW, c]), image), whole(c));
      const place = tf.add(pixel, tf.reshape(tf.range(0, c, 1, 'int32'), [1, 1, c]));
      const sums = tf.scatterND(tf.reshape(place, [-1, 1]), tf.reshape(dy!, [-1]), [n * h * w * c]);
      return tf.reshape(sums, [n, h, w, c]);
    });
  },
});

function attrsOf(owner: string, x: Tensor, size: readonly number[]): Record<string, unknown> {
  if (x.rank !== 4) throw badValue(`${owner}.x.shape`, x.shape, '[N, H, W, C]');
  if (size.length !== 2 || size.some((n) => !Number.isInteger(n) || n < 1))
    throw badValue(`${owner}.size`, size, 'two positive integers: [height, width]');
  return { size: [...size], inputSize: x.shape.slice(1, 3) };
}

/**
 * Mean over as many bins as are asked for, which overlap where the sizes do not divide, as PyTorch's.
 * @param x [N, H, W, C]
 * @returns [N, size[0], size[1], C]
 * @throws E_CONFIG_VALUE when x has another rank, or a size is not positive
 */
export function adaptiveAvgPool2d(x: Tensor, size: readonly [number, number]): Tensor4D {
  return runAccelerated<Tensor>(
    'EngineAdaptiveAvgPool2d',
    { x },
    attrsOf('adaptiveAvgPool2d', x, size),
  ) as Tensor4D;
}

/** The largest value of each bin of {@link adaptiveAvgPool2d}; of several the first gets the gradient. */
export function adaptiveMaxPool2d(x: Tensor, size: readonly [number, number]): Tensor4D {
  const [y, indices] = runAccelerated<Tensor[]>(
    'EngineAdaptiveMaxPool2d',
    { x },
    attrsOf('adaptiveMaxPool2d', x, size),
  );
  indices!.dispose();
  return y as Tensor4D;
}
