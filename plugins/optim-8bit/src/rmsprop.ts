import { badValue, OPTIMIZERS, register } from '@engine/core';
import { requireNonNegative, type ParamGroup, type ParamsInput } from '@engine/optim';
import { BlockwiseOptimizer, type BlockwiseOptions } from './blockwise-optimizer.js';
import { rmspropRule } from './rules.js';

export interface RMSprop8bitOptions extends BlockwiseOptions {
  /** Learning rate; 0.01. */
  lr?: number;
  /** Decay rate of the average of the squared gradient; 0.99. */
  alpha?: number;
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Not implemented: 0. */
  momentum?: 0;
  /** Not implemented: false. */
  centered?: false;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    RMSprop8bit: RMSprop8bitOptions;
    RMSprop32bit: RMSprop8bitOptions;
    bnb_RMSprop: RMSprop8bitOptions;
  }
}

const DEFAULTS: Required<Omit<RMSprop8bitOptions, 'min8bitSize'>> = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
};

/**
 * RMSprop with its average in 8 bits, bitsandbytes' semantics: the average of squares uses the map with signs.
 * @throws E_CONFIG_VALUE for a negative lr, eps or weight decay, alpha outside (0, 1), momentum or centering
 * @see Dettmers et al., arXiv:2110.02861
 */
@register(OPTIMIZERS)
export class RMSprop8bit extends BlockwiseOptimizer {
  constructor(params: ParamsInput, options: RMSprop8bitOptions = {}) {
    super(params, options, DEFAULTS);
  }

  protected get rule() {
    return rmspropRule;
  }

  protected get stateSigns() {
    return { state1: true };
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    const alpha = group.alpha as number;
    if (!(alpha > 0 && alpha < 1))
      throw badValue(`${this.name}.alpha`, alpha, 'a number above 0 and below 1');
    requireNonNegative(`${this.name}.eps`, group.eps);
    this.requireOnly(group, { momentum: 0, centered: false });
  }
}

/** The rule of {@link RMSprop8bit} on float32 state, to compare with. */
@register(OPTIMIZERS, { aliases: ['bnb_RMSprop'] })
export class RMSprop32bit extends RMSprop8bit {
  protected override get stateBits(): 32 {
    return 32;
  }
}
