import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { tf, type ParamRef } from '@engine/tensor';
import { requireBetas, requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { descend, descent, moveTowards } from './math.js';

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
    const options = batch.group as ParamGroup & Required<AdamaxOptions>;
    batch.variables.forEach((param, i) => {
      const { buffers, step } = batch.states[i]!;
      const [beta1, beta2] = options.betas;
      const grad = descent(batch.grads[i]!, param, options.weightDecay, options.maximize);
      const avg = buffers.exp_avg!;
      const largest = buffers.exp_inf!;
      moveTowards(avg, grad, 1 - beta1);
      largest.assign(tf.maximum(tf.mul(largest, beta2), tf.add(tf.abs(grad), options.eps)));
      descend(param, tf.div(avg, largest), options.lr / (1 - beta1 ** step));
    });
  }
}
