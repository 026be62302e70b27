import { EngineError } from './errors.js';
import type { HostArray, HostData } from './host-array.js';

/** An array seen as three axes. */
export type ThreeAxes = readonly [number, number, number];

/** Side of the blocks in which {@link reverseAxes} goes: two of them lie in the first-level cache. */
const BLOCK = 16;

type Elements = { [index: number]: number | bigint };

/** As numbers of the same width where that is possible: a float32 is not widened and narrowed on its way. */
function elementsOf(data: HostData): Elements {
  const { buffer, byteOffset, length } = data;
  return data.BYTES_PER_ELEMENT === 4 ? new Int32Array(buffer, byteOffset, length) : data;
}

/** `out[c][a] = from[a][c]`. */
function transpose(from: Elements, out: Elements, rows: number, columns: number): void {
  for (let a0 = 0; a0 < rows; a0 += BLOCK) {
    const a1 = Math.min(rows, a0 + BLOCK);
    for (let c0 = 0; c0 < columns; c0 += BLOCK) {
      const c1 = Math.min(columns, c0 + BLOCK);
      for (let c = c0; c < c1; c++) {
        const to = c * rows;
        let at = a0 * columns + c;
        for (let a = a0; a < a1; a++) {
          out[to + a] = from[at]!;
          at += columns;
        }
      }
    }
  }
}

/** `out[c][b][a] = from[a][b][c]`, for the few rows of a filter: a block takes all of them. */
function reverse(from: Elements, out: Elements, [rows, middle, columns]: ThreeAxes): void {
  const rowStep = middle * columns;
  for (let c0 = 0; c0 < columns; c0 += BLOCK) {
    const c1 = Math.min(columns, c0 + BLOCK);
    for (let b0 = 0; b0 < middle; b0 += BLOCK) {
      const b1 = Math.min(middle, b0 + BLOCK);
      for (let c = c0; c < c1; c++) {
        let to = (c * middle + b0) * rows;
        for (let b = b0; b < b1; b++) {
          let at = b * columns + c;
          for (let a = 0; a < rows; a++) {
            out[to++] = from[at]!;
            at += rowStep;
          }
        }
      }
    }
  }
}

/** The other way round: many rows and few columns. */
function reverseBack(from: Elements, out: Elements, [rows, middle, columns]: ThreeAxes): void {
  const outStep = middle * rows;
  for (let a0 = 0; a0 < rows; a0 += BLOCK) {
    const a1 = Math.min(rows, a0 + BLOCK);
    for (let b0 = 0; b0 < middle; b0 += BLOCK) {
      const b1 = Math.min(middle, b0 + BLOCK);
      for (let a = a0; a < a1; a++) {
        let at = (a * middle + b0) * columns;
        for (let b = b0; b < b1; b++) {
          let to = b * rows + a;
          for (let c = 0; c < columns; c++) {
            out[to] = from[at++]!;
            to += outStep;
          }
        }
      }
    }
  }
}

/**
 * The array with its axes in reverse order, `out[c][b][a] = in[a][b][c]`, as an array of `shape`: every change between
 * the layouts of convolution and linear weights is one of these.
 * @param axes lengths of the three axes that the array is seen as
 * @param shape shape of the result, of as many elements
 * @param out memory for the result, of the same kind and length as the array's and apart from it; new memory unless given
 * @throws E_ARRAY_SHAPE when `out` has another length or kind of elements
 */
export function reverseAxes(
  array: HostArray,
  axes: ThreeAxes,
  shape: readonly number[],
  out?: HostData,
): HostArray {
  const { data } = array;
  const Data = data.constructor as new (length: number) => HostData;
  if (out && (out.length !== data.length || out.constructor !== Data)) {
    throw new EngineError({
      code: 'E_ARRAY_SHAPE',
      what: 'The memory for a turned array is not as the array is.',
      received: `${out.constructor.name} of ${out.length} elements`,
      expected: `${Data.name} of ${data.length} elements`,
    });
  }
  const target = out ?? new Data(data.length);
  const from = elementsOf(data);
  const to = elementsOf(target);
  const [rows, middle, columns] = axes;
  if (rows === 1) transpose(from, to, middle, columns);
  else if (middle === 1) transpose(from, to, rows, columns);
  else if (columns === 1) transpose(from, to, rows, middle);
  else if (columns < rows) reverseBack(from, to, axes);
  else reverse(from, to, axes);
  return { dtype: array.dtype, shape: [...shape], data: target };
}
