import { tf } from './tf.js';
import type { Tensor } from './tf.js';

/**
 * An accelerated kernel: something that every training step needs and that tfjs would compose out of many small
 * kernels. It is an ordinary tfjs kernel with a name of ours and a registered gradient, so that the tape sees one
 * node, and saves only what the gradient needs. The reference implementation, made of ordinary tfjs operators, serves
 * every backend that has not registered a faster one under the same name with `tf.registerKernel`.
 */
export interface AcceleratedKernel {
  /** Kernel name in tfjs's registry, `Engine…`. */
  name: string;
  /** Runs on any backend; calls tfjs operators, which are not recorded on the tape inside a kernel. */
  reference(inputs: Record<string, Tensor>, attrs: Record<string, unknown>): Tensor | Tensor[];
  gradient?: Omit<tf.GradConfig, 'kernelName'>;
}

const kernels = new Map<string, AcceleratedKernel>();
const installed = new Set<string>();

/** Declares an accelerated kernel and its gradient. Called once per kernel at module load. */
export function defineAccelerated(kernel: AcceleratedKernel): AcceleratedKernel {
  kernels.set(kernel.name, kernel);
  if (kernel.gradient) tf.registerGradient({ kernelName: kernel.name, ...kernel.gradient });
  return kernel;
}

/** All declared kernels, for tests that hold each backend's version against the reference. */
export function acceleratedKernels(): readonly AcceleratedKernel[] {
  return [...kernels.values()];
}

/** Runs an accelerated kernel on the current backend, installing the reference where the backend has none. */
export function runAccelerated<R extends Tensor | Tensor[]>(
  name: string,
  inputs: Record<string, Tensor>,
  attrs: Record<string, unknown> = {},
): R {
  const backend = tf.getBackend();
  const key = `${backend}/${name}`;
  if (!installed.has(key)) {
    const kernel = kernels.get(name);
    if (kernel && !tf.getKernel(name, backend)) {
      tf.registerKernel({
        kernelName: name,
        backendName: backend,
        kernelFunc: ({ inputs: given, attrs: options }) =>
          kernel.reference(given as Record<string, Tensor>, (options ?? {}) as Record<string, unknown>),
      });
    }
    installed.add(key);
  }
  return tf.engine().runKernel(name, inputs as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as R;
}
