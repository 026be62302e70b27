import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  copyToVariable,
  definedOnly,
  newBuffer,
  requireBetas,
  updateElementwise,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import { copyTensor, tf, type ParamRef, type Scalar } from '@engine/tensor';
import {
  DAdaptation,
  readTotals,
  total,
  updateStates,
  type DAdaptGroup,
  type DAdaptOptions,
} from './d-adaptation.js';

export interface DAdaptAdanOptions extends DAdaptOptions {
  /** Decay rates of the averages of the gradient, of its change, and of the square; [0.98, 0.92, 0.99]. */
  betas?: readonly [number, number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** Decoupled weight decay; 0.02. */
  weightDecay?: number;
  /** Decay before the step, by a factor, instead of by a proximal step after it; false. */
  noProx?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    DAdaptAdan: DAdaptAdanOptions;
  }
}

const DEFAULTS: Required<DAdaptAdanOptions> = {
  lr: 1,
  betas: [0.98, 0.92, 0.99],
  eps: 1e-8,
  weightDecay: 0.02,
  noProx: false,
  d0: 1e-6,
  growthRate: null,
};

type Group = DAdaptGroup & Required<DAdaptAdanOptions> & { gsqWeighted: number };

/**
 * Adan that finds its step size; follows facebookresearch/dadaptation 3.2, whose authors call it experimental.
 * @throws E_CONFIG_VALUE
 * @see Defazio and Mishchenko, arXiv:2301.07733; Xie et al., "Adan: Adaptive Nesterov Momentum Algorithm for Faster
 *   Optimizing Deep Models", arXiv:2208.06677
 */
@register(OPTIMIZERS)
export class DAdaptAdan extends DAdaptation {
  constructor(params: ParamsInput, options: DAdaptAdanOptions = {}) {
    checkKeys('DAdaptAdan', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) }, ['gsqWeighted']);
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    const { eps, betas } = group as Group;
    requireBetas('DAdaptAdan.betas', betas, 3);
    if (!(eps > 0)) throw badValue('DAdaptAdan.eps', eps, 'a number above 0');
  }

  protected override initState(param: ParamRef) {
    const names = ['s', 'exp_avg', 'exp_avg_diff', 'exp_avg_sq'];
    return { buffers: Object.fromEntries(names.map((name) => [name, newBuffer(param)])), numbers: {} };
  }

  protected adapt(batches: readonly UpdateBatch[]): boolean {
    const common = this.first as Group;
    const [beta1, beta2, beta3] = common.betas;
    const rate = common.d * this.commonLr();
    // With a rate of 0 everywhere, as at the end of a schedule, the averages go on.
    const learning = rate > 0 ? this.learning(batches) : batches;
    const sums = { gradients: [] as Scalar[], weighted: [] as Scalar[], l1: [] as Scalar[] };
    for (const batch of learning) {
      const { grads, states } = batch;
      const { eps } = batch.group as Group;
      states.forEach(({ buffers, step }, i) => {
        const before = buffers.pre_grad;
        if (!before) buffers.pre_grad = copyToVariable(grads[i]!);
        else if (step === 1) before.assign(copyTensor(grads[i]!));
      });
      updateStates(batch, ['s', 'exp_avg', 'exp_avg_diff', 'exp_avg_sq', 'pre_grad'], ({ grad, ...x }) => {
        const difference = grad.sub(x.pre_grad);
        return {
          s: x.s.decayAdd(beta3, grad, rate * (1 - beta3)),
          exp_avg: x.exp_avg.decayAdd(beta1, grad, rate * (1 - beta1)),
          exp_avg_diff: x.exp_avg_diff.decayAdd(beta2, difference, rate * (1 - beta2)),
          exp_avg_sq: x.exp_avg_sq.decayAdd(beta3, grad.add(difference.mul(beta2)).square(), 1 - beta3),
        };
      });
      states.forEach(({ buffers: { s, exp_avg_sq: squares } }, i) => {
        const root = tf.add(tf.sqrt(squares!), eps);
        sums.gradients.push(total(tf.div(tf.square(grads[i]!), root)));
        sums.weighted.push(total(tf.div(tf.square(s!), root)));
        sums.l1.push(total(tf.abs(s!)));
      });
    }
    const { gradients, weighted, l1 } = readTotals(sums);
    if (l1 === 0) return false;
    const gsqWeighted = beta3 * common.gsqWeighted + gradients * rate ** 2 * (1 - beta3);
    this.improve((weighted / (1 - beta3) - gsqWeighted) / l1, { gsqWeighted });
    for (const batch of learning) {
      const { eps, weightDecay } = batch.group as Group;
      const decay = rate * weightDecay;
      updateElementwise(
        batch,
        ['exp_avg', 'exp_avg_diff', 'exp_avg_sq', 'pre_grad'],
        ({ param, grad, ...x }) => {
          const direction = x.exp_avg.add(x.exp_avg_diff.mul(beta2)).div(x.exp_avg_sq.sqrt().add(eps));
          return {
            param: common.noProx ? param.mul(1 - decay).sub(direction) : param.sub(direction).div(1 + decay),
            pre_grad: grad,
          };
        },
      );
    }
    return true;
  }
}
