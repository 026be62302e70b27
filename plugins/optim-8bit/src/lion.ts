import { OPTIMIZERS, register } from '@engine/core';
import { requireBetas, type ParamGroup, type ParamsInput } from '@engine/optim';
import { BlockwiseOptimizer, type BlockwiseOptions } from './blockwise-optimizer.js';
import { lionRule } from './rules.js';

export interface Lion8bitOptions extends BlockwiseOptions {
  /** Learning rate; 1e-4. */
  lr?: number;
  /** Weight of the momentum in the direction, and decay rate of the momentum; [0.9, 0.99]. */
  betas?: readonly [number, number];
  /** Decoupled weight decay; 0. */
  weightDecay?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Lion8bit: Lion8bitOptions;
    PagedLion8bit: Lion8bitOptions;
    Lion32bit: Lion8bitOptions;
    PagedLion32bit: Lion8bitOptions;
    PagedLion: Lion8bitOptions;
    bnb_Lion: Lion8bitOptions;
  }
}

const DEFAULTS: Required<Omit<Lion8bitOptions, 'min8bitSize'>> = {
  lr: 1e-4,
  betas: [0.9, 0.99],
  weightDecay: 0,
};

/**
 * Lion with its momentum in 8 bits, bitsandbytes' semantics: an eighth of the state of AdamW.
 * @throws E_CONFIG_VALUE for a negative lr or weight decay, or betas outside [0, 1)
 * @see Chen et al., arXiv:2302.06675; Dettmers et al., arXiv:2110.02861
 */
@register(OPTIMIZERS)
export class Lion8bit extends BlockwiseOptimizer {
  constructor(params: ParamsInput, options: Lion8bitOptions = {}) {
    super(params, options, DEFAULTS);
  }

  protected get rule() {
    return lionRule;
  }

  protected get stateSigns() {
    return { state1: true };
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    requireBetas(`${this.name}.betas`, group.betas);
  }
}

/** {@link Lion8bit}: the state is in the memory of the host in any case, so there is nothing to page out. */
@register(OPTIMIZERS)
export class PagedLion8bit extends Lion8bit {}

/** The rule of {@link Lion8bit} on float32 state, to compare with. */
@register(OPTIMIZERS, { aliases: ['bnb_Lion'] })
export class Lion32bit extends Lion8bit {
  protected override get stateBits(): 32 {
    return 32;
  }
}

/** {@link Lion32bit} by its other name. */
@register(OPTIMIZERS, { aliases: ['PagedLion'] })
export class PagedLion32bit extends Lion32bit {}
