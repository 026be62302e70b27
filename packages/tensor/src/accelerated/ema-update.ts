import { tf } from '../tf.js';
import type { Tensor, Variable } from '../tf.js';
import { sgdUpdate } from './optimizer-update.js';

export interface EmaUpdateOptions {
  averages: readonly Variable[];
  /** One new value for each average, of its shape. */
  values: readonly Tensor[];
  /** How much of the new value goes into the average, from 0 to 1. */
  share: number;
}

/**
 * average += share · (value - average) for a list of tensors, all in one call on a backend that has `EngineEmaUpdate`.
 * There the storage of the averages is overwritten: a `clone()` of one changes with it (see `copyTensor`).
 */
export function emaUpdate({ averages, values, share }: EmaUpdateOptions): void {
  if (averages.length === 0) return;
  if (!tf.getKernel('EngineEmaUpdate', tf.getBackend())) {
    // average - share · (average - value) is a step of plain SGD with the gradient -value and a weight decay of 1.
    sgdUpdate({ params: averages, grads: values, lr: share, weightDecay: 1, maximize: true });
    return;
  }
  const inputs: Record<string, Tensor> = {};
  averages.forEach((average, i) => {
    inputs[`p${i}`] = average;
    inputs[`g${i}`] = values[i]!;
  });
  tf.engine().runKernel('EngineEmaUpdate', inputs, { count: averages.length, share });
}
