import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import type { ParamRef } from '@engine/tensor';
import { requireBetas, requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { byStep } from './by-step.js';
import { descentOf, updateElementwise } from './elementwise.js';

export interface AdamaxOptions {
  /** Learning rate; 0.002. */
  lr?: number;
  /** Decay rates of the averages; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Adamax: AdamaxOptions;
  }
}

const DEFAULTS: Required<AdamaxOptions> = {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  maximize: false,
};

/**
 * Adam with the largest gradient so far in place of the second moment, `torch.optim.Adamax`'s semantics.
 * @throws E_CONFIG_VALUE
 * @see Kingma and Ba, "Adam: A Method for Stochastic Optimization", section 7.1, arXiv:1412.6980
 */
@register(OPTIMIZERS)
export class Adamax extends Optimizer {
  constructor(params: ParamsInput, options: AdamaxOptions = {}) {
    checkKeys('Adamax', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps', 'weightDecay']) requireNonNegative(`Adamax.${key}`, group[key]);
    requireBetas('Adamax.betas', group.betas);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { exp_avg: newBuffer(param), exp_inf: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const { lr, betas, eps, weightDecay, maximize } = batch.group as ParamGroup & Required<AdamaxOptions>;
    const [beta1, beta2] = betas;
    for (const part of byStep(batch)) {
      const rate = lr / (1 - beta1 ** part.step);
      updateElementwise(part, ['exp_avg', 'exp_inf'], (x) => {
        const grad = descentOf(x, weightDecay, maximize);
        const average = x.exp_avg.lerp(grad, 1 - beta1);
        const largest = x.exp_inf.mul(beta2).max(grad.abs().add(eps));
        return { param: x.param.sub(average.div(largest).mul(rate)), exp_avg: average, exp_inf: largest };
      });
    }
  }
}
