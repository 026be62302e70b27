import { tf } from '@engine/tensor';
import type { EngineWasm } from '../engine-wasm.js';

/** Arguments of one kernel call; inputs and attributes are those that tfjs documents for the kernel. */
export interface KernelCall {
  backend: EngineWasm;
  inputs: Record<string, tf.TensorInfo>;
  attrs: Record<string, unknown>;
}

/** One kernel of this backend. */
export interface WasmKernel {
  name: string;
  run(call: KernelCall): tf.TensorInfo | tf.TensorInfo[];
}

/** What a kernel of ours falls back to: tfjs's own kernel of the same name. */
export type Fallback = (call: KernelCall) => tf.TensorInfo | tf.TensorInfo[];

/** tfjs's kernel that each of ours replaced, if there was one. */
const replaced = new WeakMap<tf.KernelFunc, tf.KernelFunc | undefined>();

/** tfjs's own kernel of this name for wasm, whether or not one of ours has taken its place. */
export function tfjsKernel(name: string): Fallback {
  return (call) => {
    const current = tf.getKernel(name, 'wasm').kernelFunc;
    const original = replaced.get(current) ?? current;
    return original(call as unknown as Parameters<tf.KernelFunc>[0]);
  };
}

/** Registers kernels for wasm in place of tfjs's; what is already ours is left alone. */
export function installKernels(kernels: readonly WasmKernel[]): void {
  for (const { name, run } of kernels) {
    const old = tf.getKernel(name, 'wasm') as tf.KernelConfig | undefined;
    if (old && replaced.has(old.kernelFunc)) continue;
    if (old) tf.unregisterKernel(name, 'wasm');
    const kernelFunc: tf.KernelFunc = (call) => run(call as unknown as KernelCall);
    replaced.set(kernelFunc, old?.kernelFunc);
    tf.registerKernel({
      kernelName: name,
      backendName: 'wasm',
      kernelFunc,
      // tfjs's own kernels bind their C++ functions here; a kernel of ours may fall back to the one that it replaces.
      ...(old?.setupFunc ? { setupFunc: old.setupFunc } : {}),
      ...(old?.disposeFunc ? { disposeFunc: old.disposeFunc } : {}),
    });
  }
}
