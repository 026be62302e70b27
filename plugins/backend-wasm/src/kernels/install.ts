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

const mine = new WeakSet<tf.KernelFunc>();

/** tfjs's kernel of this name for wasm, from before ours takes its place. */
export function tfjsKernel(name: string): Fallback {
  const config = tf.getKernel(name, 'wasm');
  if (!config || mine.has(config.kernelFunc))
    return () => {
      throw new Error(`tfjs has no kernel ${name} for wasm`);
    };
  return (call) => config.kernelFunc(call as unknown as Parameters<tf.KernelFunc>[0]);
}

/** Registers kernels for wasm in place of tfjs's; what is already ours is left alone. */
export function installKernels(kernels: readonly WasmKernel[]): void {
  for (const { name, run } of kernels) {
    const old = tf.getKernel(name, 'wasm');
    if (old && mine.has(old.kernelFunc)) continue;
    if (old) tf.unregisterKernel(name, 'wasm');
    const kernelFunc: tf.KernelFunc = (call) => run(call as unknown as KernelCall);
    mine.add(kernelFunc);
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
