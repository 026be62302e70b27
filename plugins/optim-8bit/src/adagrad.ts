import { OPTIMIZERS, register } from '@engine/core';
import { requireNonNegative, type ParamGroup, type ParamsInput } from '@engine/optim';
import { BlockwiseOptimizer, type BlockwiseOptions } from './blockwise-optimizer.js';
import { adagradRule } from './rules.js';

export interface Adagrad8bitOptions extends BlockwiseOptions {
  /** Learning rate; 0.01. */
  lr?: number;
  /** Not implemented: 0. */
  lrDecay?: 0;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Not implemented: 0. */
  initialAccumulatorValue?: 0;
  /** Added to the denominator; 1e-10. */
  eps?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Adagrad8bit: Adagrad8bitOptions;
    Adagrad32bit: Adagrad8bitOptions;
    bnb_Adagrad: Adagrad8bitOptions;
  }
}

const DEFAULTS: Required<Omit<Adagrad8bitOptions, 'min8bitSize'>> = {
  lr: 1e-2,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
};

/**
 * Adagrad with its sum in 8 bits, bitsandbytes' semantics: the sum of squares uses the map with signs.
 * @throws E_CONFIG_VALUE for a negative lr, eps or weight decay, or what is not implemented
 * @see Dettmers et al., arXiv:2110.02861
 */
@register(OPTIMIZERS)
export class Adagrad8bit extends BlockwiseOptimizer {
  constructor(params: ParamsInput, options: Adagrad8bitOptions = {}) {
    super(params, options, DEFAULTS);
  }

  protected get rule() {
    return adagradRule;
  }

  protected get stateSigns() {
    return { state1: true };
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    requireNonNegative(`${this.name}.eps`, group.eps);
    this.requireOnly(group, { lrDecay: 0, initialAccumulatorValue: 0 });
  }
}

/** The rule of {@link Adagrad8bit} on float32 state, to compare with. */
@register(OPTIMIZERS, { aliases: ['bnb_Adagrad'] })
export class Adagrad32bit extends Adagrad8bit {
  protected override get stateBits(): 32 {
    return 32;
  }
}
