import { EngineError } from '@engine/core';
import {
  differentiate,
  tf,
  type LogVars,
  type LossResult,
  type Scalar,
  type Tensor,
  type Variable,
} from '@engine/tensor';

export interface Gradients {
  logVars: LogVars;
  /** The loss as computed, whatever the seed. */
  loss: Scalar;
  /** Of the surrounding scope; without variables that the loss does not depend on. */
  grads: Map<Variable, Tensor>;
}

/**
 * Evaluates a loss and its gradients. When that fails nothing remains of what was to be reported either.
 * @param seed gradient of the loss, to scale all others; 1 unless said
 * @throws E_OPTIM_LOSS when the loss is no scalar, E_OPTIM_NO_GRADIENT when it depends on none of the variables
 */
export function lossGradients(compute: () => LossResult, variables: Variable[], seed?: number): Gradients {
  if (variables.length === 0) throw noGradient('every parameter of the optimizer is frozen');
  let logVars: LogVars = {};
  try {
    const { value, grads } = differentiate(
      () => {
        const result = compute();
        logVars = result.logVars;
        if (result.loss.rank !== 0) throw lossShape(result.loss);
        return result.loss;
      },
      variables,
      seed === undefined ? undefined : tf.scalar(seed),
    );
    const found = new Map<Variable, Tensor>();
    grads.forEach((grad, i) => {
      if (grad) found.set(variables[i]!, grad);
    });
    if (found.size === 0) throw noGradient('the loss does not depend on any parameter of the optimizer');
    return { logVars, loss: value as Scalar, grads: found };
  } catch (error) {
    for (const value of Object.values(logVars)) if (typeof value !== 'number') value.dispose();
    throw error;
  }
}

function noGradient(why: string): EngineError {
  return new EngineError({
    code: 'E_OPTIM_NO_GRADIENT',
    what: `There is nothing to update: ${why}.`,
    expected: 'a loss computed from the trainable parameters with differentiable operations',
    fix: 'check requiresGrad of the parameters, and that the loss is computed inside the function given to step()',
  });
}

function lossShape(loss: Tensor): EngineError {
  return new EngineError({
    code: 'E_OPTIM_LOSS',
    what: 'The loss is not a scalar.',
    received: `a tensor of shape [${loss.shape.join(', ')}]`,
    expected: 'a tensor of shape []',
    fix: 'reduce it, for instance with tf.mean',
  });
}
