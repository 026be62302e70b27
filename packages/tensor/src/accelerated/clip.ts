import { tf } from '../tf.js';
import type { Scalar, Tensor } from '../tf.js';

/**
 * Norm of all elements of a list of tensors taken together, as a scalar on the device; 0 for an empty list.
 * @param normType p of the p-norm, or Infinity; 2 unless said
 */
export function globalNorm(tensors: readonly Tensor[], normType = 2): Scalar {
  return tf.tidy(() => {
    if (tensors.length === 0) return tf.scalar(0);
    if (normType === Infinity) return tf.max(tf.stack(tensors.map((t) => tf.max(tf.abs(t))))) as Scalar;
    if (normType === 2) return tf.sqrt(tf.addN(tensors.map((t) => tf.sum(tf.square(t))))) as Scalar;
    const sum = tf.addN(tensors.map((t) => tf.sum(tf.pow(tf.abs(t), normType))));
    return tf.pow(sum, 1 / normType) as Scalar;
  });
}

export interface ClippedGradients {
  /** New tensors, of the caller. */
  grads: Tensor[];
  /** Norm before clipping, of the caller. */
  norm: Scalar;
}

/**
 * Scales gradients so that their common norm is at most `maxNorm`: by min(1, maxNorm / (norm + 1e-6)), as
 * `torch.nn.utils.clip_grad_norm_`. Nothing is read from the device.
 */
export function clipByGlobalNorm(
  grads: readonly Tensor[],
  maxNorm: number,
  { normType = 2 }: { normType?: number } = {},
): ClippedGradients {
  return tf.tidy(() => {
    const norm = globalNorm(grads, normType);
    const factor = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
    return { grads: grads.map((grad) => tf.mul(grad, factor)), norm } as never;
  });
}

/** Cuts every element to [-value, value], as `torch.nn.utils.clip_grad_value_`; the results are the caller's. */
export function clipByValue(grads: readonly Tensor[], value: number): Tensor[] {
  return grads.map((grad) => tf.clipByValue(grad, -value, value));
}
