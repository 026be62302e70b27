import { badValue } from '@engine/core';
import { tf, type Reduction, type Tensor } from '@engine/tensor';

/** Applies a reduction to a loss of every element. */
export function reduce(owner: string, loss: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return loss;
  if (reduction === 'sum') return tf.sum(loss);
  if (reduction === 'mean') return tf.mean(loss);
  throw badValue(`${owner}.reduction`, reduction, "'mean', 'sum' or 'none'");
}

/** @throws E_CONFIG_VALUE when the two have different shapes */
export function checkShapes(owner: string, prediction: Tensor, target: Tensor): void {
  if (tf.util.arraysEqual(prediction.shape, target.shape)) return;
  throw badValue(
    `${owner}.target.shape`,
    target.shape,
    `the shape of the prediction, [${prediction.shape.join(', ')}]`,
  );
}
