import { tf, type Tensor, type Variable } from '@engine/tensor';

/** The gradient to descend along: negated to maximise, with the gradient of an L2 penalty. */
export function descent(grad: Tensor, param: Tensor, weightDecay: number, maximize: boolean): Tensor {
  const down = maximize ? tf.neg(grad) : grad;
  return weightDecay ? tf.add(down, tf.mul(param, weightDecay)) : down;
}

/** Moves an average towards a value: average += weight · (value − average). */
export function moveTowards(average: Variable, value: Tensor, weight: number): void {
  average.assign(tf.add(average, tf.mul(tf.sub(value, average), weight)));
}

/** Decays a sum and adds to it: sum = decay · sum + weight · value. */
export function decayAndAdd(sum: Variable, decay: number, value: Tensor, weight: number): void {
  sum.assign(tf.add(tf.mul(sum, decay), tf.mul(value, weight)));
}

/** param −= factor · direction. */
export function descend(param: Variable, direction: Tensor, factor: number): void {
  param.assign(tf.sub(param, tf.mul(direction, factor)));
}
