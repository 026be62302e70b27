import { badValue } from '@engine/core';
import { tf, type Reduction, type Tensor } from '@engine/tensor';

export interface RegressionLossOptions {
  /** 'mean' over all elements unless said. */
  reduction?: Reduction;
}

function reduce(owner: string, loss: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return loss;
  if (reduction === 'sum') return tf.sum(loss);
  if (reduction === 'mean') return tf.mean(loss);
  throw badValue(`${owner}.reduction`, reduction, "'mean', 'sum' or 'none'");
}

function checkShapes(owner: string, prediction: Tensor, target: Tensor): void {
  if (tf.util.arraysEqual(prediction.shape, target.shape)) return;
  throw badValue(
    `${owner}.target.shape`,
    target.shape,
    `the shape of the prediction, [${prediction.shape.join(', ')}]`,
  );
}

/** Squared error, (prediction - target)², of two tensors of one shape. */
export function mseLoss(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean' }: RegressionLossOptions = {},
): Tensor {
  checkShapes('mseLoss', prediction, target);
  return tf.tidy(() => reduce('mseLoss', tf.square(tf.sub(prediction, target)), reduction));
}

/** Absolute error, |prediction - target|, of two tensors of one shape; its gradient at 0 is 0. */
export function l1Loss(
  prediction: Tensor,
  target: Tensor,
  { reduction = 'mean' }: RegressionLossOptions = {},
): Tensor {
  checkShapes('l1Loss', prediction, target);
  return tf.tidy(() => reduce('l1Loss', tf.abs(tf.sub(prediction, target)), reduction));
}
