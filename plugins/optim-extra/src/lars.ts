import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  decayAndAdd,
  definedOnly,
  descend,
  descent,
  newBuffer,
  Optimizer,
  requireNonNegative,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import { tf, type ParamRef, type Scalar } from '@engine/tensor';
import { norm, ratioOrOne } from './trust-ratio.js';

export interface LARSOptions {
  /** Learning rate; 0.1. */
  lr?: number;
  /** Momentum factor; 0.9. */
  momentum?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Nesterov momentum; false. */
  nesterov?: boolean;
  /** How far a parameter may move, relative to its norm, at a rate of 1; 0.001. */
  trustCoefficient?: number;
  /** Added to the denominator of the trust ratio; 1e-8. */
  eps?: number;
  /** Scale gradients by the trust ratio; true. Usually off for biases and norms, by `paramwiseCfg.customKeys`. */
  adaptive?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    LARS: LARSOptions;
  }
}

const DEFAULTS: Required<LARSOptions> = {
  lr: 0.1,
  momentum: 0.9,
  weightDecay: 0,
  nesterov: false,
  trustCoefficient: 1e-3,
  eps: 1e-8,
  adaptive: true,
};

/**
 * SGD with momentum whose rate is adapted to each parameter: for batches of thousands of images.
 * @throws E_CONFIG_VALUE for a negative number, or Nesterov without momentum
 * @see You et al., "Large Batch Training of Convolutional Networks", arXiv:1708.03888, algorithm 1
 */
@register(OPTIMIZERS)
export class LARS extends Optimizer {
  constructor(params: ParamsInput, options: LARSOptions = {}) {
    checkKeys('LARS', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'momentum', 'weightDecay', 'trustCoefficient', 'eps'])
      requireNonNegative(`LARS.${key}`, group[key]);
    if (group.nesterov && !group.momentum)
      throw badValue('LARS.nesterov', true, 'momentum above 0 beside it');
  }

  protected override initState(param: ParamRef) {
    return { buffers: { momentum_buffer: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const { lr, momentum, weightDecay, nesterov, trustCoefficient, eps, adaptive } =
      batch.group as ParamGroup & Required<LARSOptions>;
    batch.variables.forEach((param, i) => {
      const buffer = batch.states[i]!.buffers.momentum_buffer!;
      let grad = descent(batch.grads[i]!, param, weightDecay, false);
      if (adaptive) {
        const [size, slope] = [norm(param), norm(batch.grads[i]!)];
        const sum = tf.add(slope, tf.add(tf.mul(size, weightDecay), eps)) as Scalar;
        // Without a slope there is nothing to trust, whatever the penalty.
        const trust = tf.where(
          tf.greater(slope, 0),
          ratioOrOne(tf.mul(size, trustCoefficient) as Scalar, sum),
          tf.onesLike(slope),
        );
        grad = tf.mul(grad, trust);
      }
      decayAndAdd(buffer, momentum, grad, 1);
      descend(param, nesterov ? tf.add(grad, tf.mul(buffer, momentum)) : buffer, lr);
    });
  }
}
