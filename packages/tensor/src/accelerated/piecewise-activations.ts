import { runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';
import { defineActivation } from './define-activation.js';

// Activations with corners. In a corner the slope is the one that PyTorch takes, that of the flat side.

const between = (x: Tensor, low: number, high: number): Tensor =>
  tf.cast(tf.logicalAnd(tf.greater(x, low), tf.less(x, high)), 'float32');

defineActivation(
  'EngineLeakyRelu',
  (x, attrs) => tf.where(tf.greater(x, 0), x, tf.mul(x, attrs['slope']!)),
  (x, attrs) => tf.where(tf.greater(x, 0), tf.onesLike(x), tf.fill(x.shape, attrs['slope']!)),
);

defineActivation(
  'EngineHardtanh',
  (x, attrs) => tf.clipByValue(x, attrs['low']!, attrs['high']!),
  (x, attrs) => between(x, attrs['low']!, attrs['high']!),
);

defineActivation(
  'EngineHardsigmoid',
  (x) => tf.clipByValue(tf.add(tf.div(x, 6), 0.5), 0, 1),
  (x) => tf.div(between(x, -3, 3), 6),
);

/** scale · (x where positive, else alpha · (exp(x) - 1)) */
defineActivation(
  'EngineElu',
  (x, attrs) => {
    const below = tf.mul(tf.expm1(tf.minimum(x, 0)), attrs['alpha']!);
    return tf.mul(tf.where(tf.greater(x, 0), x, below), attrs['scale']!);
  },
  (x, attrs) => {
    const below = tf.mul(tf.exp(tf.minimum(x, 0)), attrs['alpha']!);
    return tf.mul(tf.where(tf.greater(x, 0), tf.onesLike(x), below), attrs['scale']!);
  },
);

/** x where positive, else slope · x (0.01 unless said), any shape: A. Maas et al. 2013. */
export function leakyRelu<T extends Tensor>(x: T, slope = 0.01): T {
  return runAccelerated<Tensor>('EngineLeakyRelu', { x }, { slope }) as T;
}

/** x cut to [low, high], any shape. Its gradient is zero in both ends, as PyTorch's. */
export function hardtanh<T extends Tensor>(x: T, low = -1, high = 1): T {
  return runAccelerated<Tensor>('EngineHardtanh', { x }, { low, high }) as T;
}

/** clip(x / 6 + 1/2, 0, 1), any shape: A. Howard et al. 2019, MobileNetV3 (arXiv:1905.02244). */
export function hardsigmoid<T extends Tensor>(x: T): T {
  return runAccelerated<Tensor>('EngineHardsigmoid', { x }) as T;
}

/** x where positive, else alpha · (exp(x) - 1), any shape: D.-A. Clevert et al. 2015 (arXiv:1511.07289). */
export function elu<T extends Tensor>(x: T, alpha = 1): T {
  return runAccelerated<Tensor>('EngineElu', { x }, { alpha, scale: 1 }) as T;
}

/** The exponential linear unit that keeps mean 0 and variance 1: G. Klambauer et al. 2017 (arXiv:1706.02515). */
export function selu<T extends Tensor>(x: T): T {
  const attrs = { alpha: 1.6732632423543772, scale: 1.0507009873554805 };
  return runAccelerated<Tensor>('EngineElu', { x }, attrs) as T;
}
