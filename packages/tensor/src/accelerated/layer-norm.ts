import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';

// J. L. Ba, J. R. Kiros, G. E. Hinton: Layer Normalization, 2016 (arXiv:1607.06450), equation 4.

/** Outputs: y of the shape of x, mean and invStd, each [..., 1]. */
defineAccelerated({
  name: 'EngineLayerNorm',
  reference({ x, gamma, beta }, attrs) {
    return tf.tidy(() => {
      const mean = tf.mean(x!, -1, true);
      const centred = tf.sub(x!, mean);
      const variance = tf.mean(tf.square(centred), -1, true);
      const invStd = tf.rsqrt(tf.add(variance, attrs['epsilon'] as number));
      return [tf.add(tf.mul(tf.mul(centred, invStd), gamma!), beta!), mean, invStd];
    });
  },
  gradient: {
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [false, true, true],
    gradFunc: (dys, saved) => {
      const [x, gamma, mean, invStd] = saved as [Tensor, Tensor, Tensor, Tensor];
      const dy = (dys as Tensor[])[0]!;
      const [dx, dgamma, dbeta] = runAccelerated<Tensor[]>('EngineLayerNormGrad', {
        dy,
        x,
        gamma,
        mean,
        invStd,
      });
      return { x: () => dx!, gamma: () => dgamma!, beta: () => dbeta! };
    },
  },
});

/** Outputs: dx of the shape of x, dgamma [K], dbeta [K]. */
defineAccelerated({
  name: 'EngineLayerNormGrad',
  reference({ dy, x, gamma, mean, invStd }) {
    return tf.tidy(() => {
      const normalised = tf.mul(tf.sub(x!, mean!), invStd!);
      const scaled = tf.mul(dy!, gamma!);
      const along = tf.mean(tf.mul(scaled, normalised), -1, true);
      const inner = tf.sub(tf.sub(scaled, tf.mean(scaled, -1, true)), tf.mul(normalised, along));
      const leading = x!.shape.slice(0, -1).map((_, axis) => axis);
      const dgamma = tf.sum(tf.mul(dy!, normalised), leading);
      return [tf.mul(inner, invStd!), dgamma, tf.sum(dy!, leading)];
    });
  },
});

/**
 * Layer normalisation: y = (x - mean) / sqrt(variance + epsilon) · gamma + beta, with mean and (biased) variance of
 * each row of the last axis. To normalise over several axes, reshape them into one. Differentiable in x, gamma, beta.
 * @param x [..., K]
 * @param gamma [K]
 * @param beta [K]
 * @param options.epsilon 1e-5 unless said
 * @throws E_CONFIG_VALUE when the last axis of x is not K long
 */
export function layerNorm<T extends Tensor>(
  x: T,
  gamma: Tensor,
  beta: Tensor,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): T {
  if (x.shape[x.rank - 1] !== gamma.size || beta.size !== gamma.size) {
    throw badValue('layerNorm.x.shape', x.shape, `[..., ${gamma.size}], as long as gamma and beta`);
  }
  return runAccelerated<Tensor[]>('EngineLayerNorm', { x, gamma, beta }, { epsilon })[0] as T;
}
