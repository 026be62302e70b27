import {
  BYTES_PER_ELEMENT,
  EngineError,
  sizeOf,
  type HostArray,
  type HostData,
  type HostDType,
} from '@engine/core';
import { CONTAINERS } from '../safetensors/dtypes.js';

/** Element type of each storage class of torch. */
export const STORAGE_DTYPES: Readonly<Record<string, HostDType>> = {
  'torch.BoolStorage': 'bool',
  'torch.ByteStorage': 'uint8',
  'torch.CharStorage': 'int8',
  'torch.ShortStorage': 'int16',
  'torch.IntStorage': 'int32',
  'torch.LongStorage': 'int64',
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.FloatStorage': 'float32',
  'torch.DoubleStorage': 'float64',
  'torch.UntypedStorage': 'uint8',
  'torch.storage.UntypedStorage': 'uint8',
};

/** Element types that torch names by dtype. */
export const TORCH_DTYPES: Readonly<Record<string, HostDType>> = {
  'torch.bool': 'bool',
  'torch.uint8': 'uint8',
  'torch.int8': 'int8',
  'torch.uint16': 'uint16',
  'torch.int16': 'int16',
  'torch.uint32': 'uint32',
  'torch.int32': 'int32',
  'torch.uint64': 'uint64',
  'torch.int64': 'int64',
  'torch.float16': 'float16',
  'torch.bfloat16': 'bfloat16',
  'torch.float32': 'float32',
  'torch.float64': 'float64',
};

/** Memory that tensors are views of; in the older format its bytes come after the pickle. */
export class TorchStorage {
  bytes: Uint8Array | undefined;

  constructor(
    readonly key: string,
    readonly dtype: HostDType,
    /** Elements of `dtype`. */
    readonly count: number,
  ) {}
}

function corrupt(file: string | undefined, why: string, received?: string, expected?: string): EngineError {
  return new EngineError({
    code: 'E_TORCH_CORRUPT',
    what: `${file === undefined ? 'The torch data' : `The torch file '${file}'`} cannot be read: ${why}.`,
    received,
    expected,
    fix: 'get the file again',
  });
}

export { corrupt as torchCorrupt };

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);

/** What may be laid out beyond the file's own size by tensors that repeat elements (`expand`). */
export class ExpansionBudget {
  private left: number;
  constructor(fileBytes: number) {
    this.left = Math.max(64 * 2 ** 20, 16 * fileBytes);
  }
  spend(bytes: number): boolean {
    this.left -= bytes;
    return this.left >= 0;
  }
}

/** A tensor as a view of a storage, made by `torch._utils._rebuild_tensor_v2` and its relatives. */
export class TorchTensor {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  /** @throws E_TORCH_CORRUPT when the view does not lie inside its storage */
  constructor(
    private readonly storage: TorchStorage,
    [offset, shape, strides]: readonly unknown[],
    private readonly dtype: HostDType,
    private readonly file: string | undefined,
  ) {
    if (!isCounts([offset]) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length)
      throw corrupt(file, 'a tensor in it has an impossible shape');
    this.offset = offset as number;
    this.shape = shape;
    this.strides = strides;
    const end = this.empty()
      ? 0
      : this.offset + 1 + shape.reduce((sum, n, i) => sum + (n - 1) * strides[i]!, 0);
    const count = Math.floor((storage.count * BYTES_PER_ELEMENT[storage.dtype]) / BYTES_PER_ELEMENT[dtype]);
    if (end > count || !Number.isSafeInteger(sizeOf(shape))) {
      throw corrupt(file, 'a tensor in it reaches beyond its storage', `element ${end}`, `${count} elements`);
    }
  }

  private empty(): boolean {
    return this.shape.includes(0);
  }

  /** The tensor as a row-major array: a view of the file where it lies so already, else a copy. */
  toHostArray(budget: ExpansionBudget): HostArray {
    const { dtype, shape, strides, offset } = this;
    const Container = CONTAINERS[dtype];
    const width = BYTES_PER_ELEMENT[dtype];
    if (this.empty()) return { dtype, shape, data: new Container(new ArrayBuffer(0), 0, 0) };
    const { bytes } = this.storage;
    if (!bytes) throw corrupt(this.file, `the storage '${this.storage.key}' is missing`);
    const count = sizeOf(shape);
    if (rowMajor(shape, strides)) {
      const start = bytes.byteOffset + offset * width;
      if (start % width === 0) return { dtype, shape, data: new Container(bytes.buffer, start, count) };
      const own = bytes.slice(offset * width, (offset + count) * width);
      return { dtype, shape, data: new Container(own.buffer, 0, count) };
    }
    if (count * width > bytes.byteLength && !budget.spend(count * width)) {
      throw corrupt(
        this.file,
        'its tensors repeat elements far beyond its size',
        `shape [${shape.join(', ')}]`,
      );
    }
    const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
    const source = new Container(aligned.buffer, aligned.byteOffset, Math.floor(aligned.byteLength / width));
    return {
      dtype,
      shape,
      data: gather(source, new Container(new ArrayBuffer(count * width), 0, count), this),
    };
  }
}

function rowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

function gather(source: HostData, out: HostData, tensor: TorchTensor): HostData {
  const { offset, shape, strides } = tensor;
  const index = shape.map(() => 0);
  let from = offset;
  for (let to = 0; to < out.length; to += 1) {
    (out as Float64Array)[to] = (source as Float64Array)[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
