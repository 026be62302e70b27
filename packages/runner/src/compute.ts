import { badValue, type Logger } from '@engine/core';
import { selectDevice, type ComputeBackend } from '@engine/tensor';
import type { RunnerOptions } from './runner-options.js';

type Counts = Readonly<Record<string, number>>;

/** The backend that a run computes with. */
export class Compute {
  private constructor(
    readonly backend: ComputeBackend,
    /** What other runs of this process had counted before. */
    private readonly before: Counts,
  ) {}

  /**
   * Makes the device of the options the current one.
   * @throws E_CONFIG_VALUE when equal bits are asked of a backend that cannot promise them
   */
  static async start(options: Pick<RunnerOptions, 'device' | 'randomness'>): Promise<Compute> {
    const { name, backend } = await selectDevice(options.device ?? 'auto');
    const deterministic = options.randomness?.deterministic === true;
    if (deterministic && !backend.capabilities().deterministic) {
      throw badValue(
        'randomness.deterministic',
        true,
        `false on the device '${name}', which cannot promise equal bits`,
      );
    }
    backend.setDeterministic?.(deterministic);
    return new Compute(backend, { ...backend.kernels?.().counts });
  }

  /** Says once which kernels of the run another, slower backend had to run. */
  reportFallbacks(logger: Logger): void {
    const counts = Object.entries(this.backend.kernels?.().counts ?? {})
      .map(([kernel, count]) => ({ kernel, count: count - (this.before[kernel] ?? 0) }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count);
    if (counts.length === 0) return;
    const list = counts.map(({ kernel, count }) => `${kernel} (${count} times)`).join(', ');
    logger.warn(
      `The device '${this.backend.name}' has no version of ${list}: these ran on tfjs's slow CPU backend.`,
    );
  }
}
