import { tf } from './tf.js';
import type { Tensor } from './tf.js';

/** Tensors that nobody differentiates with respect to, such as a batch of images. */
const constants = new WeakSet<Tensor>();

/**
 * Runs `fn` without recording it for differentiation, as inside a kernel: what it computes counts as constant, and
 * nothing is saved for a backward pass. For side effects of a forward pass such as running statistics.
 */
export function noGrad<T>(fn: () => T): T {
  const { state } = tf.engine();
  state.kernelDepth++;
  try {
    return fn();
  } finally {
    state.kernelDepth--;
  }
}

/**
 * Says that no gradient with respect to `tensor` will be asked for, so that a convolution over it need not compute
 * one. Only a hint about cost: a gradient that is asked for all the same is computed and right.
 */
export function markConstant<T extends Tensor>(tensor: T): T {
  constants.add(tensor);
  return tensor;
}

/** True for a tensor given to {@link markConstant}, and for a variable that is not trainable. */
export function isConstant(tensor: Tensor): boolean {
  return constants.has(tensor) || (tensor as { trainable?: boolean }).trainable === false;
}
