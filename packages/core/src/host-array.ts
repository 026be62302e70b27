import { EngineError } from './errors.js';

/** Element types that files and loaders may hold; a compute backend may support fewer. */
export type HostDType =
  | 'bool'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'uint32'
  | 'int32'
  | 'uint64'
  | 'int64'
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64';

export type HostData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/**
 * An n-dimensional array in host memory: row-major `data` of `shape`. Plain data, so it survives `postMessage`.
 * `bool` is held as Uint8Array; `float16` and `bfloat16` as the bit patterns in a Uint16Array.
 */
export interface HostArray {
  readonly dtype: HostDType;
  readonly shape: readonly number[];
  readonly data: HostData;
}

const DTYPE_OF = new Map<unknown, HostDType>([
  [Uint8Array, 'uint8'],
  [Int8Array, 'int8'],
  [Uint16Array, 'uint16'],
  [Int16Array, 'int16'],
  [Uint32Array, 'uint32'],
  [Int32Array, 'int32'],
  [BigUint64Array, 'uint64'],
  [BigInt64Array, 'int64'],
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
]);

/** Bytes of one element of each dtype. */
export const BYTES_PER_ELEMENT: Readonly<Record<HostDType, number>> = {
  bool: 1,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  int64: 8,
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
};

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/**
 * Wraps typed data as a {@link HostArray} without copying.
 * @param dtype needed only for `bool`, `float16` and `bfloat16`
 * @throws E_ARRAY_SHAPE when the length of `data` is not the product of `shape`
 */
export function hostArray(data: HostData, shape: readonly number[], dtype?: HostDType): HostArray {
  if (data.length !== sizeOf(shape)) {
    throw new EngineError({
      code: 'E_ARRAY_SHAPE',
      what: `The data of an array do not fill its shape [${shape.join(', ')}].`,
      received: `${data.length} elements`,
      expected: `${sizeOf(shape)} elements`,
    });
  }
  return { dtype: dtype ?? DTYPE_OF.get(data.constructor) ?? 'float32', shape: [...shape], data };
}

/** True for a value shaped like a {@link HostArray}. */
export function isHostArray(value: unknown): value is HostArray {
  if (typeof value !== 'object' || value === null) return false;
  const v = value as Partial<HostArray>;
  return typeof v.dtype === 'string' && Array.isArray(v.shape) && ArrayBuffer.isView(v.data);
}
