import { EngineError } from '@engine/core';
import { tf, type AutocastBackend, type AutocastDtype, type TensorInfo } from '@engine/tensor';

import { fromArray, withArena } from './aten.js';
import { setAutocast } from './autocast.js';
import { isGpu } from './device.js';
import { rememberGemm } from './gemm-choice.js';
import { native } from './native.js';
import { SCALAR, Storage, scalarType } from './storage.js';

type Values = tf.BackendValues;

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** tfjs's idea of this backend: where data live, how they come in and out. The kernels are in kernels/. */
export class EngineTorch extends tf.KernelBackend implements AutocastBackend {
  /** Data whose id another backend made. */
  private readonly adopted = new WeakMap<object, Storage>();
  private count = 0;
  /** See `TorchArray` of the nn package. */
  readonly turnsFast = true;

  /** The storage behind a data id, brought over from another backend when it lies there. */
  resolve(dataId: object): Storage {
    if (dataId instanceof Storage && (dataId.handle >= 0 || dataId.strings)) return dataId;
    let found = this.adopted.get(dataId);
    if (!found) {
      tf.engine().moveData(this, dataId);
      found = this.adopted.get(dataId) ?? (dataId as Storage);
    }
    return found;
  }

  private known(dataId: object): Storage | undefined {
    const own = this.adopted.get(dataId);
    if (own) return own;
    return dataId instanceof Storage ? dataId : undefined;
  }

  autocastDtypes(): readonly AutocastDtype[] {
    return isGpu() ? ['bfloat16', 'float16'] : ['bfloat16'];
  }

  setAutocast(dtype: AutocastDtype): AutocastDtype {
    return setAutocast(dtype);
  }

  override write(values: Values, shape: number[], dtype: tf.DataType): tf.DataId {
    return this.store(values, shape, dtype, 1);
  }

  /** A tensor of values that its maker leaves alone from now on: large ones stay where they are. */
  ownArray(
    values: Float32Array | Int32Array | Uint8Array,
    shape: number[],
    dtype: 'float32' | 'int32' | 'bool',
  ): TensorInfo {
    return withArena(() => {
      const storage = fromArray(values, shape, scalarType(dtype), true);
      this.adopt(storage);
      return { dataId: storage, shape, dtype };
    });
  }

  override move(dataId: object, values: Values, shape: number[], dtype: tf.DataType, refCount: number): void {
    const storage = this.store(values, shape, dtype, refCount);
    if (dataId instanceof Storage) {
      dataId.handle = storage.handle;
      dataId.scalar = storage.scalar;
      dataId.shape = storage.shape;
      dataId.strings = storage.strings;
      dataId.refCount = refCount;
    } else this.adopted.set(dataId, storage);
  }

  private store(values: Values, shape: number[], dtype: tf.DataType, refCount: number): Storage {
    return withArena(() => {
      let storage: Storage;
      if (dtype === 'string') {
        storage = new Storage(-1, -1, shape);
        storage.strings = values as Uint8Array[];
      } else if (dtype === 'complex64') {
        // The pairs of a complex tensor arrive as one Float32Array; tf.complex goes through a kernel instead.
        storage = fromComplex(values as Float32Array, shape);
      } else {
        const Type = ARRAYS[dtype];
        const typed =
          values instanceof Type ? values : Type.from((values ?? emptyOf(shape)) as unknown as number[]);
        storage = fromArray(typed as Float32Array, shape, scalarType(dtype));
      }
      this.adopt(storage, refCount);
      return storage;
    });
  }

  /** Counts a kernel's result as held by tfjs. */
  adopt(storage: Storage, refCount = 1): void {
    if (storage.refCount === 0) this.count++;
    storage.refCount += refCount;
  }

  override readSync(dataId: object): Values {
    const storage = this.resolve(dataId);
    if (storage.strings) return storage.strings;
    rememberGemm(native());
    return typedValues(storage, native().read(storage.handle));
  }

  /** Copies a tensor's bytes to `target`; see `readInto` of the tensor package. */
  readInto(dataId: object, target: Uint8Array): void {
    native().readInto(this.resolve(dataId).handle, target);
  }

  /** The same in the order in which the elements lie in memory; see `readStored` of the tensor package. */
  readStored(dataId: object, target: Uint8Array): number {
    return native().readStored(this.resolve(dataId).handle, target);
  }

  /** On a GPU the event loop goes on while the values come over. */
  override read(dataId: object): Promise<Values> {
    if (!isGpu()) return Promise.resolve(this.readSync(dataId));
    const storage = this.resolve(dataId);
    if (storage.strings) return Promise.resolve(storage.strings);
    rememberGemm(native());
    const { scalar } = storage;
    return native()
      .readAsync(storage.handle)
      .then((bytes) => typedValues({ scalar }, bytes));
  }

  override disposeData(dataId: object, force = false): boolean {
    const storage = this.known(dataId);
    if (!storage) return true;
    storage.refCount--;
    if (!force && storage.refCount > 0) return false;
    storage.free();
    storage.refCount = 0;
    this.adopted.delete(dataId);
    this.count--;
    return true;
  }

  override incRef(dataId: object): void {
    this.resolve(dataId).refCount++;
  }

  override refCount(dataId: object): number {
    return this.known(dataId)?.refCount ?? 0;
  }

  override numDataIds(): number {
    return this.count;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return true;
  }

  override async time(body: () => void): Promise<tf.BackendTimingInfo> {
    native().synchronize();
    const start = performance.now();
    body();
    native().synchronize();
    return Promise.resolve({ kernelMs: performance.now() - start });
  }

  /** Gives memory that is kept for reuse back to the system. */
  emptyCache(): void {
    native().emptyCache();
  }

  override dispose(): void {
    this.emptyCache();
  }
}

function typedValues({ scalar }: Pick<Storage, 'scalar'>, bytes: ArrayBuffer): Values {
  if (scalar === SCALAR.int32 || scalar === SCALAR.int64) return new Int32Array(bytes);
  if (scalar === SCALAR.bool || scalar === SCALAR.byte) return new Uint8Array(bytes);
  return new Float32Array(bytes);
}

function emptyOf(shape: readonly number[]): number[] {
  return new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0);
}

function fromComplex(values: Float32Array, shape: number[]): Storage {
  if (!(values instanceof Float32Array)) {
    throw new EngineError({
      code: 'E_TENSOR_DTYPE',
      what: 'A complex tensor can only be made from a Float32Array of pairs.',
      fix: 'use tf.complex(real, imag)',
    });
  }
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return fromArray(bytes, shape, SCALAR.complex64);
}
