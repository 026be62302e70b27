import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import type { ParamRef } from '@engine/tensor';
import { requireBetas, requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { byStep } from './by-step.js';
import { descentOf, updateElementwise } from './elementwise.js';

export interface RAdamOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Decay rates of the averages; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** Weight decay, an L2 penalty unless decoupled; 0. */
  weightDecay?: number;
  /** Decay the parameter itself, as AdamW does; false. */
  decoupledWeightDecay?: boolean;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    RAdam: RAdamOptions;
  }
}

const DEFAULTS: Required<RAdamOptions> = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  decoupledWeightDecay: false,
  maximize: false,
};

/**
 * Adam that trusts the second moment only once its variance is known, `torch.optim.RAdam`'s semantics.
 * @throws E_CONFIG_VALUE
 * @see Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", arXiv:1908.03265
 */
@register(OPTIMIZERS)
export class RAdam extends Optimizer {
  constructor(params: ParamsInput, options: RAdamOptions = {}) {
    checkKeys('RAdam', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps', 'weightDecay']) requireNonNegative(`RAdam.${key}`, group[key]);
    requireBetas('RAdam.betas', group.betas);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { exp_avg: newBuffer(param), exp_avg_sq: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const options = batch.group as ParamGroup & Required<RAdamOptions>;
    const { lr, eps, weightDecay, decoupledWeightDecay: decoupled, maximize } = options;
    const [beta1, beta2] = options.betas;
    for (const part of byStep(batch)) {
      const { step } = part;
      const correction2 = 1 - beta2 ** step;
      const rhoMax = 2 / (1 - beta2) - 1;
      const rho = rhoMax - (2 * step * beta2 ** step) / correction2;
      const rate = lr / (1 - beta1 ** step);
      const rectified = ((rho - 4) * (rho - 2) * rhoMax) / ((rhoMax - 4) * (rhoMax - 2) * rho);
      updateElementwise(part, ['exp_avg', 'exp_avg_sq'], (x) => {
        const grad = descentOf(x, decoupled ? 0 : weightDecay, maximize);
        const average = x.exp_avg.lerp(grad, 1 - beta1);
        const squares = x.exp_avg_sq.decayAdd(beta2, grad.square(), 1 - beta2);
        const start = decoupled ? x.param.mul(1 - lr * weightDecay) : x.param;
        const step =
          rho > 5
            ? average.div(squares.sqrt().add(eps)).mul(rate * Math.sqrt(correction2 * rectified))
            : average.mul(rate);
        return { param: start.sub(step), exp_avg: average, exp_avg_sq: squares };
      });
    }
  }
}
