import { badValue } from '@engine/core';

import { runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';
import { defineActivation } from './define-activation.js';

// The constants of D. Hendrycks, K. Gimpel 2016 (arXiv:1606.08415): the tanh form approximates Φ(x).
const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBE = 0.044715;

const normalCdf = (x: Tensor): Tensor => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
const normalDensity = (x: Tensor): Tensor =>
  tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

defineActivation(
  'EngineGelu',
  (x) => tf.mul(x, normalCdf(x)),
  (x) => tf.add(normalCdf(x), tf.mul(x, normalDensity(x))),
);

/** The approximation of Φ(x). */
const tanhCdf = (x: Tensor): Tensor => {
  const argument = tf.mul(tf.mul(x, TANH_SCALE), tf.add(tf.mul(tf.square(x), TANH_CUBE), 1));
  return tf.mul(tf.add(tf.tanh(argument), 1), 0.5);
};

defineActivation(
  'EngineGeluTanh',
  (x) => tf.mul(x, tanhCdf(x)),
  (x) => {
    // With t = 2·cdf - 1 the derivative of the cdf is (1 - t²)/2 · u' = 2·cdf·(1 - cdf)·u'.
    const cdf = tanhCdf(x);
    const inner = tf.add(tf.mul(tf.square(x), 3 * TANH_CUBE * TANH_SCALE), TANH_SCALE);
    return tf.add(cdf, tf.mul(tf.mul(tf.mul(x, inner), tf.mul(cdf, tf.sub(1, cdf))), 2));
  },
);

defineActivation(
  'EngineSilu',
  (x) => tf.mul(x, tf.sigmoid(x)),
  (x) => {
    const s = tf.sigmoid(x);
    return tf.mul(s, tf.add(tf.mul(x, tf.sub(1, s)), 1));
  },
);

defineActivation(
  'EngineHardswish',
  (x) => tf.mul(x, tf.clipByValue(tf.add(tf.div(x, 6), 0.5), 0, 1)),
  (x) => {
    const inside = tf.add(tf.div(x, 3), 0.5);
    return tf.where(tf.lessEqual(x, -3), tf.zerosLike(x), tf.where(tf.less(x, 3), inside, tf.onesLike(x)));
  },
);

/** log(1 + exp(x)) that neither overflows nor loses small values. */
const softplusOf = (x: Tensor): Tensor => tf.add(tf.relu(x), tf.log1p(tf.exp(tf.neg(tf.abs(x)))));

defineActivation(
  'EngineMish',
  (x) => tf.mul(x, tf.tanh(softplusOf(x))),
  (x) => {
    const t = tf.tanh(softplusOf(x));
    return tf.add(t, tf.mul(tf.mul(x, tf.sigmoid(x)), tf.sub(1, tf.square(t))));
  },
);

defineActivation(
  'EngineSoftplus',
  (x, attrs) => {
    const scaled = tf.mul(x, attrs['beta']!);
    const soft = tf.div(softplusOf(scaled), attrs['beta']!);
    return tf.where(tf.greater(scaled, attrs['threshold']!), x, soft);
  },
  (x, attrs) => {
    const scaled = tf.mul(x, attrs['beta']!);
    return tf.where(tf.greater(scaled, attrs['threshold']!), tf.onesLike(x), tf.sigmoid(scaled));
  },
);

defineActivation(
  'EngineLogSigmoid',
  (x) => tf.neg(softplusOf(tf.neg(x))),
  (x) => tf.sigmoid(tf.neg(x)),
);

/**
 * x · Φ(x), any shape (D. Hendrycks, K. Gimpel 2016, arXiv:1606.08415).
 * @param approximate 'tanh' for the approximation of the paper; 'none', by the error function, unless said
 */
export function gelu<T extends Tensor>(
  x: T,
  { approximate = 'none' }: { approximate?: 'none' | 'tanh' } = {},
): T {
  if (approximate !== 'none' && approximate !== 'tanh')
    throw badValue('gelu.approximate', approximate, "'none' or 'tanh'");
  return runAccelerated<Tensor>(approximate === 'tanh' ? 'EngineGeluTanh' : 'EngineGelu', { x }) as T;
}

/** x · sigmoid(x), any shape: the swish of P. Ramachandran et al. 2017 (arXiv:1710.05941) with β = 1. */
export function silu<T extends Tensor>(x: T): T {
  return runAccelerated<Tensor>('EngineSilu', { x }) as T;
}

/** x · clip(x / 6 + 1/2, 0, 1), any shape: A. Howard et al. 2019, MobileNetV3 (arXiv:1905.02244). */
export function hardswish<T extends Tensor>(x: T): T {
  return runAccelerated<Tensor>('EngineHardswish', { x }) as T;
}

/** x · tanh(log(1 + exp(x))), any shape: D. Misra 2019 (arXiv:1908.08681). */
export function mish<T extends Tensor>(x: T): T {
  return runAccelerated<Tensor>('EngineMish', { x }) as T;
}

/** log(1 + exp(beta · x)) / beta, and x itself where beta · x exceeds the threshold; any shape. */
export function softplus<T extends Tensor>(
  x: T,
  { beta = 1, threshold = 20 }: { beta?: number; threshold?: number } = {},
): T {
  return runAccelerated<Tensor>('EngineSoftplus', { x }, { beta, threshold }) as T;
}

/** log(sigmoid(x)), any shape, finite for every finite x. */
export function logSigmoid<T extends Tensor>(x: T): T {
  return runAccelerated<Tensor>('EngineLogSigmoid', { x }) as T;
}
