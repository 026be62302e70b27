import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Scalar, Tensor } from '../tf.js';

/** Inputs t0, t1, …: the tensors of a list. */
function named(tensors: readonly Tensor[]): Record<string, Tensor> {
  return Object.fromEntries(tensors.map((tensor, i) => [`t${i}`, tensor]));
}

function normOf(tensors: readonly Tensor[], normType: number): Scalar {
  return tf.tidy(() => {
    if (normType === Infinity) return tf.max(tf.stack(tensors.map((t) => tf.max(tf.abs(t))))) as Scalar;
    if (normType === 2) return tf.sqrt(tf.addN(tensors.map((t) => tf.sum(tf.square(t))))) as Scalar;
    const sum = tf.addN(tensors.map((t) => tf.sum(tf.pow(tf.abs(t), normType))));
    return tf.pow(sum, 1 / normType) as Scalar;
  });
}

/** Inputs t0…; attributes count and normType; output a scalar. */
defineAccelerated({
  name: 'EngineGlobalNorm',
  reference: (inputs, attrs) => normOf(Object.values(inputs), attrs['normType'] as number),
});

/** Inputs t0…; attributes count, maxNorm and normType; outputs the norm and the clipped tensors. */
defineAccelerated({
  name: 'EngineClipGradNorm',
  reference(inputs, attrs) {
    const grads = Object.values(inputs);
    return tf.tidy(() => {
      const norm = normOf(grads, attrs['normType'] as number);
      const factor = tf.minimum(tf.div(attrs['maxNorm'] as number, tf.add(norm, 1e-6)), 1);
      return [norm, ...grads.map((grad) => tf.mul(grad, factor))];
    });
  },
});

/**
 * Norm of all elements of a list of tensors taken together, as a scalar on the device; 0 for an empty list.
 * @param normType p of the p-norm, or Infinity; 2 unless said
 */
export function globalNorm(tensors: readonly Tensor[], normType = 2): Scalar {
  if (tensors.length === 0) return tf.scalar(0);
  // On the tape it is made of operators that have gradients.
  if (tf.engine().isTapeOn()) return normOf(tensors, normType);
  return runAccelerated<Scalar>('EngineGlobalNorm', named(tensors), { count: tensors.length, normType });
}

export interface ClippedGradients {
  /** New tensors, of the caller. */
  grads: Tensor[];
  /** Norm before clipping, of the caller. */
  norm: Scalar;
}

/**
 * Scales gradients so that their common norm is at most `maxNorm`: by min(1, maxNorm / (norm + 1e-6)), as
 * `torch.nn.utils.clip_grad_norm_`. Nothing is read from the device. Not differentiable.
 */
export function clipByGlobalNorm(
  grads: readonly Tensor[],
  maxNorm: number,
  { normType = 2 }: { normType?: number } = {},
): ClippedGradients {
  if (grads.length === 0) return { grads: [], norm: tf.scalar(0) };
  const attrs = { count: grads.length, maxNorm, normType };
  const [norm, ...clipped] = runAccelerated<Tensor[]>('EngineClipGradNorm', named(grads), attrs);
  return { grads: clipped, norm: norm as Scalar };
}

/** Cuts every element to [-value, value], as `torch.nn.utils.clip_grad_value_`; the results are the caller's. */
export function clipByValue(grads: readonly Tensor[], value: number): Tensor[] {
  return grads.map((grad) => tf.clipByValue(grad, -value, value));
}
