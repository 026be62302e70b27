import type { DynamicMap } from './dynamic-map.js';

/** Elements that share one scale. */
export const BLOCK_SIZE = 256;

/** Least number that a block is divided by. */
const SMALLEST = Math.fround(1e-38);

/** Number of blocks, and of scales, of `size` elements. */
export function blockCount(size: number): number {
  return Math.ceil(size / BLOCK_SIZE);
}

/**
 * Writes a block as codes, each for the nearest value of the map times the block's largest magnitude.
 * @param block up to {@link BLOCK_SIZE} elements, of which `length` count; one that is NaN makes the whole block NaN
 * @param codes receives `length` codes from `offset` on
 * @returns the largest magnitude, which the codes are relative to
 */
export function quantiseBlock(
  block: Float32Array,
  length: number,
  map: DynamicMap,
  codes: Uint8Array,
  offset: number,
): number {
  let largest = 0;
  for (let i = 0; i < length; i++) largest = Math.max(largest, Math.abs(block[i]!));
  // The reference multiplies whole blocks by the inverse and divides a shorter last one; a code may depend on it.
  const divisor = Math.max(largest, SMALLEST);
  const inverse = Math.fround(1 / divisor);
  const whole = length === BLOCK_SIZE;
  for (let i = 0; i < length; i++) {
    const value = Math.fround(whole ? block[i]! * inverse : block[i]! / divisor);
    codes[offset + i] = map.encode(value > 1 ? 1 : value < -1 ? -1 : value);
  }
  return largest;
}

/** Undoes {@link quantiseBlock} up to the rounding to a code. */
export function dequantiseBlock(
  block: Float32Array,
  length: number,
  map: DynamicMap,
  codes: Uint8Array,
  offset: number,
  largest: number,
): void {
  const { values } = map;
  for (let i = 0; i < length; i++) block[i] = values[codes[offset + i]!]! * largest;
}
