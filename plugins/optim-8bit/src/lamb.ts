import { OPTIMIZERS, register } from '@engine/core';
import { requireBetas, requireNonNegative, type ParamGroup, type ParamsInput } from '@engine/optim';
import { BlockwiseOptimizer, type BlockwiseOptions } from './blockwise-optimizer.js';
import { adamRule } from './rules.js';

export interface LAMB8bitOptions extends BlockwiseOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Adam's bias correction, which is always made: true. */
  biasCorrection?: true;
  /** Decay rates of the averages of the gradient and of its square; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** Decoupled weight decay; 0. */
  weightDecay?: number;
  /** Not implemented: false. */
  amsgrad?: false;
  /** Weight decay is always decoupled: true. */
  adamWMode?: true;
  /** Longest step, as a part of the norm of the parameter and before the learning rate; 1. */
  maxUnorm?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    LAMB8bit: LAMB8bitOptions;
    LAMB32bit: LAMB8bitOptions;
    bnb_LAMB: LAMB8bitOptions;
  }
}

const DEFAULTS: Required<Omit<LAMB8bitOptions, 'min8bitSize'>> = {
  lr: 1e-3,
  biasCorrection: true,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  adamWMode: true,
  maxUnorm: 1,
};

/**
 * Adam whose step is limited relative to the parameter. As in bitsandbytes the limit applies to parameters with
 * float32 state only, and is 1: a block-wise update does not know the norm of the whole.
 * @throws E_CONFIG_VALUE for a negative lr, eps or weight decay, betas outside [0, 1), or what is not implemented
 * @see You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", arXiv:1904.00962;
 *   Dettmers et al., arXiv:2110.02861
 */
@register(OPTIMIZERS)
export class LAMB8bit extends BlockwiseOptimizer {
  constructor(params: ParamsInput, options: LAMB8bitOptions = {}) {
    super(params, options, DEFAULTS);
  }

  protected get rule() {
    return adamRule;
  }

  protected get stateSigns() {
    return { state1: true, state2: false };
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    requireBetas(`${this.name}.betas`, group.betas);
    requireNonNegative(`${this.name}.eps`, group.eps);
    requireNonNegative(`${this.name}.maxUnorm`, group.maxUnorm);
    this.requireOnly(group, { biasCorrection: true, amsgrad: false, adamWMode: true });
    if (this.stateBits === 8) this.requireOnly(group, { maxUnorm: 1 });
  }
}

/** The rule of {@link LAMB8bit} on float32 state, so with the limit, of any size, on all parameters. */
@register(OPTIMIZERS, { aliases: ['bnb_LAMB'] })
export class LAMB32bit extends LAMB8bit {
  protected override get stateBits(): 32 {
    return 32;
  }
}
