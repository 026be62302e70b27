import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  decayAndAdd,
  definedOnly,
  descend,
  newBuffer,
  Optimizer,
  requireBetas,
  requireNonNegative,
  requireWithin,
  updateElementwise,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import { tf, type ParamRef, type Tensor } from '@engine/tensor';

export interface LionOptions {
  /** Learning rate; 1e-4. Three to ten times less than one would give AdamW. */
  lr?: number;
  /** Weight of the momentum in the direction, and decay rate of the momentum; [0.9, 0.99]. */
  betas?: readonly [number, number];
  /** Decoupled weight decay; 0. */
  weightDecay?: number;
  /** Decay by `weightDecay` where the rate is the optimizer's own `lr`, in proportion when it is scheduled; false. */
  decoupledWeightDecay?: boolean;
  /** What elements whose direction and gradient disagree are scaled by, 0 to 1; 1, no caution. */
  cautiousFactor?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Lion: LionOptions;
  }
}

const DEFAULTS: Required<LionOptions> = {
  lr: 1e-4,
  betas: [0.9, 0.99],
  weightDecay: 0,
  decoupledWeightDecay: false,
  cautiousFactor: 1,
};

/**
 * Steps of equal size in every element, along the sign of a momentum. Options and results are lion-pytorch's; the
 * state is one `exp_avg` of the parameter's shape.
 * @throws E_CONFIG_VALUE for a lr that is not positive, a negative weight decay, betas outside [0, 1) or a
 *   cautiousFactor outside [0, 1]
 * @see Chen et al., "Symbolic Discovery of Optimization Algorithms", arXiv:2302.06675; caution: Liang et al.,
 *   "Cautious Optimizers", arXiv:2411.16085, algorithm 2
 */
@register(OPTIMIZERS)
export class Lion extends Optimizer {
  constructor(params: ParamsInput, options: LionOptions = {}) {
    checkKeys('Lion', options, Object.keys(DEFAULTS));
    const settings = { ...DEFAULTS, ...definedOnly(options) };
    if (!(settings.lr > 0)) throw badValue('Lion.lr', settings.lr, 'a number above 0');
    super(params, settings);
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'weightDecay']) requireNonNegative(`Lion.${key}`, group[key]);
    requireBetas('Lion.betas', group.betas);
    requireWithin('Lion.cautiousFactor', group.cautiousFactor, 0, 1);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { exp_avg: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const { lr, betas, weightDecay, decoupledWeightDecay, cautiousFactor } = batch.group as ParamGroup &
      Required<LionOptions>;
    const decay = decoupledWeightDecay ? weightDecay / (this.defaults.lr as number) : weightDecay;
    if (cautiousFactor === 1) {
      updateElementwise(batch, ['exp_avg'], ({ param, grad, exp_avg: average }) => {
        const direction = average
          .mul(betas[0])
          .add(grad.mul(1 - betas[0]))
          .sign();
        return {
          param: param.mul(1 - lr * decay).sub(direction.mul(lr)),
          exp_avg: average.decayAdd(betas[1], grad, 1 - betas[1]),
        };
      });
      return;
    }
    batch.variables.forEach((param, i) => {
      const grad = batch.grads[i]!;
      const average = batch.states[i]!.buffers.exp_avg!;
      if (decay) param.assign(tf.mul(param, 1 - lr * decay));
      const direction = tf.sign(tf.add(tf.mul(average, betas[0]), tf.mul(grad, 1 - betas[0])));
      descend(param, cautious(direction, grad, cautiousFactor), lr);
      decayAndAdd(average, betas[1], grad, 1 - betas[1]);
    });
  }
}

/** Scales elements that disagree with the gradient, and all of them so that the mean scale stays 1. */
function cautious(direction: Tensor, grad: Tensor, factor: number): Tensor {
  const agrees = tf.cast(tf.greater(tf.mul(direction, grad), 0), 'float32');
  const scale = tf.add(tf.mul(agrees, 1 - factor), factor);
  return tf.mul(direction, tf.div(scale, tf.maximum(tf.mean(scale), 1e-5)));
}
