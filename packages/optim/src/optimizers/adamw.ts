import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { definedOnly, type ParamsInput } from '../param-group.js';
import { Adam, type AdamOptions } from './adam.js';

export type AdamWOptions = Omit<AdamOptions, 'decoupledWeightDecay'>;

declare module '@engine/core' {
  interface OptimizerTypes {
    AdamW: AdamWOptions;
  }
}

const KEYS = ['lr', 'betas', 'eps', 'weightDecay', 'amsgrad', 'maximize'];

/**
 * Adam with decoupled weight decay, `torch.optim.AdamW`'s semantics; `weightDecay` is 0.01 unless said.
 * @throws E_CONFIG_VALUE as {@link Adam}
 * @see Loshchilov and Hutter, "Decoupled Weight Decay Regularization", arXiv:1711.05101
 */
@register(OPTIMIZERS)
export class AdamW extends Adam {
  constructor(params: ParamsInput, options: AdamWOptions = {}) {
    checkKeys('AdamW', options, KEYS);
    super(params, { weightDecay: 0.01, ...definedOnly(options), decoupledWeightDecay: true });
  }
}
