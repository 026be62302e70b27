import { createRequire } from 'node:module';
import { EngineError } from '@engine/core';
import { tf } from '@engine/tensor';
import type * as TfjsWasm from '@tensorflow/tfjs-backend-wasm';
import { KernelRuntime } from './kernel-runtime.js';
import type { TfjsModule } from './tfjs-module.js';

// Required rather than imported: an import searches all of it for the names it exports, which costs time at every start.
const { BackendWasm } = createRequire(import.meta.url)('@tensorflow/tfjs-backend-wasm') as typeof TfjsWasm;

const MIB = 1024 * 1024;

function outOfMemory(bytes: number, inUse: number): EngineError {
  return new EngineError({
    code: 'E_BACKEND_MEMORY',
    what: 'The wasm backend is out of memory.',
    received: `a request for ${(bytes / MIB).toFixed(1)} MiB with ${(inUse / MIB).toFixed(1)} MiB of tensors in use`,
    expected: 'at most 4096 MiB in all, the address space of WebAssembly',
    fix: 'use a smaller batch size, or accumulate gradients over several batches',
  });
}

/**
 * tfjs's wasm backend with a count of the bytes in use, an error when memory runs out (tfjs would go on with a null
 * pointer), and the runtime of our kernels on the same memory.
 */
export class EngineWasm extends BackendWasm {
  readonly runtime: KernelRuntime;
  readonly #memory: WebAssembly.Memory;
  #bytes = 0;
  #peakBytes = 0;

  /** @param threads threads that compute, the caller's included */
  constructor(module: TfjsModule, kernels: WebAssembly.Module, threads: number) {
    super(module);
    this.#memory = module.wasmMemory;
    const allocate = module._malloc;
    module._malloc = (bytes) => {
      const address = allocate(bytes);
      if (address === 0) throw outOfMemory(bytes, this.#bytes);
      return address;
    };
    this.runtime = new KernelRuntime(
      module.wasmMemory,
      kernels,
      { allocate: (bytes) => module._malloc(bytes) >>> 0, free: (address) => module._free(address) },
      threads,
    );
  }

  /** Bytes of tensors in use and the peak since the last call. */
  usage(): { bytes: number; peakBytes: number } {
    const peakBytes = this.#peakBytes;
    this.#peakBytes = this.#bytes;
    return { bytes: this.#bytes, peakBytes };
  }

  #count(shape: readonly number[], dtype: tf.DataType, sign: 1 | -1): void {
    if (dtype === 'string') return;
    this.#bytes += sign * tf.util.sizeFromShape([...shape]) * tf.util.bytesPerElement(dtype);
    if (this.#bytes > this.#peakBytes) this.#peakBytes = this.#bytes;
  }

  override move(
    dataId: object,
    values: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    super.move(dataId, values, shape, dtype, refCount);
    this.#count(shape, dtype, 1);
  }

  override makeOutput(
    shape: number[],
    dtype: tf.DataType,
    memoryOffset?: number,
    values?: tf.backend_util.BackendValues,
  ): tf.TensorInfo {
    const output = super.makeOutput(shape, dtype, memoryOffset, values);
    if (memoryOffset !== undefined && memoryOffset !== null) this.#count(shape, dtype, 1);
    return output;
  }

  override disposeData(dataId: object, force = false): boolean {
    const data = this.dataIdMap.has(dataId) ? this.dataIdMap.get(dataId) : undefined;
    const released = super.disposeData(dataId, force);
    if (data && released) this.#count(data.shape, data.dtype, -1);
    return released;
  }

  /** Copies a tensor's bytes to `target`; see `readInto` of the tensor package. */
  readInto(dataId: object, target: Uint8Array): void {
    const address = this.dataIdMap.get(dataId).memoryOffset >>> 0;
    target.set(new Uint8Array(this.#memory.buffer, address, target.byteLength));
  }

  /** Address of a tensor's first element. */
  address(tensor: tf.TensorInfo): number {
    return this.dataIdMap.get(tensor.dataId).memoryOffset;
  }

  /** A new float32 tensor whose contents are not yet defined. */
  output(shape: readonly number[]): tf.TensorInfo {
    return this.makeOutput([...shape], 'float32');
  }
}
