import { EngineError, isHostArray, type HostArray, type LazyScalar } from '@engine/core';

import { tf } from './tf.js';
import type { DataType, Scalar, Tensor, TensorInfo, TypedArray } from './tf.js';

/** Dtypes that a device holds. */
export type DeviceDType = 'float32' | 'int32' | 'bool';

const FLOATS = new Set(['float32', 'float64', 'float16', 'bfloat16']);

const word = new Uint32Array(1);
const wordAsFloat = new Float32Array(word.buffer);

/** The value of an IEEE 754 half-precision bit pattern. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloatToFloat(bits: number): number {
  word[0] = bits << 16;
  return wordAsFloat[0]!;
}

function toFloats(array: HostArray): Float32Array {
  const { data, dtype } = array;
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, halfToFloat);
  if (dtype === 'bfloat16') return Float32Array.from(data as Uint16Array, bfloatToFloat);
  if (dtype === 'int64' || dtype === 'uint64') return Float32Array.from(data as BigInt64Array, Number);
  return new Float32Array(data as Uint8Array);
}

function toIntegers(array: HostArray): Int32Array {
  const out = new Int32Array(array.data.length);
  for (let i = 0; i < out.length; i++) {
    const value = Number(array.data[i]);
    const whole = Math.trunc(value) | 0;
    if (whole !== Math.trunc(value)) {
      throw new EngineError({
        code: 'E_TENSOR_RANGE',
        what: `An element of a ${array.dtype} array does not fit into int32, the integer type of the device.`,
        received: `${value} at position ${i}`,
        expected: 'a number from -2147483648 to 2147483647',
        fix: "pass 'float32' as the dtype",
      });
    }
    out[i] = whole;
  }
  return out;
}

export interface ToTensorOptions {
  /**
   * Whether the caller promises not to write to the array while the tensor lives. Backends that can leave large arrays
   * where they are then do, and never write to them themselves.
   */
  owned?: boolean;
}

/** What a backend has that makes tensors of arrays without copying. */
interface OwningBackend {
  ownArray?(values: TypedArray, shape: number[], dtype: DeviceDType): TensorInfo;
}

/** A tensor over the array itself, where the backend can make one. */
function ownedTensor(values: TypedArray, shape: number[], dtype: DeviceDType): Tensor | undefined {
  if (values.length !== tf.util.sizeFromShape(shape)) return undefined;
  const info = (tf.backend() as OwningBackend).ownArray?.(values, shape, dtype);
  return info && tf.engine().makeTensorFromTensorInfo(info);
}

/**
 * Copies host data to the device.
 *
 * The device holds float32, int32 and bool. Floats of any width become float32; integers, uint8 included, become int32
 * unless `dtype` says 'float32'; bool stays bool. A plain typed array or a list of numbers becomes a vector.
 * @param dtype dtype on the device
 * @throws E_TENSOR_RANGE when an integer does not fit into int32
 */
export function toTensor(
  value: HostArray | TypedArray | readonly number[],
  dtype?: DeviceDType,
  options: ToTensorOptions = {},
): Tensor {
  if (!isHostArray(value)) {
    if (Array.isArray(value)) return tf.tensor1d(value as number[], dtype ?? 'float32');
    const data = value as TypedArray;
    const kind = data instanceof Float32Array ? 'float32' : 'int32';
    return toTensor({ dtype: kind, shape: [data.length], data: data as Float32Array }, dtype, options);
  }
  const shape = [...value.shape];
  const target = dtype ?? (FLOATS.has(value.dtype) ? 'float32' : value.dtype === 'bool' ? 'bool' : 'int32');
  const same =
    target === 'float32'
      ? value.data instanceof Float32Array
      : target === 'int32' && value.data instanceof Int32Array;
  if (options.owned === true && same) {
    const tensor = ownedTensor(value.data as Float32Array | Int32Array, shape, target);
    if (tensor) return tensor;
  }
  if (target === 'float32') {
    // tfjs's cpu backend keeps the array that it is given, so that a reused buffer would change the tensor.
    const copy = !(value.data instanceof Float32Array) || tf.getBackend() === 'cpu';
    return tf.tensor(copy ? toFloats(value) : (value.data as Float32Array), shape, 'float32');
  }
  if (target === 'bool')
    return tf.tensor(
      Uint8Array.from(value.data as Uint8Array, (x) => (x ? 1 : 0)),
      shape,
      'bool',
    );
  const copy = !(value.data instanceof Int32Array) || tf.getBackend() === 'cpu';
  return tf.tensor(copy ? toIntegers(value) : (value.data as Int32Array), shape, 'int32');
}

const HOST_DTYPE: Partial<Record<DataType, 'float32' | 'int32' | 'bool'>> = {
  float32: 'float32',
  int32: 'int32',
  bool: 'bool',
};

/**
 * Copies a tensor to the host, waiting for the device.
 * @throws E_TENSOR_DTYPE for a string or complex tensor
 */
export function toHostArray(tensor: Tensor): HostArray {
  const dtype = HOST_DTYPE[tensor.dtype];
  if (!dtype) {
    throw new EngineError({
      code: 'E_TENSOR_DTYPE',
      what: 'Only float32, int32 and bool tensors can be copied to the host.',
      received: `a ${tensor.dtype} tensor of shape [${tensor.shape.join(', ')}]`,
    });
  }
  const data = tensor.dataSync() as Float32Array | Int32Array | Uint8Array;
  return { dtype, shape: [...tensor.shape], data: tf.getBackend() === 'cpu' ? data.slice() : data };
}

/**
 * A copy with storage of its own. `tensor.clone()` shares its storage, which in-place optimizer updates overwrite:
 * a snapshot of a variable is taken with this.
 */
export function copyTensor<T extends Tensor>(tensor: T): T {
  return tf.tidy(() => {
    if (tensor.dtype === 'bool') return tf.logicalAnd(tensor, tensor) as T;
    return tf.mul(tensor, tf.scalar(1, tensor.dtype)) as T;
  });
}

/**
 * Wraps a scalar tensor, of which it becomes the owner, as a number to be read later.
 * Once read the value stays readable after `dispose`.
 * @throws E_TENSOR_DISPOSED when it is read for the first time after `dispose`
 */
export function lazyScalar(tensor: Scalar): LazyScalar {
  let value: number | undefined;
  tf.keep(tensor);
  return {
    read() {
      if (value === undefined) {
        if (tensor.isDisposed) {
          throw new EngineError({
            code: 'E_TENSOR_DISPOSED',
            what: 'A scalar was read after its tensor had been disposed.',
            fix: 'read it before disposing it',
          });
        }
        value = tensor.dataSync()[0]!;
      }
      return value;
    },
    dispose() {
      if (!tensor.isDisposed) tensor.dispose();
    },
  };
}
