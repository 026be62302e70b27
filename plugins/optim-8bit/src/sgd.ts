import { badValue, OPTIMIZERS, register } from '@engine/core';
import type { ParamGroup, ParamsInput } from '@engine/optim';
import { BlockwiseOptimizer, type BlockwiseOptions } from './blockwise-optimizer.js';
import { momentumRule } from './rules.js';

export interface SGD8bitOptions extends BlockwiseOptions {
  /** Learning rate; required. */
  lr: number;
  /** Momentum factor; required, above 0: without momentum there is no state. */
  momentum: number;
  /** Not implemented: 0. */
  dampening?: 0;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Not implemented: false. */
  nesterov?: false;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    SGD8bit: SGD8bitOptions;
    SGD32bit: SGD8bitOptions;
    bnb_SGD: SGD8bitOptions;
  }
}

const DEFAULTS = { lr: undefined, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };

/**
 * SGD with its momentum in 8 bits, bitsandbytes' semantics.
 * @throws E_CONFIG_VALUE without lr or momentum, for a negative lr or weight decay, for dampening or Nesterov
 * @see Dettmers et al., arXiv:2110.02861
 */
@register(OPTIMIZERS)
export class SGD8bit extends BlockwiseOptimizer {
  constructor(params: ParamsInput, options: SGD8bitOptions, defaults: Record<string, unknown> = DEFAULTS) {
    super(params, options, defaults);
  }

  protected get rule() {
    return momentumRule;
  }

  protected get stateSigns() {
    return { state1: true };
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    const momentum = group.momentum as number;
    if (!(momentum > 0 && momentum < 1)) {
      throw badValue(`${this.name}.momentum`, momentum, 'a number above 0 and below 1');
    }
    this.requireOnly(group, { dampening: 0, nesterov: false });
  }
}

/** The rule of {@link SGD8bit} on float32 state, to compare with. */
@register(OPTIMIZERS, { aliases: ['bnb_SGD'] })
export class SGD32bit extends SGD8bit {
  protected override get stateBits(): 32 {
    return 32;
  }
}
