import { tf } from './tf.js';
import type { Tensor } from './tf.js';

/** What tfjs hands over for a kernel, or for a function with a gradient of its own (`tf.customGrad`). */
interface KernelCall {
  inputs: Record<string, Tensor>;
  forwardFunc?: (backend: unknown, save: (tensors: Tensor[]) => void) => Tensor[];
  backwardsFunc?: (dys: Tensor | Tensor[], saved: Tensor[]) => Record<string, () => Tensor>;
}

/** The one method of tfjs's engine through which everything that computes goes; its type calls it private. */
interface KernelRunner {
  runKernelFunc(call: KernelCall): Tensor | Tensor[];
}

const runner = (): KernelRunner => tf.engine() as unknown as KernelRunner;

/**
 * Runs `fn` and tells of each tensor that something computed from, once per read: kernels, the kernels inside of
 * composed ones, and functions with gradients of their own.
 * @returns what `fn` returned
 */
export function watchReads<T>(fn: () => T, onRead: (tensor: Tensor) => void): T {
  const engine = runner();
  const before = Object.getOwnPropertyDescriptor(engine, 'runKernelFunc');
  const run = engine.runKernelFunc.bind(engine);
  engine.runKernelFunc = (call) => {
    for (const input of Object.values(call.inputs).flat()) if (input instanceof tf.Tensor) onRead(input);
    return run(call);
  };
  try {
    return fn();
  } finally {
    if (before) Object.defineProperty(engine, 'runKernelFunc', before);
    else delete (engine as Partial<KernelRunner>).runKernelFunc;
  }
}

/**
 * A function of several results with a gradient of its own; `tf.customGrad` has one result.
 * @param forward computes the results, each a tensor that is not one of the inputs; what it gives to `save` is handed to
 *   `backward`
 * @param backward one gradient per input from one per result; a result that nothing depends on has zeros
 */
export function customGradients(
  inputs: readonly Tensor[],
  forward: (save: (tensors: Tensor[]) => void) => Tensor[],
  backward: (dys: Tensor[], saved: Tensor[]) => Tensor[],
): Tensor[] {
  const results = runner().runKernelFunc({
    inputs: Object.fromEntries(inputs.map((input, i) => [String(i), input])),
    forwardFunc: (_, save) => forward(save),
    backwardsFunc: (dys, saved) => {
      const grads = backward([dys].flat(), saved);
      return Object.fromEntries(grads.map((grad, i) => [String(i), () => grad]));
    },
  });
  return [results].flat();
}
