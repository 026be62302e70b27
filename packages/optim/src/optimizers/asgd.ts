import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import type { ParamRef } from '@engine/tensor';
import { requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { byState } from './by-step.js';
import { descentOf, updateElementwise } from './elementwise.js';

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
    const { lr, lambd, alpha, t0, weightDecay, maximize } = batch.group as ParamGroup & Required<ASGDOptions>;
    for (const part of byState(batch, ({ step, numbers }) => `${step} ${numbers.eta} ${numbers.mu}`)) {
      const { step, numbers } = part.states[0]!;
      const { eta = lr, mu = 1 } = numbers;
      updateElementwise(part, ['ax'], (x) => {
        const grad = descentOf(x, weightDecay, maximize);
        const param = x.param.mul(1 - lambd * eta).sub(grad.mul(eta));
        return { param, ax: mu === 1 ? param : x.ax.lerp(param, mu) };
      });
      for (const state of part.states) {
        state.numbers.eta = lr / (1 + lambd * lr * step) ** alpha;
        state.numbers.mu = 1 / Math.max(1, step - t0);
      }
    }
  }
}
