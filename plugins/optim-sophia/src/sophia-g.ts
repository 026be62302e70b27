import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  definedOnly,
  requireNonNegative,
  requirePositiveInt,
  type GradientClosure,
  type ParamGroup,
  type ParamsInput,
} from '@engine/optim';
import { tf, type Scalar, type Tensor, type Variable } from '@engine/tensor';
import { SophiaOptimizer, type SophiaOptions } from './sophia.js';

export interface SophiaGOptions extends SophiaOptions {
  /** How readily elements are clipped: more with a smaller value; 0.04. */
  rho?: number;
  /** Batch that the Hessian is estimated on, in samples (tokens for a language model); 5120. */
  bs?: number;
  /**
   * Estimates the Hessian in every so many steps, the first among them, from the step's own gradient; null, never: call
   * `updateHessian`. The estimate is that of the empirical Fisher information: of the true targets instead of drawn
   * ones, so cheaper and further from the paper.
   */
  hessianInterval?: number | null;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    SophiaG: SophiaGOptions;
    Sophia: SophiaGOptions;
  }
}

const DEFAULTS: Required<SophiaGOptions> = {
  lr: 1e-4,
  betas: [0.965, 0.99],
  rho: 0.04,
  weightDecay: 0.1,
  maximize: false,
  bs: 5120,
  hessianInterval: null,
};

/**
 * Sophia with the Gauss–Newton–Bartlett estimator. `updateHessian` takes gradients of the loss with targets drawn
 * from the model's own prediction, and averages their squares. Results are those of the Sophia repository; `bs`, there
 * an argument of `step`, is an option.
 * @throws E_CONFIG_VALUE for a negative lr, rho or weight decay, betas outside [0, 1), or a `bs` that is no positive
 *   whole number
 * @see Liu et al., "Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training",
 *   arXiv:2305.14342, algorithms 2 and 3
 */
@register(OPTIMIZERS, { aliases: ['Sophia'] })
export class SophiaG extends SophiaOptimizer {
  constructor(params: ParamsInput, options: SophiaGOptions = {}) {
    checkKeys('SophiaG', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    requireNonNegative('SophiaG.rho', group.rho);
    requirePositiveInt('SophiaG.bs', group.bs);
    const { hessianInterval } = group;
    if (hessianInterval !== null) requirePositiveInt('SophiaG.hessianInterval', hessianInterval);
  }

  override step(grads: ReadonlyMap<Variable, Tensor> | GradientClosure): Scalar | void {
    if (typeof grads === 'function') return super.step(grads);
    const interval = this.defaults.hessianInterval as number | null;
    if (interval !== null && this.stepCount % interval === 0) this.updateHessian(grads);
    return super.step(grads);
  }

  protected hessianScale(group: ParamGroup): number {
    return (group.rho as number) * (group.bs as number);
  }

  protected estimate(grad: Tensor): Tensor {
    return tf.square(grad);
  }
}
