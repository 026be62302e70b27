import type { KernelExports } from './kernel-module.js';
import type { KernelId } from './kernel-ids.js';
import { CONTROL_BYTES, ThreadPool } from './thread-pool.js';

const ARGS_WORDS = 64;

/** Floating-point operations (or elements moved) below which waking a thread costs more than it saves: some 10 µs. */
const SHARE_COST = 100_000;

const bits = new DataView(new ArrayBuffer(4));

/** A float argument of a job, as the 32 bits that stand for it. */
export function float(value: number): number {
  bits.setFloat32(0, value);
  return bits.getInt32(0);
}

/** Memory that the runtime takes from and gives back to tfjs's allocator. */
export interface Allocator {
  allocate(bytes: number): number;
  free(address: number): void;
}

/** An area of wasm memory that only grows. */
class Area {
  address = 0;
  bytes = 0;

  constructor(private readonly allocator: Allocator) {}

  /** Makes room for `bytes`; what the area held is lost when it moves. */
  ensure(bytes: number): number {
    if (bytes > this.bytes) {
      const size = Math.ceil((bytes * 1.25) / 4096) * 4096;
      if (this.address) this.allocator.free(this.address);
      this.address = 0;
      this.bytes = 0;
      this.address = this.allocator.allocate(size);
      this.bytes = size;
    }
    return this.address;
  }
}

/**
 * Runs the package's kernels on tensors in tfjs's memory: arguments, tables, scratch memory per thread, and a workspace
 * for intermediate results of one operation.
 */
export class KernelRuntime {
  readonly #memory: WebAssembly.Memory;
  readonly #module: WebAssembly.Module;
  readonly #allocator: Allocator;
  readonly #exports: KernelExports;
  readonly #args: Int32Array;
  readonly #tables: Area;
  readonly #scratch: Area;
  readonly #workspace: Area;
  #pool: ThreadPool;
  /** Allocation that holds the control block of the pool. */
  #block = 0;

  /** @param threads threads that compute, the caller's included */
  constructor(memory: WebAssembly.Memory, module: WebAssembly.Module, allocator: Allocator, threads: number) {
    this.#memory = memory;
    this.#module = module;
    this.#allocator = allocator;
    this.#exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
    const args = allocator.allocate(ARGS_WORDS * 4);
    this.#args = new Int32Array(memory.buffer, args, ARGS_WORDS);
    this.#tables = new Area(allocator);
    this.#scratch = new Area(allocator);
    this.#workspace = new Area(allocator);
    this.#pool = this.#startPool(threads);
  }

  get threads(): number {
    return this.#pool.threads;
  }

  /** Computes on another number of threads from now on; results do not depend on it. */
  async setThreads(threads: number): Promise<void> {
    if (threads === this.#pool.threads) return;
    const old = this.#pool;
    const block = this.#block;
    this.#pool = this.#startPool(threads);
    await old.close();
    this.#allocator.free(block);
  }

  #startPool(threads: number): ThreadPool {
    this.#block = this.#allocator.allocate(CONTROL_BYTES + 64);
    const control = Math.ceil(this.#block / 64) * 64;
    new Uint8Array(this.#memory.buffer, control, CONTROL_BYTES).fill(0);
    return new ThreadPool(threads, this.#exports, control, this.#module, this.#memory);
  }

  /** Address of a table of 32-bit words, valid until the next call of `table`. */
  table(words: ArrayLike<number>): number {
    const address = this.#tables.ensure(Math.max(words.length * 4, 65536));
    new Int32Array(this.#memory.buffer, address, words.length).set(words);
    return address;
  }

  /** Address of memory for intermediate results, valid until the next call of `workspace`. */
  workspace(bytes: number): number {
    return this.#workspace.ensure(bytes);
  }

  /**
   * Runs a kernel and returns when it is done.
   * @param cost floating-point operations of the whole job, which decides whether to wake other threads
   * @param scratchBytes scratch memory that each thread needs
   */
  run(kernel: KernelId, chunks: number, args: readonly number[], cost: number, scratchBytes = 0): void {
    if (chunks <= 0) return;
    this.#args.set(args);
    const at = this.#args.byteOffset;
    const { threads, control } = this.#pool;
    const stride = Math.ceil(scratchBytes / 64) * 64 + 64;
    const scratch = scratchBytes ? this.#scratch.ensure(stride * threads) : 0;
    if (threads === 1 || chunks === 1 || cost < SHARE_COST)
      this.#exports.runHere(kernel, chunks, at, scratch);
    else this.#exports.run(control, kernel, chunks, at, scratch, stride);
  }
}
