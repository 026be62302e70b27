import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  decayAndAdd,
  definedOnly,
  newBuffer,
  Optimizer,
  requireBetas,
  requireNonNegative,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import { tf, type ParamRef } from '@engine/tensor';
import { norm, ratioOrOne } from './trust-ratio.js';

export interface LAMBOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Decay rates of the averages of the gradient and of its square; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-6. */
  eps?: number;
  /** Decay, part of the step that the trust ratio scales; 0. */
  weightDecay?: number;
  /** Correct the averages for their start at 0; true. */
  biasCorrection?: boolean;
  /** Scale steps by the trust ratio; true. Usually off for biases and norms, by `paramwiseCfg.customKeys`. */
  adaptive?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    LAMB: LAMBOptions;
  }
}

const DEFAULTS: Required<LAMBOptions> = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-6,
  weightDecay: 0,
  biasCorrection: true,
  adaptive: true,
};

/**
 * Adam's step, with weight decay, scaled to the norm of each parameter: for batches of tens of thousands.
 * @throws E_CONFIG_VALUE for a negative lr, eps or weight decay, or betas outside [0, 1)
 * @see You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", arXiv:1904.00962,
 *   algorithm 2, with the identity as φ
 */
@register(OPTIMIZERS)
export class LAMB extends Optimizer {
  constructor(params: ParamsInput, options: LAMBOptions = {}) {
    checkKeys('LAMB', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps', 'weightDecay']) requireNonNegative(`LAMB.${key}`, group[key]);
    requireBetas('LAMB.betas', group.betas);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { exp_avg: newBuffer(param), exp_avg_sq: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const { lr, betas, eps, weightDecay, biasCorrection, adaptive } = batch.group as ParamGroup &
      Required<LAMBOptions>;
    batch.variables.forEach((param, i) => {
      const { buffers, step } = batch.states[i]!;
      const { exp_avg: average, exp_avg_sq: squares } = buffers;
      const grad = batch.grads[i]!;
      decayAndAdd(average!, betas[0], grad, 1 - betas[0]);
      decayAndAdd(squares!, betas[1], tf.square(grad), 1 - betas[1]);
      const [first, second] = betas.map((beta) => (biasCorrection ? 1 - beta ** step : 1)) as [
        number,
        number,
      ];
      const root = tf.add(tf.sqrt(tf.div(squares!, second)), eps);
      let direction = tf.div(tf.div(average!, first), root);
      if (weightDecay) direction = tf.add(direction, tf.mul(param, weightDecay));
      if (adaptive) direction = tf.mul(direction, ratioOrOne(norm(param), norm(direction)));
      param.assign(tf.sub(param, tf.mul(direction, lr)));
    });
  }
}
