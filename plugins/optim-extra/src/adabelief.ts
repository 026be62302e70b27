import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  byStep,
  definedOnly,
  descentOf,
  newBuffer,
  Optimizer,
  requireBetas,
  requireNonNegative,
  updateElementwise,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import type { ParamRef } from '@engine/tensor';

export interface AdaBeliefOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Decay rates of the averages of the gradient and of its squared surprise; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the second average in every step, and to the denominator; 1e-16. */
  eps?: number;
  /** Weight decay; 0. */
  weightDecay?: number;
  /** Decay the weights themselves, as AdamW does, instead of an L2 penalty; true. */
  decoupledWeightDecay?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    AdaBelief: AdaBeliefOptions;
  }
}

const DEFAULTS: Required<AdaBeliefOptions> = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-16,
  weightDecay: 0,
  decoupledWeightDecay: true,
};

/**
 * Adam that divides by how far gradients stray from their average, not by their size.
 * @throws E_CONFIG_VALUE for a negative lr, eps or weight decay, or betas outside [0, 1)
 * @see Zhuang et al., "AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients",
 *   arXiv:2010.07468, algorithm 2
 */
@register(OPTIMIZERS)
export class AdaBelief extends Optimizer {
  constructor(params: ParamsInput, options: AdaBeliefOptions = {}) {
    checkKeys('AdaBelief', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps', 'weightDecay']) requireNonNegative(`AdaBelief.${key}`, group[key]);
    requireBetas('AdaBelief.betas', group.betas);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { exp_avg: newBuffer(param), exp_avg_var: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const { lr, betas, eps, weightDecay, decoupledWeightDecay } = batch.group as ParamGroup &
      Required<AdaBeliefOptions>;
    for (const part of byStep(batch)) {
      const rate = lr / (1 - betas[0] ** part.step);
      const correction = Math.sqrt(1 - betas[1] ** part.step);
      updateElementwise(part, ['exp_avg', 'exp_avg_var'], (x) => {
        const grad = descentOf(x, decoupledWeightDecay ? 0 : weightDecay, false);
        const start = decoupledWeightDecay ? x.param.mul(1 - lr * weightDecay) : x.param;
        const average = x.exp_avg.decayAdd(betas[0], grad, 1 - betas[0]);
        const surprise = grad.sub(average).square();
        const variance = x.exp_avg_var.decayAdd(betas[1], surprise, 1 - betas[1]).add(eps);
        const root = variance.sqrt().div(correction).add(eps);
        return { param: start.sub(average.div(root).mul(rate)), exp_avg: average, exp_avg_var: variance };
      });
    }
  }
}
