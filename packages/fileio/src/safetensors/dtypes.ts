import type { HostData, HostDType } from '@engine/core';

/** Name of each dtype in a safetensors header. */
export const SAFETENSORS_DTYPES: Readonly<Record<HostDType, string>> = {
  bool: 'BOOL',
  uint8: 'U8',
  int8: 'I8',
  uint16: 'U16',
  int16: 'I16',
  uint32: 'U32',
  int32: 'I32',
  uint64: 'U64',
  int64: 'I64',
  float16: 'F16',
  bfloat16: 'BF16',
  float32: 'F32',
  float64: 'F64',
};

type HostDataConstructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => HostData;

/** The typed array that holds each dtype in memory. */
export const CONTAINERS: Readonly<Record<HostDType, HostDataConstructor>> = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
};

export const DTYPE_BY_NAME: ReadonlyMap<string, HostDType> = new Map(
  Object.entries(SAFETENSORS_DTYPES).map(([dtype, name]) => [name, dtype as HostDType]),
);

/** Largest header that the reference implementation reads. */
export const MAX_HEADER_BYTES = 100_000_000;
