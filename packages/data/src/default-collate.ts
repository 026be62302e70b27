import {
  COLLATE_FUNCTIONS,
  hostArray,
  isHostArray,
  show,
  sizeOf,
  type HostArray,
  type HostData,
} from '@engine/core';
import { collateError, mapElements, mapKeys, namesKind } from './collate-support.js';
import { ownBuffer } from './owned-buffers.js';

/**
 * Stacks a batch: HostArrays and typed arrays get a leading batch dimension, numbers become a HostArray of shape [B]
 * (`int32` when all are 32-bit integers, else `float32`), booleans one of dtype `bool`. Plain objects are collated key
 * by key and tuples (arrays) place by place; strings and all other values become lists.
 *
 * @throws E_DATA_COLLATE when keys, dtypes, shapes or lengths differ between samples, naming where
 */
export function defaultCollate(batch: readonly unknown[]): unknown {
  return collate(batch, '');
}

function collate(batch: readonly unknown[], path: string): unknown {
  const first = batch[0];
  if (typeof first === 'number') return stackNumbers(batch, path);
  if (typeof first === 'boolean') return stackBooleans(batch, path);
  if (isHostArray(first)) return stackArrays(batch, path, first);
  if (isTypedArray(first)) {
    return stackArrays(
      batch.map((data) => (isTypedArray(data) ? hostArray(data, [data.length]) : data)),
      path,
      hostArray(first, [first.length]),
    );
  }
  switch (namesKind(first)) {
    case 'object':
      return mapKeys(batch, path, collate);
    case 'array':
      return mapElements(batch, path, collate);
    default:
      return [...batch];
  }
}

function isTypedArray(value: unknown): value is HostData {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) && !Buffer.isBuffer(value);
}

function stackArrays(batch: readonly unknown[], path: string, first: HostArray): HostArray {
  const size = sizeOf(first.shape);
  const Data = first.data.constructor as new (length: number) => HostData;
  const data = new Data(size * batch.length);
  for (let i = 0; i < batch.length; i++) {
    const item = batch[i];
    if (!isHostArray(item) || item.dtype !== first.dtype || !sameShape(item.shape, first.shape)) {
      const describe = (array: unknown): string =>
        isHostArray(array) ? `${array.dtype} [${array.shape.join(', ')}]` : show(array);
      throw collateError(
        path,
        'the arrays are unlike',
        `${describe(item)} in sample ${i}`,
        `${describe(first)}, as in sample 0`,
      );
    }
    // The typed arrays have the same element type; TypeScript cannot see that through the union.
    (data as Float32Array).set(item.data as Float32Array, i * size);
  }
  ownBuffer(data);
  return { dtype: first.dtype, shape: [batch.length, ...first.shape], data };
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function stackNumbers(batch: readonly unknown[], path: string): HostArray {
  let integers = true;
  for (let i = 0; i < batch.length; i++) {
    const value = batch[i];
    if (typeof value !== 'number') {
      throw collateError(
        path,
        'the values are of different kinds',
        `${show(value)} in sample ${i}`,
        'a number, as in sample 0',
      );
    }
    // -0 has no integer form.
    if ((value | 0) !== value || Object.is(value, -0)) integers = false;
  }
  const data = integers ? Int32Array.from(batch as number[]) : Float32Array.from(batch as number[]);
  ownBuffer(data);
  return { dtype: integers ? 'int32' : 'float32', shape: [batch.length], data };
}

function stackBooleans(batch: readonly unknown[], path: string): HostArray {
  const data = new Uint8Array(batch.length);
  for (let i = 0; i < batch.length; i++) {
    const value = batch[i];
    if (typeof value !== 'boolean') {
      throw collateError(
        path,
        'the values are of different kinds',
        `${show(value)} in sample ${i}`,
        'a boolean, as in sample 0',
      );
    }
    data[i] = value ? 1 : 0;
  }
  ownBuffer(data);
  return { dtype: 'bool', shape: [batch.length], data };
}

COLLATE_FUNCTIONS.add('defaultCollate', defaultCollate, {
  aliases: ['default_collate'],
  from: '@engine/data',
});

declare module '@engine/core' {
  interface CollateTypes {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    defaultCollate: {};
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    default_collate: {};
  }
}
