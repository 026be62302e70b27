import { copyTensor, tf, type ParamRef, type Tensor, type Variable } from '@engine/tensor';

/** What an optimizer remembers about one parameter. */
export interface ParamState {
  /** Updates made so far. */
  step: number;
  /** Running averages and the like, by PyTorch's names (`exp_avg`), created with the first update. */
  buffers: Record<string, Variable>;
  /** Plain numbers that PyTorch keeps as scalar tensors (`mu_product`). */
  numbers: Record<string, number>;
}

/** A variable to keep state in: `shape` (the parameter's unless said) filled with `value`, not trainable. */
export function newBuffer(
  param: ParamRef,
  value = 0,
  shape: readonly number[] = param.variable.shape,
): Variable {
  return tf.tidy(() => tf.variable(tf.fill([...shape], value), false));
}

export function disposeBuffers(state: ParamState): void {
  for (const buffer of Object.values(state.buffers)) buffer.dispose();
}

/** A variable, not trainable, with a copy of `tensor` that shares no storage: updates in place must not reach it. */
export function copyToVariable(tensor: Tensor): Variable {
  return tf.tidy(() => tf.variable(copyTensor(tensor), false));
}
