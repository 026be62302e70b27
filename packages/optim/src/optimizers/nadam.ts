import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import type { ParamRef } from '@engine/tensor';
import { requireBetas, requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { byState } from './by-step.js';
import { descentOf, updateElementwise } from './elementwise.js';

export interface NAdamOptions {
  /** Learning rate; 0.002. */
  lr?: number;
  /** Decay rates of the averages; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** Weight decay, an L2 penalty unless decoupled; 0. */
  weightDecay?: number;
  /** Decay the parameter itself, as AdamW does; false. */
  decoupledWeightDecay?: boolean;
  /** How fast momentum grows to the first beta; 0.004. */
  momentumDecay?: number;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    NAdam: NAdamOptions;
  }
}

const DEFAULTS: Required<NAdamOptions> = {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  decoupledWeightDecay: false,
  momentumDecay: 4e-3,
  maximize: false,
};

/**
 * Adam with Nesterov momentum, `torch.optim.NAdam`'s semantics.
 * @throws E_CONFIG_VALUE
 * @see Dozat, "Incorporating Nesterov Momentum into Adam", 2016
 */
@register(OPTIMIZERS)
export class NAdam extends Optimizer {
  constructor(params: ParamsInput, options: NAdamOptions = {}) {
    checkKeys('NAdam', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps', 'weightDecay', 'momentumDecay'])
      requireNonNegative(`NAdam.${key}`, group[key]);
    requireBetas('NAdam.betas', group.betas);
  }

  protected override initState(param: ParamRef) {
    return {
      buffers: { exp_avg: newBuffer(param), exp_avg_sq: newBuffer(param) },
      numbers: { mu_product: 1 },
    };
  }

  protected update(batch: UpdateBatch): void {
    const options = batch.group as ParamGroup & Required<NAdamOptions>;
    const { lr, eps, weightDecay, decoupledWeightDecay: decoupled, momentumDecay, maximize } = options;
    const [beta1, beta2] = options.betas;
    for (const part of byState(batch, ({ step, numbers }) => `${step} ${numbers.mu_product}`)) {
      const { step, numbers } = part.states[0]!;
      const mu = beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
      const next = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentumDecay));
      const product = numbers.mu_product! * mu;
      for (const state of part.states) state.numbers.mu_product = product;
      updateElementwise(part, ['exp_avg', 'exp_avg_sq'], (x) => {
        const grad = descentOf(x, decoupled ? 0 : weightDecay, maximize);
        const average = x.exp_avg.lerp(grad, 1 - beta1);
        const squares = x.exp_avg_sq.decayAdd(beta2, grad.square(), 1 - beta2);
        const root = squares
          .div(1 - beta2 ** step)
          .sqrt()
          .add(eps);
        const start = decoupled ? x.param.mul(1 - lr * weightDecay) : x.param;
        return {
          param: start
            .sub(grad.div(root).mul((lr * (1 - mu)) / (1 - product)))
            .sub(average.div(root).mul((lr * next) / (1 - product * next))),
          exp_avg: average,
          exp_avg_sq: squares,
        };
      });
    }
  }
}
