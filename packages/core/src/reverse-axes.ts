import type { HostArray, HostData } from './host-array.js';

/** An array seen as three axes. */
export type ThreeAxes = readonly [number, number, number];

/** Side of the blocks in which {@link reverseAxes} goes: 16³ floats lie in the first-level cache. */
const BLOCK = 16;

/**
 * The array with its axes in reverse order, `out[c][b][a] = in[a][b][c]`, as an array of `shape`: every change between
 * the layouts of convolution and linear weights is one of these.
 * @param axes lengths of the three axes that the array is seen as
 * @param shape shape of the result, of as many elements
 */
export function reverseAxes(array: HostArray, axes: ThreeAxes, shape: readonly number[]): HostArray {
  const { data } = array;
  const out = new (data.constructor as new (length: number) => HostData)(data.length);
  const [rows, middle, columns] = axes;
  const rowStep = middle * columns;
  const outStep = middle * rows;
  for (let c0 = 0; c0 < columns; c0 += BLOCK) {
    const c1 = Math.min(columns, c0 + BLOCK);
    for (let b0 = 0; b0 < middle; b0 += BLOCK) {
      const b1 = Math.min(middle, b0 + BLOCK);
      for (let a0 = 0; a0 < rows; a0 += BLOCK) {
        const a1 = Math.min(rows, a0 + BLOCK);
        for (let c = c0; c < c1; c++) {
          for (let b = b0; b < b1; b++) {
            let from = a0 * rowStep + b * columns + c;
            const to = c * outStep + b * rows;
            for (let a = a0; a < a1; a++) {
              out[to + a] = data[from]!;
              from += rowStep;
            }
          }
        }
      }
    }
  }
  return { dtype: array.dtype, shape: [...shape], data: out };
}
