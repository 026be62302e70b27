import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { tf, type ParamRef, type Tensor } from '@engine/tensor';
import { requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { decayAndAdd, descend, descent, moveTowards } from './math.js';

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
    batch.variables.forEach((param, i) => {
      const { buffers } = batch.states[i]!;
      const { alpha, momentum } = options;
      const grad = descent(batch.grads[i]!, param, options.weightDecay, options.maximize);
      const squares = buffers.square_avg!;
      decayAndAdd(squares, alpha, tf.square(grad), 1 - alpha);
      let variance: Tensor = squares;
      if (options.centered) {
        const mean = (buffers.grad_avg ??= newBuffer(batch.params[i]!));
        moveTowards(mean, grad, 1 - alpha);
        variance = tf.sub(squares, tf.square(mean));
      }
      const scaled = tf.div(grad, tf.add(tf.sqrt(variance), options.eps));
      if (momentum === 0) {
        descend(param, scaled, options.lr);
        return;
      }
      // Made when momentum is first there: a scheduler may bring it later.
      const buffer = (buffers.momentum_buffer ??= newBuffer(batch.params[i]!));
      decayAndAdd(buffer, momentum, scaled, 1);
      descend(param, buffer, options.lr);
    });
  }
}
