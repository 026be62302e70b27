import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  copyToVariable,
  definedOnly,
  descent,
  newBuffer,
  requireNonNegative,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import { tf, type ParamRef, type Scalar } from '@engine/tensor';
import { DAdaptation, readTotals, total, type DAdaptGroup, type DAdaptOptions } from './d-adaptation.js';

export interface DAdaptAdaGradOptions extends DAdaptOptions {
  /** Weight of the old parameters in the new ones; 0. */
  momentum?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Added to the denominator; 1e-6. */
  eps?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    DAdaptAdaGrad: DAdaptAdaGradOptions;
  }
}

const DEFAULTS: Required<DAdaptAdaGradOptions> = {
  lr: 1,
  momentum: 0,
  weightDecay: 0,
  eps: 1e-6,
  d0: 1e-6,
  growthRate: null,
};

type Group = DAdaptGroup &
  Required<DAdaptAdaGradOptions> & { gsqWeighted: number; sksqWeighted: number; skl1: number };

/** First value of the sum of squared gradients. */
const FIRST_SQUARE = 1e-6;

/**
 * AdaGrad with dual averaging that finds its step size; follows facebookresearch/dadaptation. It adapts slower than
 * the other ones.
 * @throws E_CONFIG_VALUE
 * @see Defazio and Mishchenko, arXiv:2301.07733, algorithm 3
 */
@register(OPTIMIZERS)
export class DAdaptAdaGrad extends DAdaptation {
  constructor(params: ParamsInput, options: DAdaptAdaGradOptions = {}) {
    checkKeys('DAdaptAdaGrad', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) }, ['gsqWeighted', 'sksqWeighted', 'skl1']);
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    const { momentum, eps } = group as Group;
    requireNonNegative('DAdaptAdaGrad.momentum', momentum);
    if (!(eps > 0)) throw badValue('DAdaptAdaGrad.eps', eps, 'a number above 0');
  }

  protected override initState(param: ParamRef) {
    return {
      buffers: {
        alphak: newBuffer(param, FIRST_SQUARE),
        sk: newBuffer(param),
        x0: copyToVariable(param.variable),
      },
      numbers: {},
    };
  }

  protected adapt(batches: readonly UpdateBatch[]): boolean {
    const common = this.first as Group;
    const rate = common.d * this.commonLr();
    // With a rate of 0 everywhere, as at the end of a schedule, the averages go on.
    const learning = rate > 0 ? this.learning(batches) : batches;
    const sums = {
      gradients: [] as Scalar[],
      weightedBefore: [] as Scalar[],
      weightedAfter: [] as Scalar[],
      l1Before: [] as Scalar[],
      l1After: [] as Scalar[],
    };
    for (const { group, variables, grads, states } of learning) {
      const { eps, weightDecay } = group as Group;
      variables.forEach((param, i) => {
        const { alphak: squares, sk } = states[i]!.buffers;
        const grad = descent(grads[i]!, param, weightDecay, false);
        sums.weightedBefore.push(total(tf.div(tf.square(sk!), tf.add(tf.sqrt(squares!), eps))));
        sums.l1Before.push(total(tf.abs(sk!)));
        squares!.assign(tf.add(squares!, tf.square(grad)));
        const root = tf.add(tf.sqrt(squares!), eps);
        sums.gradients.push(total(tf.div(tf.square(grad), root)));
        sk!.assign(tf.add(sk!, tf.mul(grad, rate)));
        sums.weightedAfter.push(total(tf.div(tf.square(sk!), root)));
        sums.l1After.push(total(tf.abs(sk!)));
      });
    }
    const read = readTotals(sums);
    const sksqWeighted = common.sksqWeighted + (read.weightedAfter - read.weightedBefore);
    const skl1 = common.skl1 + (read.l1After - read.l1Before);
    if (skl1 === 0) return false;
    const gsqWeighted = common.gsqWeighted + rate * rate * read.gradients;
    this.improve((sksqWeighted - gsqWeighted) / skl1, { gsqWeighted, sksqWeighted, skl1 });
    const { momentum } = common;
    for (const { group, variables, states } of learning) {
      variables.forEach((param, i) => {
        const { alphak: squares, sk, x0 } = states[i]!.buffers;
        const target = tf.sub(x0!, tf.div(sk!, tf.add(tf.sqrt(squares!), (group as Group).eps)));
        param.assign(momentum ? tf.add(tf.mul(param, momentum), tf.mul(target, 1 - momentum)) : target);
      });
    }
    return true;
  }
}
