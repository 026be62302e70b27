import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import type { ParamRef } from '@engine/tensor';
import { requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { byStep } from './by-step.js';
import { descentOf, updateElementwise } from './elementwise.js';

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
    const { lr, lrDecay, eps, weightDecay, maximize } = batch.group as ParamGroup & Required<AdagradOptions>;
    for (const part of byStep(batch)) {
      const rate = lr / (1 + (part.step - 1) * lrDecay);
      updateElementwise(part, ['sum'], (x) => {
        const grad = descentOf(x, weightDecay, maximize);
        const sum = x.sum.add(grad.square());
        return { param: x.param.sub(grad.div(sum.sqrt().add(eps)).mul(rate)), sum };
      });
    }
  }
}
