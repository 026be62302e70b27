import { badValue, OPTIMIZERS, register } from '@engine/core';
import { requireBetas, requireNonNegative, type ParamGroup, type ParamsInput } from '@engine/optim';
import { BlockwiseOptimizer, type BlockwiseOptions } from './blockwise-optimizer.js';
import { ademamixRule } from './rules.js';

export interface AdEMAMixOptions extends BlockwiseOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Decay rates of the fast average, of the square, and of the slow average; [0.9, 0.999, 0.9999]. */
  betas?: readonly [number, number, number];
  /** Share of the slow average; 5. */
  alpha?: number;
  /** Steps over which `alpha` grows from 0; null, it is there from the start. */
  tAlpha?: number | null;
  /** Steps over which the slow average's rate grows from the fast one's; null, it is there from the start. */
  tBeta3?: number | null;
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** Decoupled weight decay; 0.01. */
  weightDecay?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    AdEMAMix8bit: AdEMAMixOptions;
    PagedAdEMAMix8bit: AdEMAMixOptions;
    AdEMAMix: AdEMAMixOptions;
    AdEMAMix32bit: AdEMAMixOptions;
    PagedAdEMAMix: AdEMAMixOptions;
    PagedAdEMAMix32bit: AdEMAMixOptions;
  }
}

const DEFAULTS: Required<Omit<AdEMAMixOptions, 'min8bitSize'>> = {
  lr: 1e-3,
  betas: [0.9, 0.999, 0.9999],
  alpha: 5,
  tAlpha: null,
  tBeta3: null,
  eps: 1e-8,
  weightDecay: 0.01,
};

/**
 * AdamW that also keeps a slow average of the gradient, with all three averages in 8 bits, bitsandbytes' semantics. The
 * slow average is `state3`.
 * @throws E_CONFIG_VALUE for a negative number, betas outside [0, 1), or `tBeta3` with a first beta of 0
 * @see Pagliardini et al., "The AdEMAMix Optimizer: Better, Faster, Older", arXiv:2409.03137; Dettmers et al.,
 *   arXiv:2110.02861
 */
@register(OPTIMIZERS)
export class AdEMAMix8bit extends BlockwiseOptimizer {
  constructor(params: ParamsInput, options: AdEMAMixOptions = {}) {
    super(params, options, DEFAULTS);
  }

  protected get rule() {
    return ademamixRule;
  }

  protected get stateSigns() {
    return { state1: true, state2: false, state3: true };
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    const { betas, tBeta3 } = group as ParamGroup & Required<AdEMAMixOptions>;
    requireBetas(`${this.name}.betas`, betas, 3);
    for (const key of ['alpha', 'eps']) requireNonNegative(`${this.name}.${key}`, group[key]);
    for (const key of ['tAlpha', 'tBeta3'])
      if (group[key] !== null) requireNonNegative(`${this.name}.${key}`, group[key]);
    if (tBeta3 && !(betas[0] > 0 && betas[2] > 0))
      throw badValue(
        `${this.name}.betas`,
        betas,
        'first and last above 0, where tBeta3 leads from one to the other',
      );
  }
}

/** {@link AdEMAMix8bit}: the state is in the memory of the host in any case, so there is nothing to page out. */
@register(OPTIMIZERS)
export class PagedAdEMAMix8bit extends AdEMAMix8bit {}

/** The rule of {@link AdEMAMix8bit} on float32 state. */
@register(OPTIMIZERS, { aliases: ['AdEMAMix32bit', 'PagedAdEMAMix', 'PagedAdEMAMix32bit'] })
export class AdEMAMix extends AdEMAMix8bit {
  protected override get stateBits(): 32 {
    return 32;
  }
}
