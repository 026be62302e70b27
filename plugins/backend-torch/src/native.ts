import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

import { EngineError, badValue } from '@engine/core';

import { chooseGemm } from './gemm-choice.js';

/** What the addon says about one operator: how arguments and results are encoded. */
export interface NativeOp {
  index: number;
  kinds: string;
  results: string;
}

/** Memory of the device's tensors, in bytes, and what the caching allocator did. */
export interface NativeStats {
  /** In use by tensors now. */
  allocated: number;
  /** The most in use since the last reset. */
  peak: number;
  /** Kept for reuse, and the bound on that. */
  cached: number;
  limit: number;
  /** Allocations served from kept blocks, and from the system. */
  hits: number;
  misses: number;
  /** Tensors that JavaScript holds. */
  tensors: number;
}

/** What the addon was built against and what is there. */
export interface NativeInfo {
  /** Of libtorch. */
  version: string;
  /** Whether libtorch was built with CUDA, whether or not there is a GPU. */
  cuda: boolean;
  cudaDevices: number;
  /** Whether the addon knows the memory of GPUs. */
  cudaStats: boolean;
  /** Whether operators of ours run as they do on a GPU: composed of libtorch's (`ENGINE_TORCH_PLAIN`). */
  plain: boolean;
  mkldnn: boolean;
  /** Whether the processor can run 3×3 convolutions of our own. */
  winograd: boolean;
  /** The same in bfloat16. */
  winogradNarrow: boolean;
}

/** The addon's exports. Tensors are handles: numbers that carry a generation, so that a stale one is refused. */
export interface Native {
  setBuffer(buffer: Float64Array): void;
  findOp(name: string): NativeOp;
  intern(text: string): number;
  call(op: number, given: number): void;
  callVoid(op: number, given: number): void;
  /** `share` leaves the values where they are, where that is possible; otherwise, and on a GPU, they are copied. */
  fromArray(
    array: Float32Array | Int32Array | Uint8Array,
    scalarType: number,
    share: boolean,
    ...shape: number[]
  ): number;
  read(handle: number): ArrayBuffer;
  /** Writes what {@link read} gives to an array of exactly that size, which may lie in shared memory. */
  readInto(handle: number, target: Uint8Array): void;
  /** The same in the order of the device's memory: so many of the tensor's first axes come last there. */
  readStored(handle: number, target: Uint8Array): number;
  /** {@link read} on another thread, of the values that the tensor has now. */
  readAsync(handle: number): Promise<ArrayBuffer>;
  /** Whether the tensor lies in the memory of a typed array. */
  isShared(handle: number): boolean;
  /** Where new tensors are made: `cpu` or `cuda:N`. Statistics are those of this device. */
  setDevice(device: string): void;
  deviceOf(handle: number): string;
  /** Waits for everything that was asked of the device. */
  synchronize(): void;
  release(handle: number): void;
  bytes(handle: number): number;
  stats(): NativeStats;
  resetPeak(): void;
  emptyCache(): void;
  setCacheLimit(bytes: number): void;
  setThreads(count: number): void;
  threads(): number;
  setDeterministic(on: boolean): void;
  /** Names of the ways to multiply matrices, separated by spaces. */
  gemmRoutes(): string;
  /** One route for all shapes; the empty name goes back to choosing. */
  forceGemmRoute(name: string): void;
  setGemmChoice(shapeClass: string, route: string): void;
  /** Choices made by measuring since the last call, as lines `class route`. */
  takeGemmChoices(): string;
  info(): NativeInfo;
}

const FOLDER = fileURLToPath(new URL('../build/', import.meta.url));
const BINARY = `${FOLDER}Release/engine_torch.node`;

/** Why the addon cannot be loaded, without loading it; undefined when it has been built. */
export function whyNotBuilt(): string | undefined {
  if (existsSync(BINARY)) return undefined;
  const note = `${FOLDER}unavailable.txt`;
  return existsSync(note) ? readFileSync(note, 'utf8').trim() : 'its addon has not been built';
}

export const HOW_TO_BUILD = 'npm run setup:torch';

/**
 * What the libraries below libtorch read once, when they are loaded; what the user has set stays.
 *
 * OpenBLAS older than the processor falls back to kernels without AVX-512. OpenMP's threads wait for each other
 * spinning, up to milliseconds: on processors that are shared with anything else that costs ten times what it gains,
 * some 20 µs gain as much.
 */
function tuneLibraries(): void {
  if (process.platform !== 'linux') return;
  const { env } = process;
  // Without room of its own cuBLAS may add up in another order each time; read once, and wanted by deterministic runs.
  env.CUBLAS_WORKSPACE_CONFIG ??= ':4096:8';
  if (env.OMP_WAIT_POLICY === undefined) env.GOMP_SPINCOUNT ??= '5000';
  if (env.OPENBLAS_CORETYPE !== undefined) return;
  const flags = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  if (/\bavx512bw\b/.test(flags) && /\bavx512vl\b/.test(flags)) env.OPENBLAS_CORETYPE = 'SkylakeX';
}

/**
 * Threads that libtorch computes with: `ENGINE_TORCH_THREADS`, else one per processor.
 * @throws E_CONFIG_VALUE when the variable holds no positive integer
 */
export function threadCount(): number {
  const given = process.env.ENGINE_TORCH_THREADS;
  if (given === undefined || given === '') return availableParallelism();
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1)
    throw badValue('ENGINE_TORCH_THREADS', given, 'a positive integer');
  return count;
}

function limitCache(addon: Native): void {
  const given = process.env.ENGINE_TORCH_CACHE_MB;
  if (given === undefined || given === '') return;
  const megabytes = Number(given);
  if (!(megabytes >= 0)) throw badValue('ENGINE_TORCH_CACHE_MB', given, 'a number of at least 0');
  addon.setCacheLimit(megabytes * 2 ** 20);
}

let loaded: Native | undefined;

/**
 * The addon of this thread, loaded on first use.
 * @throws E_TORCH_MISSING when it has not been built or does not load
 */
export function native(): Native {
  if (loaded) return loaded;
  const reason = whyNotBuilt();
  if (reason !== undefined) throw missing(reason);
  tuneLibraries();
  try {
    loaded = createRequire(import.meta.url)(BINARY) as Native;
  } catch (error) {
    throw missing(`its addon does not load: ${(error as Error).message.split('\n')[0]}`, error);
  }
  loaded.setThreads(threadCount());
  limitCache(loaded);
  chooseGemm(loaded);
  return loaded;
}

function missing(reason: string, cause?: unknown): EngineError {
  return new EngineError({
    code: 'E_TORCH_MISSING',
    what: `The compute backend 'torch' cannot run: ${reason}.`,
    expected: 'a libtorch and a C++ compiler when the package was installed',
    fix: `${HOW_TO_BUILD}   (or set LIBTORCH, or install torch for Python, and build again)`,
    cause,
    exitCode: 2,
  });
}
