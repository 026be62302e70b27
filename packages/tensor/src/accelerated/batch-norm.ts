import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor, Tensor1D } from '../tf.js';

// S. Ioffe, C. Szegedy: Batch Normalization, 2015 (arXiv:1502.03167), algorithm 1 and the gradients of section 3.

interface Attrs {
  epsilon: number;
  relu?: boolean;
}

/** Rows of channels: [..., C] → [M, C]. */
function rows(x: Tensor): tf.Tensor2D {
  return tf.reshape(x, [-1, x.shape[x.shape.length - 1]!]) as tf.Tensor2D;
}

defineAccelerated({
  name: 'EngineBatchNormTrain',
  reference({ x, gamma, beta }, attrs) {
    const { epsilon, relu: withRelu } = attrs as unknown as Attrs;
    return tf.tidy(() => {
      const x2 = rows(x!);
      const mean = tf.mean(x2, 0);
      const centred = tf.sub(x2, mean);
      const variance = tf.mean(tf.square(centred), 0);
      const invStd = tf.rsqrt(tf.add(variance, epsilon));
      const y = tf.add(tf.mul(centred, tf.mul(invStd, gamma!)), beta!);
      return [tf.reshape(withRelu ? tf.relu(y) : y, x!.shape), mean, invStd, variance];
    });
  },
  gradient: {
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [false, true, true, false],
    gradFunc: (dys, saved) => {
      const [x, gamma, mean, invStd] = saved as [Tensor, Tensor, Tensor, Tensor];
      return grads({ dy: (dys as Tensor[])[0]!, x, gamma, mean, invStd }, false);
    },
  },
});

// The gradient of the plain form needs no output, that of the form with ReLU does, and a kernel's list of what to save
// is fixed: hence a second name, which runs the first kernel with `relu` set.
defineAccelerated({
  name: 'EngineBatchNormReluTrain',
  reference: (inputs, attrs) =>
    runAccelerated<Tensor[]>('EngineBatchNormTrain', inputs, { ...attrs, relu: true }),
  gradient: {
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [true, true, true, false],
    gradFunc: (dys, saved) => {
      const [x, gamma, y, mean, invStd] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
      return grads({ dy: (dys as Tensor[])[0]!, x, gamma, mean, invStd, y }, true);
    },
  },
});

function grads(
  inputs: Record<string, Tensor>,
  withRelu: boolean,
): tf.NamedTensorMap & Record<string, () => Tensor> {
  const [dx, dgamma, dbeta] = runAccelerated<Tensor[]>('EngineBatchNormTrainGrad', inputs, {
    relu: withRelu,
  });
  return { x: () => dx!, gamma: () => dgamma!, beta: () => dbeta! } as never;
}

defineAccelerated({
  name: 'EngineBatchNormTrainGrad',
  reference({ dy, x, gamma, mean, invStd, y }, attrs) {
    return tf.tidy(() => {
      const g = rows(attrs['relu'] ? tf.mul(dy!, tf.step(y!)) : dy!);
      const normalised = tf.mul(tf.sub(rows(x!), mean!), invStd!);
      const dbeta = tf.sum(g, 0);
      const dgamma = tf.sum(tf.mul(g, normalised), 0);
      const count = g.shape[0]!;
      const inner = tf.sub(tf.sub(g, tf.div(dbeta, count)), tf.mul(normalised, tf.div(dgamma, count)));
      return [tf.reshape(tf.mul(inner, tf.mul(gamma!, invStd!)), x!.shape), dgamma, dbeta];
    });
  },
});

/** What {@link batchNormTrain} returns: the output and the statistics of the batch, each of shape [C]. */
export interface BatchNormResult {
  y: Tensor;
  mean: Tensor1D;
  /** Biased: divided by the number of values. */
  variance: Tensor1D;
  /** 1 / sqrt(variance + epsilon). */
  invStd: Tensor1D;
}

export interface BatchNormOptions {
  /** Added to the variance; 1e-5 unless said. */
  epsilon?: number;
  /** Apply ReLU to the result in the same pass; false unless said. */
  relu?: boolean;
}

/**
 * Batch normalisation with the statistics of the batch, over all axes but the last: y = (x - mean) / sqrt(variance +
 * epsilon) · gamma + beta, then ReLU when asked for. Differentiable in x, gamma and beta; not through the statistics
 * it returns.
 * @param x [..., C]
 * @param gamma [C]
 * @param beta [C]
 */
export function batchNormTrain(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  { epsilon = 1e-5, relu: withRelu = false }: BatchNormOptions = {},
): BatchNormResult {
  const name = withRelu ? 'EngineBatchNormReluTrain' : 'EngineBatchNormTrain';
  const [y, mean, invStd, variance] = runAccelerated<Tensor[]>(
    name,
    { x, gamma, beta },
    { epsilon, relu: withRelu },
  );
  return { y: y!, mean: mean as Tensor1D, variance: variance as Tensor1D, invStd: invStd as Tensor1D };
}

// tfjs's own gradient tiles the statistics to the size of x.
defineAccelerated({
  name: 'EngineBatchNormEval',
  reference: ({ x, gamma, beta, mean, variance }, attrs) =>
    tf.tidy(() => {
      const { epsilon } = attrs as unknown as Attrs;
      const y = tf.batchNorm(
        rows(x!),
        mean as never,
        variance as never,
        beta as never,
        gamma as never,
        epsilon,
      );
      return tf.reshape(y, x!.shape);
    }),
  gradient: {
    inputsToSave: ['x', 'gamma', 'mean', 'variance'],
    gradFunc: (dy, saved, attrs) => {
      const [x, gamma, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor];
      const { epsilon } = attrs as unknown as Attrs;
      const invStd = (): Tensor => tf.rsqrt(tf.add(variance, epsilon));
      return {
        x: () => tf.mul(dy as Tensor, tf.mul(gamma, invStd())),
        gamma: () => tf.mul(tf.sum(tf.mul(rows(dy as Tensor), tf.sub(rows(x), mean)), 0), invStd()),
        beta: () => tf.sum(rows(dy as Tensor), 0),
      };
    },
  },
});

/**
 * Batch normalisation with given statistics: y = (x - mean) / sqrt(variance + epsilon) · gamma + beta. Differentiable
 * in x, gamma and beta; the statistics count as constants.
 * @param x [..., C]; all others [C]
 * @param epsilon 1e-5 unless said
 */
export function batchNormEval(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  statistics: { mean: Tensor; variance: Tensor },
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): Tensor {
  return runAccelerated<Tensor>('EngineBatchNormEval', { x, gamma, beta, ...statistics }, { epsilon });
}
