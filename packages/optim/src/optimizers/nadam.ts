import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { tf, type ParamRef } from '@engine/tensor';
import { requireBetas, requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { decayAndAdd, descend, descent, moveTowards } from './math.js';

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
    batch.variables.forEach((param, i) => {
      const { buffers, numbers, step } = batch.states[i]!;
      const { lr, weightDecay, decoupledWeightDecay: decoupled, momentumDecay } = options;
      const [beta1, beta2] = options.betas;
      if (decoupled) param.assign(tf.mul(param, 1 - lr * weightDecay));
      const grad = descent(batch.grads[i]!, param, decoupled ? 0 : weightDecay, options.maximize);
      const mu = beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
      const next = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentumDecay));
      const product = (numbers.mu_product! *= mu);
      moveTowards(buffers.exp_avg!, grad, 1 - beta1);
      decayAndAdd(buffers.exp_avg_sq!, beta2, tf.square(grad), 1 - beta2);
      const denominator = tf.add(tf.sqrt(tf.div(buffers.exp_avg_sq!, 1 - beta2 ** step)), options.eps);
      descend(param, tf.div(grad, denominator), (lr * (1 - mu)) / (1 - product));
      descend(param, tf.div(buffers.exp_avg!, denominator), (lr * next) / (1 - product * next));
    });
  }
}
