import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { tf, type ParamRef } from '@engine/tensor';
import { requireNonNegative, requireWithin } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { decayAndAdd, descend, descent } from './math.js';

export interface AdadeltaOptions {
  /** Factor on the step; 1. */
  lr?: number;
  /** Decay rate of the averages; 0.9. */
  rho?: number;
  /** Added to the denominator; 1e-6. */
  eps?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Adadelta: AdadeltaOptions;
  }
}

const DEFAULTS: Required<AdadeltaOptions> = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false };

/**
 * Steps in the units of the parameters, from running averages of squared gradients and squared steps;
 * `torch.optim.Adadelta`'s semantics.
 * @throws E_CONFIG_VALUE
 * @see Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701
 */
@register(OPTIMIZERS)
export class Adadelta extends Optimizer {
  constructor(params: ParamsInput, options: AdadeltaOptions = {}) {
    checkKeys('Adadelta', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps', 'weightDecay']) requireNonNegative(`Adadelta.${key}`, group[key]);
    requireWithin('Adadelta.rho', group.rho, 0, 1);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { square_avg: newBuffer(param), acc_delta: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const options = batch.group as ParamGroup & Required<AdadeltaOptions>;
    batch.variables.forEach((param, i) => {
      const { buffers } = batch.states[i]!;
      const { eps, rho } = options;
      const grad = descent(batch.grads[i]!, param, options.weightDecay, options.maximize);
      const squares = buffers.square_avg!;
      const deltas = buffers.acc_delta!;
      decayAndAdd(squares, rho, tf.square(grad), 1 - rho);
      const ratio = tf.div(tf.sqrt(tf.add(deltas, eps)), tf.sqrt(tf.add(squares, eps)));
      const delta = tf.mul(ratio, grad);
      decayAndAdd(deltas, rho, tf.square(delta), 1 - rho);
      descend(param, delta, options.lr);
    });
  }
}
