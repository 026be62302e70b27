import { OPTIMIZERS, register } from '@engine/core';
import {
  definedOnly,
  requireBetas,
  requireNonNegative,
  type ParamGroup,
  type ParamsInput,
} from '@engine/optim';
import { BlockwiseOptimizer, type BlockwiseOptions } from './blockwise-optimizer.js';
import { adamRule } from './rules.js';

export interface Adam8bitOptions extends BlockwiseOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Decay rates of the averages of the gradient and of its square; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** Decoupled weight decay: 0 for Adam, 0.01 for AdamW. */
  weightDecay?: number;
  /** Not implemented: false. */
  amsgrad?: false;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Adam8bit: Adam8bitOptions;
    AdamW8bit: Adam8bitOptions;
    PagedAdam8bit: Adam8bitOptions;
    PagedAdamW8bit: Adam8bitOptions;
    Adam32bit: Adam8bitOptions;
    AdamW32bit: Adam8bitOptions;
    PagedAdam32bit: Adam8bitOptions;
    PagedAdamW32bit: Adam8bitOptions;
    PagedAdam: Adam8bitOptions;
    PagedAdamW: Adam8bitOptions;
    bnb_Adam: Adam8bitOptions;
    bnb_AdamW: Adam8bitOptions;
  }
}

const DEFAULTS: Required<Omit<Adam8bitOptions, 'min8bitSize'>> = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
};

/**
 * Adam with both averages in 8 bits, bitsandbytes' semantics: the weight decay of Adam is decoupled, too.
 * @throws E_CONFIG_VALUE for a negative lr, eps or weight decay, betas outside [0, 1), or amsgrad
 * @see Dettmers et al., "8-bit Optimizers via Block-wise Quantization", arXiv:2110.02861
 */
@register(OPTIMIZERS)
export class Adam8bit extends BlockwiseOptimizer {
  constructor(params: ParamsInput, options: Adam8bitOptions = {}) {
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
    this.requireOnly(group, { amsgrad: false });
  }
}

/** {@link Adam8bit} with a weight decay of 0.01. */
@register(OPTIMIZERS)
export class AdamW8bit extends Adam8bit {
  constructor(params: ParamsInput, options: Adam8bitOptions = {}) {
    super(params, { weightDecay: 0.01, ...definedOnly(options) });
  }
}

/** {@link Adam8bit}: the state is in the memory of the host in any case, so there is nothing to page out. */
@register(OPTIMIZERS)
export class PagedAdam8bit extends Adam8bit {}

/** {@link AdamW8bit}: the state is in the memory of the host in any case, so there is nothing to page out. */
@register(OPTIMIZERS)
export class PagedAdamW8bit extends AdamW8bit {}

/** The rule of {@link Adam8bit} on float32 state, to compare with. */
@register(OPTIMIZERS, { aliases: ['bnb_Adam'] })
export class Adam32bit extends Adam8bit {
  protected override get stateBits(): 32 {
    return 32;
  }
}

/** The rule of {@link AdamW8bit} on float32 state, to compare with. */
@register(OPTIMIZERS, { aliases: ['bnb_AdamW'] })
export class AdamW32bit extends AdamW8bit {
  protected override get stateBits(): 32 {
    return 32;
  }
}

/** {@link Adam32bit} by its other name. */
@register(OPTIMIZERS, { aliases: ['PagedAdam'] })
export class PagedAdam32bit extends Adam32bit {}

/** {@link AdamW32bit} by its other name. */
@register(OPTIMIZERS, { aliases: ['PagedAdamW'] })
export class PagedAdamW32bit extends AdamW32bit {}
