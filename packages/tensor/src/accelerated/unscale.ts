import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Scalar, Tensor } from '../tf.js';

/** Inputs g0, g1, …; outputs each times `factor`, then a scalar that is 0 when all of them are finite. */
defineAccelerated({
  name: 'EngineUnscale',
  reference: (inputs, attrs) =>
    tf.tidy(() => {
      const { factor, count } = attrs as { factor: number; count: number };
      const scaled = Array.from({ length: count }, (_, i) => tf.mul(inputs[`g${i}`]!, factor));
      const strange = scaled.map((grad) => tf.sum(tf.cast(tf.logicalNot(tf.isFinite(grad)), 'float32')));
      return [...scaled, tf.addN(strange)];
    }),
});

export interface UnscaledGradients {
  /** New tensors, of the caller. */
  grads: Tensor[];
  /** 0 when every element is finite, else more; of the caller. Stays on the device. */
  overflow: Scalar;
}

/**
 * Takes the loss scale out of gradients and looks for infinities and NaN in the same pass, as the unscaling of
 * `torch.cuda.amp.GradScaler`.
 * @param grads at least one
 * @param factor one over the scale
 */
export function unscaleGradients(grads: readonly Tensor[], factor: number): UnscaledGradients {
  const inputs = Object.fromEntries(grads.map((grad, i) => [`g${i}`, grad]));
  const found = runAccelerated<Tensor[]>('EngineUnscale', inputs, { factor, count: grads.length });
  return { grads: found.slice(0, -1), overflow: found[found.length - 1] as Scalar };
}
