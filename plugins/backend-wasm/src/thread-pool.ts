import { Worker } from 'node:worker_threads';
import type { KernelExports } from './kernel-module.js';

/** Offset in the control block of the word that says that a helper thread died, as in `assembly/pool.ts`. */
const FAILED = 204;

/**
 * What a helper thread runs. Plain text, so that it needs no file, no loader and no bundler: the same under vitest, tsx and
 * compiled Node.
 */
const THREAD = `
const { workerData } = require('node:worker_threads');
const { module, memory, control, thread } = workerData;
try {
  new WebAssembly.Instance(module, { env: { memory } }).exports.serve(control, thread);
} catch (error) {
  Atomics.store(new Int32Array(memory.buffer, control), ${FAILED / 4}, 1);
  throw error;
}
`;

/** Bytes of the control block in `assembly/pool.ts`. */
export const CONTROL_BYTES = 512;

/** Helper threads that serve jobs of one kernel instance. They never keep the process alive. */
export class ThreadPool {
  readonly #workers: Worker[] = [];

  /**
   * @param threads all threads that compute, the caller's included
   * @param control address of the threads' control block, zeros
   */
  constructor(
    readonly threads: number,
    private readonly exports: KernelExports,
    readonly control: number,
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
  ) {
    for (let thread = 1; thread < threads; thread++) {
      const worker = new Worker(THREAD, {
        eval: true,
        execArgv: [],
        name: `engine-wasm-${thread}`,
        workerData: { module, memory, control, thread },
      });
      worker.unref();
      this.#workers.push(worker);
    }
  }

  /** Ends the threads; resolves when they are gone. */
  async close(): Promise<void> {
    this.exports.stop(this.control);
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()));
  }
}
