import { badValue } from '@engine/core';

/** Value checks shared by the optimizers, wrappers and schedulers; each throws E_CONFIG_VALUE. */

export function requireNonNegative(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0))
    throw badValue(name, value, 'a number that is not negative');
}

export function requireNumber(name: string, value: unknown): void {
  if (typeof value !== 'number' || Number.isNaN(value)) throw badValue(name, value, 'a number');
}

/** `low <= value <= high`. */
export function requireWithin(name: string, value: unknown, low: number, high: number): void {
  if (typeof value !== 'number' || !(value >= low && value <= high)) {
    throw badValue(name, value, `a number from ${low} to ${high}`);
  }
}

export function requirePositiveInt(name: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) <= 0)
    throw badValue(name, value, 'a whole number above 0');
}

/** A pair of decay rates, each in [0, 1). */
export function requireBetas(name: string, value: unknown, count = 2): void {
  const fine =
    Array.isArray(value) &&
    value.length === count &&
    value.every((b) => typeof b === 'number' && b >= 0 && b < 1);
  if (!fine) throw badValue(name, value, `${count} numbers, each from 0 up to but not including 1`);
}
