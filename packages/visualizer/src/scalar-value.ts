import { badValue, isLazyScalar } from '@engine/core';

/** The number in a {@link ScalarValue}, or undefined when it is none. May wait for a device; disposes nothing. */
export function readScalar(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (isLazyScalar(value)) return value.read();
  if (typeof value !== 'object' || value === null) return undefined;
  const { dataSync, size } = value as { dataSync?: () => ArrayLike<number>; size?: number };
  if (typeof dataSync !== 'function' || (size !== undefined && size !== 1)) return undefined;
  return Number(dataSync.call(value)[0]);
}

/** @throws E_CONFIG_VALUE when `value` is neither a number nor a one-element tensor */
export function requireScalar(name: string, value: unknown): number {
  const number = readScalar(value);
  if (number === undefined) throw badValue(name, value, 'a number or a tensor with one element');
  return number;
}
