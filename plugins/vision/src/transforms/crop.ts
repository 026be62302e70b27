import type { HostArray } from '@engine/core';
import { newPixels, type Pixels } from './image.js';

/**
 * The rectangle of an image that begins at (top, left) and may reach beyond its edges, where `padValue` stands.
 * @returns a new array [height, width, channels]
 */
export function crop(
  img: HostArray & { data: Pixels },
  top: number,
  left: number,
  height: number,
  width: number,
  padValue: number,
): HostArray {
  const [rows, columns, channels] = img.shape as [number, number, number];
  const source = img.data;
  const target = newPixels(source, height * width * channels);
  const firstRow = Math.max(0, -top);
  const lastRow = Math.min(height, rows - top);
  const firstColumn = Math.max(0, -left);
  const run = (Math.min(width, columns - left) - firstColumn) * channels;
  if (padValue !== 0 && (lastRow - firstRow < height || run < width * channels)) target.fill(padValue);
  if (run > 0) {
    for (let row = firstRow; row < lastRow; row++) {
      const from = ((row + top) * columns + left + firstColumn) * channels;
      const to = (row * width + firstColumn) * channels;
      target.set(source.subarray(from, from + run), to);
    }
  }
  return { dtype: img.dtype, shape: [height, width, channels], data: target };
}
