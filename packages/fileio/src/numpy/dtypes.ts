import { EngineError, type HostData, type HostDType } from '@engine/core';
import { CONTAINERS } from '../safetensors/dtypes.js';

/** numpy's code of each element type: kind and bytes. bfloat16 has none. */
const CODES: Readonly<Partial<Record<HostDType, string>>> = {
  bool: 'b1',
  uint8: 'u1',
  int8: 'i1',
  uint16: 'u2',
  int16: 'i2',
  uint32: 'u4',
  int32: 'i4',
  uint64: 'u8',
  int64: 'i8',
  float16: 'f2',
  float32: 'f4',
  float64: 'f8',
};

const BY_CODE = new Map(Object.entries(CODES).map(([dtype, code]) => [code, dtype as HostDType]));

/** The element type of a numpy code such as `<f4`, and whether its bytes are in network order. */
export function parseNumpyCode(code: string): { dtype: HostDType; swapped: boolean } | undefined {
  const dtype = BY_CODE.get(code.replace(/^[<>|=]/, '').replace(/^\?$/, 'b1'));
  return dtype && { dtype, swapped: code.startsWith('>') };
}

/** @throws E_NPY_DTYPE for bfloat16, which numpy does not have */
export function numpyCode(dtype: HostDType): string {
  const code = CODES[dtype];
  if (code === undefined) {
    throw new EngineError({
      code: 'E_NPY_DTYPE',
      what: `numpy has no element type ${dtype}.`,
      received: dtype,
      expected: Object.keys(CODES).join(', '),
      fix: 'convert the array, or write a .safetensors file',
    });
  }
  return (code.endsWith('1') ? '|' : '<') + code;
}

/**
 * Elements out of raw bytes, copied; turned into this machine's order where they are in the other one.
 * @param order `F` puts the elements from column-major into row-major order
 */
export function decodeElements(
  raw: Uint8Array,
  { dtype, swapped }: { dtype: HostDType; swapped: boolean },
  shape: readonly number[],
  order: 'C' | 'F',
): HostData {
  const own = raw.slice();
  const Container = CONTAINERS[dtype];
  const width =
    Container === Uint8Array ? 1 : (Container as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;
  if (swapped && width > 1) {
    for (let at = 0; at < own.length; at += width) own.subarray(at, at + width).reverse();
  }
  const data = new Container(own.buffer, 0, own.byteLength / width);
  return order === 'C' || shape.length < 2 ? data : fromColumnMajor(data, shape);
}

function fromColumnMajor(data: HostData, shape: readonly number[]): HostData {
  const out = data.slice();
  const strides: number[] = [];
  shape.reduce((stride, size) => (strides.push(stride), stride * size), 1);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to += 1) {
    (out as Float64Array)[to] = (data as Float64Array)[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
