import { BACKENDS, EngineError, register } from '@engine/core';
import { tf, type BackendCapabilities, type ComputeBackend, type ProbeResult } from '@engine/tensor';

import './accelerated/accelerated.js';
import './accelerated/activations.js';
import './accelerated/images.js';
import './accelerated/losses.js';
import './accelerated/update-elements.js';
import './accelerated/sequence.js';
import './accelerated/training.js';
import { EngineTorch } from './engine-torch.js';
import { installFallbacks, installKernels, TFJS_NAME } from './kernels/index.js';
import { HOW_TO_BUILD, native, threadCount, whyNotBuilt } from './native.js';

/** `TorchBackend` has no options: the device is part of the device string, `torch:cuda:1`. */
export type TorchBackendOptions = Record<never, never>;

declare module '@engine/core' {
  interface BackendTypes {
    torch: TorchBackendOptions;
  }
}

/**
 * libtorch under tfjs: the kernels that PyTorch computes with. Device strings: `torch` (the processor), `torch:cpu`,
 * `torch:cuda` and `torch:cuda:N`. Threads: one per processor, `ENGINE_TORCH_THREADS` overrides.
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
    checkDevice(device);
    if (!tf.findBackend(TFJS_NAME)) {
      const engine = new EngineTorch();
      tf.registerBackend(TFJS_NAME, () => engine, this.priority);
      installKernels();
      installFallbacks();
    }
    await tf.setBackend(TFJS_NAME);
  }

  capabilities(): BackendCapabilities {
    return { autocast: ['bfloat16'], memoryStats: true, deterministic: true };
  }

  /** Bytes of tensors now, and the peak since the last call. */
  memory(): { bytes: number; peakBytes: number } {
    const addon = native();
    const { allocated, peak } = addon.stats();
    addon.resetPeak();
    return { bytes: allocated, peakBytes: peak };
  }

  /** Gives kept memory back; tensors stay. */
  shutdown(): Promise<void> {
    if (tf.findBackend(TFJS_NAME)) native().emptyCache();
    return Promise.resolve();
  }
}

function checkDevice(device: string | undefined): void {
  if (device === undefined || device === 'cpu') return;
  throw new EngineError({
    code: 'E_TORCH_DEVICE',
    what: `libtorch has no device '${device}' here.`,
    received: `device = 'torch:${device}'`,
    expected: "'torch' or 'torch:cpu'",
    exitCode: 2,
  });
}
