import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { definedOnly, requireNonNegative, type ParamGroup, type ParamsInput } from '@engine/optim';
import type { Tensor } from '@engine/tensor';
import { SophiaOptimizer, type SophiaOptions } from './sophia.js';

export interface SophiaHOptions extends SophiaOptions {
  /** How readily elements are clipped: more with a smaller value; 0.01. */
  gamma?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    SophiaH: SophiaHOptions;
  }
}

const DEFAULTS: Required<SophiaHOptions> = {
  lr: 1e-4,
  betas: [0.965, 0.99],
  gamma: 0.01,
  weightDecay: 0.1,
  maximize: false,
};

/**
 * Sophia with Hutchinson's estimator, by the paper. `updateHessian` takes u ∘ (H u) with u drawn from a standard
 * normal distribution: the gradient of ⟨gradient, u⟩ times u.
 * @throws E_CONFIG_VALUE for a negative lr, gamma or weight decay, or betas outside [0, 1)
 * @see Liu et al., arXiv:2305.14342, algorithms 1 and 3
 */
@register(OPTIMIZERS)
export class SophiaH extends SophiaOptimizer {
  constructor(params: ParamsInput, options: SophiaHOptions = {}) {
    checkKeys('SophiaH', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    requireNonNegative('SophiaH.gamma', group.gamma);
  }

  protected hessianScale(group: ParamGroup): number {
    return group.gamma as number;
  }

  protected estimate(product: Tensor): Tensor {
    return product;
  }
}
