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

/** Numbers, nested as their shape says. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** A factor as a tensor. @throws E_CONFIG_VALUE when it does not broadcast to the shape of `like` */
export function factor(owner: string, value: Tensor | NestedNumbers, like: Tensor): Tensor {
  const tensor = value instanceof tf.Tensor ? value : tf.tensor(value as number[], undefined, 'float32');
  const fits =
    tensor.rank <= like.rank &&
    tensor.shape.every((n, i) => n === 1 || n === like.shape[like.rank - tensor.rank + i]);
  if (!fits)
    throw badValue(`${owner}.shape`, tensor.shape, `one that broadcasts to [${like.shape.join(', ')}]`);
  return tensor;
}
