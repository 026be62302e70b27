import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';

// Y. Wu, K. He: Group Normalization, 2018 (arXiv:1803.08494). With one channel to a group it is the instance
// normalisation of D. Ulyanov et al. 2016 (arXiv:1607.08022).

/** [N, ..., C] → [N, S, G, C / G]. */
function grouped(x: Tensor, groups: number): tf.Tensor4D {
  const channels = x.shape[x.rank - 1]!;
  return tf.reshape(x, [x.shape[0]!, -1, groups, channels / groups]) as tf.Tensor4D;
}

/** Statistics [N, G] so that they broadcast over [N, S, G, C / G]. */
function spread(statistics: Tensor): Tensor {
  const [n, g] = statistics.shape;
  return tf.reshape(statistics, [n!, 1, g!, 1]);
}

/** Outputs: y of the shape of x, mean, invStd and (biased) variance, each [N, groups]. */
defineAccelerated({
  name: 'EngineGroupNorm',
  reference({ x, gamma, beta }, attrs) {
    const { groups, epsilon } = attrs as unknown as { groups: number; epsilon: number };
    return tf.tidy(() => {
      const x4 = grouped(x!, groups);
      const mean = tf.mean(x4, [1, 3]);
      const centred = tf.sub(x4, spread(mean));
      const variance = tf.mean(tf.square(centred), [1, 3]);
      const invStd = tf.rsqrt(tf.add(variance, epsilon));
      const normalised = tf.reshape(tf.mul(centred, spread(invStd)), x!.shape);
      return [tf.add(tf.mul(normalised, gamma!), beta!), mean, invStd, variance];
    });
  },
  gradient: {
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [false, true, true, false],
    gradFunc: (dys, saved, attrs) => {
      const [x, gamma, mean, invStd] = saved as [Tensor, Tensor, Tensor, Tensor];
      const dy = (dys as Tensor[])[0]!;
      const inputs = { dy, x, gamma, mean, invStd };
      const [dx, dgamma, dbeta] = runAccelerated<Tensor[]>('EngineGroupNormGrad', inputs, {
        groups: attrs['groups'],
      });
      return { x: () => dx!, gamma: () => dgamma!, beta: () => dbeta! };
    },
  },
});

/** Outputs: dx of the shape of x, dgamma [C], dbeta [C]. */
defineAccelerated({
  name: 'EngineGroupNormGrad',
  reference({ dy, x, gamma, mean, invStd }, attrs) {
    const groups = attrs['groups'] as number;
    return tf.tidy(() => {
      const normalised = tf.mul(tf.sub(grouped(x!, groups), spread(mean!)), spread(invStd!));
      const scaled = grouped(tf.mul(dy!, gamma!), groups);
      const along = tf.mean(tf.mul(scaled, normalised), [1, 3], true);
      const inner = tf.sub(tf.sub(scaled, tf.mean(scaled, [1, 3], true)), tf.mul(normalised, along));
      const dx = tf.reshape(tf.mul(inner, spread(invStd!)), x!.shape);
      const g = tf.reshape(dy!, [-1, gamma!.size]);
      return [dx, tf.sum(tf.mul(g, tf.reshape(normalised, g.shape)), 0), tf.sum(g, 0)];
    });
  },
});

export interface GroupNormResult {
  y: Tensor;
  /** [N, groups] */
  mean: Tensor;
  /** Biased: divided by the number of values. [N, groups] */
  variance: Tensor;
}

/**
 * Group normalisation: y = (x - mean) / sqrt(variance + epsilon) · gamma + beta with the statistics of each sample over
 * all positions and the C / groups channels of a group. Differentiable in x, gamma and beta; not through the
 * statistics it returns.
 * @param x [N, ..., C]
 * @param gamma [C]
 * @param beta [C]
 * @param groups must divide C
 * @param options.epsilon 1e-5 unless said
 * @throws E_CONFIG_VALUE when the shapes do not fit together
 */
export function groupNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  groups: number,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): GroupNormResult {
  const channels = gamma.size;
  if (x.rank < 2 || x.shape[x.rank - 1] !== channels || beta.size !== channels) {
    throw badValue('groupNorm.x.shape', x.shape, `[N, ..., ${channels}], channels as many as gamma and beta`);
  }
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw badValue('groupNorm.groups', groups, `a divisor of the number of channels, ${channels}`);
  }
  const [y, mean, invStd, variance] = runAccelerated<Tensor[]>(
    'EngineGroupNorm',
    { x, gamma, beta },
    { groups, epsilon },
  );
  invStd!.dispose();
  return { y: y!, mean: mean!, variance: variance! };
}
