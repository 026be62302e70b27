import { badValue } from '@engine/core';

/** A size for both directions, or [height, width]. */
export type Size2d = number | readonly [number, number];

/** The two numbers of a {@link Size2d}; each must be an integer of at least `least`. */
export function pair(name: string, value: Size2d, least = 0): [number, number] {
  const both = typeof value === 'number' ? [value, value] : [...value];
  if (both.length !== 2 || both.some((n) => !Number.isInteger(n) || n < least)) {
    throw badValue(name, value, `an integer of at least ${least}, or two of them: [height, width]`);
  }
  return both as [number, number];
}

/** Checks a count of features or channels. */
export function positive(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw badValue(name, value, 'a positive integer');
  return value;
}
