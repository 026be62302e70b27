import { acceleratedKernels } from './accelerated.js';
import type { ComputeBackend, KernelReport } from './compute-backend.js';
import { tf } from './tf.js';

/** {@link KernelReport} with what can be told of any backend. */
export interface KernelCoverage extends KernelReport {
  /** Kernels of tfjs that cannot run on the backend at all. */
  missing: readonly string[];
  /** Accelerated kernels that run by their reference, composed of tfjs's. */
  composed: readonly string[];
}

/** Names of all kernels that tfjs's operators call: tfjs-core exports each as a constant of its own name. */
export function tfjsKernels(): string[] {
  return Object.entries(tf)
    .filter(([key, value]) => typeof value === 'string' && (value === key || value === `_${key}`))
    .map(([, value]) => value as unknown as string)
    .sort();
}

/**
 * Which kernels run where on a backend that has been activated.
 * @param backend one that {@link selectDevice} returned
 */
export function kernelCoverage(backend: ComputeBackend): KernelCoverage {
  const registered = tf.getKernelsForBackend(backend.tfjsName).map(({ kernelName }) => kernelName);
  const { own, fallback, counts } = backend.kernels?.() ?? { own: registered, fallback: [], counts: {} };
  const known = new Set([...own, ...fallback]);
  const without = (names: readonly string[]): string[] => names.filter((name) => !known.has(name)).sort();
  return {
    own: [...own].sort(),
    fallback: [...fallback].sort(),
    counts,
    missing: without(tfjsKernels()),
    composed: without(acceleratedKernels().map(({ name }) => name)),
  };
}
