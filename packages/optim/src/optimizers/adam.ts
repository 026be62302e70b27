import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { adamUpdate, type ParamRef } from '@engine/tensor';
import { requireBetas, requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { byStep } from './by-step.js';

export interface AdamOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Decay rates of the averages of the gradient and of its square; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** L2 penalty for Adam (0), decoupled decay for AdamW (0.01). */
  weightDecay?: number;
  /** Decay the parameter itself, as AdamW does; false. */
  decoupledWeightDecay?: boolean;
  /** Divide by the largest second moment so far; false. */
  amsgrad?: boolean;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Adam: AdamOptions;
  }
}

const DEFAULTS: Required<AdamOptions> = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  decoupledWeightDecay: false,
  amsgrad: false,
  maximize: false,
};

/**
 * Adam with `torch.optim.Adam`'s semantics: weight decay is an L2 penalty unless decoupled.
 * @throws E_CONFIG_VALUE for a negative lr, eps or weight decay, or betas outside [0, 1)
 * @see Kingma and Ba, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980; amsgrad: arXiv:1904.09237
 */
@register(OPTIMIZERS)
export class Adam extends Optimizer {
  constructor(params: ParamsInput, options: AdamOptions = {}) {
    checkKeys(new.target.name, options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps', 'weightDecay']) requireNonNegative(`${this.name}.${key}`, group[key]);
    requireBetas(`${this.name}.betas`, group.betas);
  }

  protected override initState(param: ParamRef, group: ParamGroup) {
    const buffers = { exp_avg: newBuffer(param), exp_avg_sq: newBuffer(param) };
    return {
      buffers: group.amsgrad ? { ...buffers, max_exp_avg_sq: newBuffer(param) } : buffers,
      numbers: {},
    };
  }

  protected update(batch: UpdateBatch): void {
    const options = batch.group as ParamGroup & Required<AdamOptions>;
    for (const { step, variables, grads, states } of byStep(batch)) {
      adamUpdate({
        ...options,
        params: variables,
        grads,
        expAvgs: states.map((s) => s.buffers.exp_avg!),
        expAvgSqs: states.map((s) => s.buffers.exp_avg_sq!),
        maxExpAvgSqs: options.amsgrad ? states.map((s) => s.buffers.max_exp_avg_sq!) : undefined,
        step,
        beta1: options.betas[0],
        beta2: options.betas[1],
        decoupled: options.decoupledWeightDecay,
      });
    }
  }
}
