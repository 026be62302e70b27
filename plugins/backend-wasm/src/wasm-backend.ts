import { BACKENDS, register } from '@engine/core';
import { tf, type BackendCapabilities, type ComputeBackend, type ProbeResult } from '@engine/tensor';
// Registers tfjs's wasm kernels, which serve wherever this package has none of its own.
import { EngineWasm } from './engine-wasm.js';
import { loadKernelModule } from './kernel-module.js';
import { installAllKernels } from './kernels/index.js';
import { loadTfjsModule } from './tfjs-module.js';
import { threadCount } from './threads.js';

/** `WasmBackend` has no options: the number of threads is part of the device, `wasm:4`. */
export type WasmBackendOptions = Record<never, never>;

declare module '@engine/core' {
  interface BackendTypes {
    wasm: WasmBackendOptions;
  }
}

/** A module that is valid only where WebAssembly has SIMD (`i8x16.popcnt`, as in wasm-feature-detect). */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
]);

/**
 * tfjs's WebAssembly with SIMD, on threads, with kernels of its own for everything that training needs.
 * Device strings: `wasm` (one thread per processor, at most 8; `ENGINE_WASM_THREADS` overrides) or `wasm:N`.
 */
@register(BACKENDS, { name: 'wasm', from: '@engine/backend-wasm' })
export class WasmBackend implements ComputeBackend {
  readonly name = 'wasm';
  readonly priority = 10;
  readonly tfjsName = 'wasm';

  async probe(): Promise<ProbeResult> {
    if (!WebAssembly.validate(SIMD_PROBE)) {
      return {
        available: false,
        reason: 'this Node has no WebAssembly SIMD',
        fix: 'use Node 20.19 or newer',
      };
    }
    try {
      await loadKernelModule();
    } catch {
      return { available: false, reason: 'its kernels have not been built', fix: 'npm run build' };
    }
    const threads = threadCount();
    return { available: true, details: `${threads} ${threads === 1 ? 'thread' : 'threads'}, SIMD` };
  }

  /**
   * Makes wasm tfjs's backend. A second activation, also by another instance of this class, keeps the tensors of the first
   * and takes over its threads; another number of threads may be asked for at any time.
   * @param device number of threads, `4` of `wasm:4`
   * @throws E_BACKEND_KERNELS, E_BACKEND_INIT, E_CONFIG_VALUE
   */
  async activate(device?: string): Promise<void> {
    const threads = threadCount(device);
    const engine = running();
    if (engine) {
      await engine.runtime.setThreads(threads);
    } else {
      const [kernels, module] = await Promise.all([loadKernelModule(), loadTfjsModule()]);
      installAllKernels();
      tf.removeBackend(this.tfjsName);
      const fresh = new EngineWasm(module, kernels, threads);
      tf.registerBackend(this.tfjsName, () => fresh, this.priority);
    }
    await tf.setBackend(this.tfjsName);
  }

  capabilities(): BackendCapabilities {
    return { autocast: [], memoryStats: true, deterministic: true };
  }

  memory(): { bytes: number; peakBytes: number } {
    return running()?.usage() ?? { bytes: 0, peakBytes: 0 };
  }

  /** Ends the threads; tensors stay readable and kernels go on, on the calling thread alone. */
  async shutdown(): Promise<void> {
    await running()?.runtime.setThreads(1);
  }
}

/** The engine that is registered with tfjs, if it is one of ours. */
function running(): EngineWasm | undefined {
  const backend = tf.engine().registry['wasm'];
  return backend instanceof EngineWasm ? backend : undefined;
}
