import { readFile } from 'node:fs/promises';
import { EngineError } from '@engine/core';

/** What `assembly/index.ts` exports. */
export interface KernelExports {
  run(control: number, kernel: number, chunks: number, args: number, scratch: number, stride: number): void;
  runHere(kernel: number, chunks: number, args: number, scratch: number): void;
  serve(control: number, thread: number): void;
  stop(control: number): void;
}

/** Found from `src/` and from `dist/` alike: both lie in the package's root. */
const LOCATION = new URL('../dist/kernels.wasm', import.meta.url);

/**
 * Compiles the package's own kernels.
 * @throws E_BACKEND_KERNELS when the package has not been built
 */
export async function loadKernelModule(location: URL = LOCATION): Promise<WebAssembly.Module> {
  let bytes: Buffer;
  try {
    bytes = await readFile(location);
  } catch (cause) {
    throw new EngineError({
      code: 'E_BACKEND_KERNELS',
      what: "The wasm backend's own kernels cannot be read.",
      received: location.pathname,
      expected: 'kernels.wasm, which building @engine/backend-wasm makes',
      fix: 'npm run build',
      cause,
    });
  }
  return WebAssembly.compile(new Uint8Array(bytes));
}
