import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import { EngineError } from '@engine/core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

const require = createRequire(import.meta.url);
const SCRIPT = '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.js';
const BINARY = '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.wasm';

/** tfjs's module as its backend class wants it. */
export type TfjsModule = BackendWasm['wasm'] & {
  wasmMemory: WebAssembly.Memory;
  _malloc(bytes: number): number;
  _free(address: number): void;
};

type Factory = (config: object) => Promise<TfjsModule & Caller>;

interface Caller {
  cwrap(name: string, result: string | null, args: string[]): (...args: number[]) => number;
}

/**
 * Stands in for the eight pthread workers that the Emscripten script starts before anything asks for them. tfjs's kernels
 * run on the calling thread (pthreadpool with one thread makes no pthread); this backend has threads of its own.
 */
class NoWorker {
  onmessage?: (event: { data: unknown }) => void;
  postMessage(message: { cmd?: string }): void {
    if (message.cmd === 'load') queueMicrotask(() => this.onmessage?.({ data: { cmd: 'loaded' } }));
  }
  on(): void {}
  ref(): void {}
  unref(): void {}
  terminate(): void {}
}

/**
 * Instantiates tfjs's SIMD module in the build whose memory is shared, which Node cannot get from tfjs itself (its thread
 * check says no in Node). The script runs with stand-ins for the globals that it would otherwise change: it sets
 * `global.Worker` and adds handlers for uncaught exceptions to `process`.
 * @throws E_BACKEND_INIT when the module does not start
 */
export async function loadTfjsModule(): Promise<TfjsModule> {
  const path = require.resolve(SCRIPT);
  const [source, wasmBinary] = await Promise.all([readFile(path, 'utf8'), readFile(require.resolve(BINARY))]);
  const quietProcess = Object.create(process, {
    on: { value: () => quietProcess },
    listeners: { value: () => [] },
    argv: { value: [] },
  }) as NodeJS.Process;
  const holder: { exports: unknown } = { exports: {} };
  const names = ['module', 'exports', 'require', '__filename', '__dirname', 'process', 'global', 'Worker'];
  const define = compileFunction(source, names, { filename: path });
  define(holder, holder.exports, require, path, dirname(path), quietProcess, {}, NoWorker);
  let aborted: unknown;
  try {
    const module = await (holder.exports as Factory)({
      wasmBinary,
      onAbort: (reason: unknown) => (aborted = reason),
    });
    const call = (name: string, args = 0, result: string | null = null) =>
      module.cwrap(name, result, Array<string>(args).fill('number'));
    const initWithThreads = call('init_with_threads_count', 1);
    module.tfjs = {
      init: call('init'),
      initWithThreadsCount: () => initWithThreads(1),
      getThreadsCount: call('get_threads_count', 0, 'number'),
      registerTensor: call('register_tensor', 3),
      disposeData: call('dispose_data', 1),
      dispose: call('dispose'),
    } as TfjsModule['tfjs'];
    // Emscripten's exports replace themselves at their first call; after it they can be wrapped.
    module._free(module._malloc(8));
    return module;
  } catch (cause) {
    throw new EngineError({
      code: 'E_BACKEND_INIT',
      what: "tfjs's WebAssembly module does not start.",
      received: String(aborted ?? cause),
      fix: 'choose another backend: device=cpu',
      cause,
    });
  }
}
