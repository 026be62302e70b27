import { BACKENDS, register } from '@engine/core';
import {
  tf,
  type BackendCapabilities,
  type ComputeBackend,
  type KernelReport,
  type ProbeResult,
} from '@engine/tensor';

import './accelerated/accelerated.js';
import './accelerated/activations.js';
import './accelerated/images.js';
import './accelerated/losses.js';
import './accelerated/update-elements.js';
import './accelerated/sequence.js';
import './accelerated/training.js';
import { isGpu, useDevice } from './device.js';
import { EngineTorch } from './engine-torch.js';
import { chooseGemm } from './gemm-choice.js';
import { installFallbacks, installKernels, kernelReport, TFJS_NAME } from './kernels/index.js';
import { HOW_TO_BUILD, native, threadCount, whyNotBuilt } from './native.js';

/** `TorchBackend` has no options: the device is part of the device string, `torch:cuda:1`. */
export type TorchBackendOptions = Record<never, never>;

declare module '@engine/core' {
  interface BackendTypes {
    torch: TorchBackendOptions;
  }
}

/**
 * libtorch under tfjs: the kernels that PyTorch computes with. Device strings: `torch:cpu`, `torch:cuda` (the first
 * GPU), `torch:cuda:N`, and `torch`: the first GPU, or the processor where libtorch finds none. Threads: one per processor, `ENGINE_TORCH_THREADS` overrides.
 */
@register(BACKENDS, { name: 'torch' })
export class TorchBackend implements ComputeBackend {
  readonly name = 'torch';
  readonly priority = 100;
  readonly tfjsName = TFJS_NAME;

  probe(): Promise<ProbeResult> {
    const reason = whyNotBuilt();
    if (reason !== undefined) return Promise.resolve({ available: false, reason, fix: HOW_TO_BUILD });
    try {
      const { version, cudaDevices } = native().info();
      const threads = threadCount();
      const gpus = cudaDevices > 0 ? `, ${cudaDevices} GPU${cudaDevices === 1 ? '' : 's'}` : '';
      const details = `libtorch ${version}, ${threads} ${threads === 1 ? 'thread' : 'threads'}${gpus}`;
      return Promise.resolve({ available: true, details });
    } catch (error) {
      const why = (error as Error).message.split('\n')[0]!;
      return Promise.resolve({ available: false, reason: why, fix: HOW_TO_BUILD });
    }
  }

  /**
   * Makes torch tfjs's backend.
   * @throws E_TORCH_MISSING when the addon cannot be loaded, E_TORCH_DEVICE when there is no such device
   */
  async activate(device?: string): Promise<void> {
    native();
    useDevice(device);
    if (!tf.findBackend(TFJS_NAME)) {
      const engine = new EngineTorch();
      tf.registerBackend(TFJS_NAME, () => engine, this.priority);
      installKernels();
      installFallbacks();
    }
    await tf.setBackend(TFJS_NAME);
  }

  capabilities(): BackendCapabilities {
    const memoryStats = !isGpu() || native().info().cudaStats;
    return { autocast: isGpu() ? ['bfloat16', 'float16'] : ['bfloat16'], memoryStats, deterministic: true };
  }

  /** Bytes of tensors now, and the peak since the last call. */
  memory(): { bytes: number; peakBytes: number } {
    const addon = native();
    const { allocated, peak } = addon.stats();
    addon.resetPeak();
    return { bytes: allocated, peakBytes: peak };
  }

  /**
   * The same bits from the same seed, machine and number of threads: no choice rests on a measurement, and on a GPU an
   * operator that cannot promise it throws.
   */
  setDeterministic(on: boolean): void {
    const addon = native();
    addon.setDeterministic(on);
    chooseGemm(addon, on && process.env.ENGINE_TORCH_GEMM === 'measure' ? '' : undefined);
  }

  kernels(): KernelReport {
    return kernelReport();
  }

  /** Gives kept memory back; tensors stay. */
  shutdown(): Promise<void> {
    if (tf.findBackend(TFJS_NAME)) native().emptyCache();
    return Promise.resolve();
  }
}
