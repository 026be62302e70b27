import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import { sgdUpdate } from '@engine/tensor';
import { requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';

export interface SGDOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Momentum factor; 0. */
  momentum?: number;
  /** How much of the gradient momentum leaves out; 0. */
  dampening?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Nesterov momentum; needs momentum and no dampening. */
  nesterov?: boolean;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    SGD: SGDOptions;
  }
}

const DEFAULTS: Required<SGDOptions> = {
  lr: 1e-3,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
};

/**
 * Stochastic gradient descent with `torch.optim.SGD`'s semantics: the first momentum buffer is the gradient itself.
 * @throws E_CONFIG_VALUE for a negative lr, momentum or weight decay, or Nesterov without momentum
 * @see Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013
 */
@register(OPTIMIZERS)
export class SGD extends Optimizer {
  constructor(params: ParamsInput, options: SGDOptions = {}) {
    checkKeys('SGD', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'momentum', 'weightDecay']) requireNonNegative(`SGD.${key}`, group[key]);
    if (group.nesterov && (!group.momentum || group.dampening)) {
      throw badValue('SGD.nesterov', true, 'momentum above 0 and dampening 0 beside it');
    }
  }

  protected update({ group, params, variables, grads, states }: UpdateBatch): void {
    const options = group as ParamGroup & Required<SGDOptions>;
    if (!options.momentum) {
      sgdUpdate({ ...options, params: variables, grads });
      return;
    }
    const known: number[] = [];
    const fresh: number[] = [];
    states.forEach(({ buffers }, i) => (buffers.momentum_buffer ? known : fresh).push(i));
    for (const i of fresh) states[i]!.buffers.momentum_buffer = newBuffer(params[i]!);
    for (const picked of [known, fresh]) {
      if (picked.length === 0) continue;
      sgdUpdate({
        ...options,
        params: picked.map((i) => variables[i]!),
        grads: picked.map((i) => grads[i]!),
        momentumBuffers: picked.map((i) => states[i]!.buffers.momentum_buffer!),
        first: picked === fresh,
      });
    }
  }
}
