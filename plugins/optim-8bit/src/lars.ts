import { OPTIMIZERS, register } from '@engine/core';
import { requireNonNegative, type ParamGroup, type ParamsInput } from '@engine/optim';
import { SGD8bit, type SGD8bitOptions } from './sgd.js';

export interface LARS8bitOptions extends SGD8bitOptions {
  /** Longest step, as a part of the norm of the parameter and before the learning rate; 0.02. 0: any. */
  maxUnorm?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    LARS8bit: LARS8bitOptions;
    LARS32bit: LARS8bitOptions;
    bnb_LARS: LARS8bitOptions;
  }
}

const DEFAULTS = {
  lr: undefined,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maxUnorm: 0.02,
};

/**
 * SGD with momentum whose step is limited relative to the parameter. As in bitsandbytes the limit applies to
 * parameters with float32 state only: a block-wise update does not know the norm of the whole.
 * @throws E_CONFIG_VALUE as {@link SGD8bit}, and for a negative maxUnorm
 * @see You et al., "Large Batch Training of Convolutional Networks", arXiv:1708.03888; Dettmers et al.,
 *   arXiv:2110.02861
 */
@register(OPTIMIZERS)
export class LARS8bit extends SGD8bit {
  constructor(params: ParamsInput, options: LARS8bitOptions) {
    super(params, options, DEFAULTS);
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    requireNonNegative(`${this.name}.maxUnorm`, group.maxUnorm);
  }
}

/** The rule of {@link LARS8bit} on float32 state, so with the limit on all parameters. */
@register(OPTIMIZERS, { aliases: ['bnb_LARS'] })
export class LARS32bit extends LARS8bit {
  protected override get stateBits(): 32 {
    return 32;
  }
}
