import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { tf, type ParamRef } from '@engine/tensor';
import { requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { descent, moveTowards } from './math.js';

export interface ASGDOptions {
  /** Learning rate; 0.01. */
  lr?: number;
  /** Decay term; 1e-4. */
  lambd?: number;
  /** Power of the decay of the rate; 0.75. */
  alpha?: number;
  /** Step at which averaging starts; 1e6. */
  t0?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    ASGD: ASGDOptions;
  }
}

const DEFAULTS: Required<ASGDOptions> = {
  lr: 1e-2,
  lambd: 1e-4,
  alpha: 0.75,
  t0: 1e6,
  weightDecay: 0,
  maximize: false,
};

/**
 * Gradient descent with a decaying rate that also keeps the average of its iterates (the state `ax`);
 * `torch.optim.ASGD`'s semantics.
 * @throws E_CONFIG_VALUE
 * @see Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992
 */
@register(OPTIMIZERS)
export class ASGD extends Optimizer {
  constructor(params: ParamsInput, options: ASGDOptions = {}) {
    checkKeys('ASGD', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'lambd', 'alpha', 't0', 'weightDecay'])
      requireNonNegative(`ASGD.${key}`, group[key]);
  }

  protected override initState(param: ParamRef, group: ParamGroup) {
    return { buffers: { ax: newBuffer(param) }, numbers: { eta: group.lr, mu: 1 } };
  }

  protected update(batch: UpdateBatch): void {
    const options = batch.group as ParamGroup & Required<ASGDOptions>;
    batch.variables.forEach((param, i) => {
      const { buffers, numbers, step } = batch.states[i]!;
      const { lr, lambd, alpha, t0 } = options;
      const grad = descent(batch.grads[i]!, param, options.weightDecay, options.maximize);
      const { eta = lr, mu = 1 } = numbers;
      const average = buffers.ax!;
      param.assign(tf.sub(tf.mul(param, 1 - lambd * eta), tf.mul(grad, eta)));
      // With weight 1 the average is the parameter itself, in storage of its own.
      if (mu === 1) average.assign(tf.mul(param, 1));
      else moveTowards(average, param, mu);
      numbers.eta = lr / (1 + lambd * lr * step) ** alpha;
      numbers.mu = 1 / Math.max(1, step - t0);
    });
  }
}
