import { tf, type Scalar, type Tensor } from '@engine/tensor';

/** Euclidean norm of all elements. */
export function norm(tensor: Tensor): Scalar {
  return tf.sqrt(tf.sum(tf.square(tensor)));
}

/** `numerator / denominator`, or 1 where one of them is 0; nothing is read from the device. */
export function ratioOrOne(numerator: Scalar, denominator: Scalar): Scalar {
  const usable = tf.logicalAnd(tf.greater(numerator, 0), tf.greater(denominator, 0));
  const safe = tf.where(usable, denominator, tf.onesLike(denominator));
  return tf.where(usable, tf.div(numerator, safe), tf.onesLike(numerator));
}
