import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import type { ParamRef } from '@engine/tensor';
import { requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { descentOf, updateElementwise } from './elementwise.js';

export interface RMSpropOptions {
  /** Learning rate; 0.01. */
  lr?: number;
  /** Decay rate of the averages; 0.99. */
  alpha?: number;
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Momentum factor; 0. */
  momentum?: number;
  /** Divide by the standard deviation instead; false. */
  centered?: boolean;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    RMSprop: RMSpropOptions;
  }
}

const DEFAULTS: Required<RMSpropOptions> = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
};

/**
 * Divides by the root of a running average of squared gradients, `torch.optim.RMSprop`'s semantics.
 * @throws E_CONFIG_VALUE
 * @see Hinton, "Neural Networks for Machine Learning", lecture 6, 2012; centered: Graves, arXiv:1308.0850
 */
@register(OPTIMIZERS)
export class RMSprop extends Optimizer {
  constructor(params: ParamsInput, options: RMSpropOptions = {}) {
    checkKeys('RMSprop', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'alpha', 'eps', 'weightDecay', 'momentum'])
      requireNonNegative(`RMSprop.${key}`, group[key]);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { square_avg: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const options = batch.group as ParamGroup & Required<RMSpropOptions>;
    const { lr, alpha, eps, momentum, centered, weightDecay, maximize } = options;
    batch.states.forEach(({ buffers }, i) => {
      if (centered) buffers.grad_avg ??= newBuffer(batch.params[i]!);
      // Made when momentum is first there: a scheduler may bring it later.
      if (momentum > 0) buffers.momentum_buffer ??= newBuffer(batch.params[i]!);
    });
    const buffers = [
      'square_avg' as const,
      ...(centered ? ['grad_avg' as const] : []),
      ...(momentum > 0 ? ['momentum_buffer' as const] : []),
    ];
    updateElementwise(batch, buffers, (x) => {
      const grad = descentOf(x, weightDecay, maximize);
      const squares = x.square_avg.decayAdd(alpha, grad.square(), 1 - alpha);
      const mean = centered ? x.grad_avg.lerp(grad, 1 - alpha) : undefined;
      const variance = mean ? squares.sub(mean.square()) : squares;
      const scaled = grad.div(variance.sqrt().add(eps));
      const step = momentum > 0 ? x.momentum_buffer.mul(momentum).add(scaled) : scaled;
      return {
        param: x.param.sub(step.mul(lr)),
        square_avg: squares,
        ...(mean ? { grad_avg: mean } : {}),
        ...(momentum > 0 ? { momentum_buffer: step } : {}),
      };
    });
  }
}
