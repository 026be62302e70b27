import { BACKENDS, badValue, register } from '@engine/core';

import type { BackendCapabilities, ComputeBackend, ProbeResult } from './compute-backend.js';
import { tf } from './tf.js';

declare module '@engine/core' {
  interface BackendTypes {
    cpu: object;
  }
}

/** tfjs's own backend in plain JavaScript: runs everywhere, slowly. The last resort of `device: 'auto'`. */
@register(BACKENDS, { name: 'cpu', from: '@engine/tensor' })
export class CpuBackend implements ComputeBackend {
  readonly name = 'cpu';
  readonly priority = 0;
  readonly tfjsName = 'cpu';

  probe(): Promise<ProbeResult> {
    return Promise.resolve({ available: true, details: 'plain JavaScript, one thread' });
  }

  /** @throws E_CONFIG_VALUE when a device part is given: there is only one */
  async activate(device?: string): Promise<void> {
    if (device) throw badValue('device', `cpu:${device}`, "'cpu', which has no parts");
    await tf.setBackend(this.tfjsName);
  }

  capabilities(): BackendCapabilities {
    return { autocast: [], memoryStats: false, deterministic: true };
  }
}
