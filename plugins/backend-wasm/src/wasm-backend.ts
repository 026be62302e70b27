import { BACKENDS, register } from '@engine/core';
import { tf, type BackendCapabilities, type ComputeBackend, type ProbeResult } from '@engine/tensor';
// Registers tfjs's wasm kernels, which serve wherever this package has none of its own.
import '@tensorflow/tfjs-backend-wasm';
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
@register(BACKENDS, { name: 'wasm' })
export class WasmBackend implements ComputeBackend {
  readonly name = 'wasm';
  readonly priority = 10;
  readonly tfjsName = 'wasm';
  #engine: EngineWasm | undefined;

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
    } catch (error) {
      return { available: false, reason: 'its kernels have not been built', fix: 'npm run build' };
    }
    const threads = threadCount();
    return { available: true, details: `${threads} ${threads === 1 ? 'thread' : 'threads'}, SIMD` };
  }

  /**
   * Makes wasm tfjs's backend. Tensors of an earlier activation are lost when the number of threads changes.
   * @throws E_BACKEND_KERNELS, E_BACKEND_INIT, E_CONFIG_VALUE
   */
  async activate(device?: string): Promise<void> {
    const threads = threadCount(device);
    if (this.#engine && this.#engine.runtime.pool.threads !== threads) await this.shutdown();
    if (!this.#engine) {
      const [kernels, module] = await Promise.all([loadKernelModule(), loadTfjsModule()]);
      installAllKernels();
      tf.removeBackend('wasm');
      const engine = new EngineWasm(module, kernels, threads);
      tf.registerBackend('wasm', () => engine, this.priority);
      this.#engine = engine;
    }
    await tf.setBackend('wasm');
    quietCpuBackend();
  }

  capabilities(): BackendCapabilities {
    return { autocast: [], memoryStats: true, deterministic: true };
  }

  memory(): { bytes: number; peakBytes: number } {
    return this.#engine?.usage() ?? { bytes: 0, peakBytes: 0 };
  }

  async shutdown(): Promise<void> {
    const engine = this.#engine;
    if (!engine) return;
    this.#engine = undefined;
    if (tf.findBackend('wasm') === engine) tf.removeBackend('wasm');
    await engine.runtime.pool.close();
  }
}

/** tfjs's cpu backend greets its first user with advice to install another package. */
function quietCpuBackend(): void {
  const cpu = tf.findBackend('cpu') as { firstUse?: boolean } | null;
  if (cpu) cpu.firstUse = false;
}
