import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { tf, type ParamRef } from '@engine/tensor';
import { requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { descend, descent } from './math.js';

export interface AdagradOptions {
  /** Learning rate; 0.01. */
  lr?: number;
  /** Growth of the divisor of the learning rate per step; 0. */
  lrDecay?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** First value of the sum; 0. */
  initialAccumulatorValue?: number;
  /** Added to the denominator; 1e-10. */
  eps?: number;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Adagrad: AdagradOptions;
  }
}

const DEFAULTS: Required<AdagradOptions> = {
  lr: 1e-2,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
};

/**
 * Divides by the root of the sum of all squared gradients, `torch.optim.Adagrad`'s semantics.
 * @throws E_CONFIG_VALUE
 * @see Duchi et al., "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", 2011
 */
@register(OPTIMIZERS)
export class Adagrad extends Optimizer {
  constructor(params: ParamsInput, options: AdagradOptions = {}) {
    checkKeys('Adagrad', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps'])
      requireNonNegative(`Adagrad.${key}`, group[key]);
  }

  protected override initState(param: ParamRef, group: ParamGroup) {
    return { buffers: { sum: newBuffer(param, group.initialAccumulatorValue as number) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const options = batch.group as ParamGroup & Required<AdagradOptions>;
    batch.variables.forEach((param, i) => {
      const { buffers, step } = batch.states[i]!;
      const grad = descent(batch.grads[i]!, param, options.weightDecay, options.maximize);
      const sum = buffers.sum!;
      sum.assign(tf.add(sum, tf.square(grad)));
      const rate = options.lr / (1 + (step - 1) * options.lrDecay);
      descend(param, tf.div(grad, tf.add(tf.sqrt(sum), options.eps)), rate);
    });
  }
}
