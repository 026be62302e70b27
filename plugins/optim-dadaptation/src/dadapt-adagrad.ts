import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  copyToVariable,
  definedOnly,
  descent,
  descentOf,
  newBuffer,
  requireNonNegative,
  updateElementwise,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import { tf, type ParamRef, type Scalar, type Tensor } from '@engine/tensor';
import {
  DAdaptation,
  readTotals,
  total,
  updateStates,
  type DAdaptGroup,
  type DAdaptOptions,
} from './d-adaptation.js';

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
    for (const batch of learning) {
      const { eps, weightDecay } = batch.group as Group;
      const weighted = (sk: Tensor, squares: Tensor): Scalar =>
        total(tf.div(tf.square(sk), tf.add(tf.sqrt(squares), eps)));
      for (const { buffers } of batch.states) {
        sums.weightedBefore.push(weighted(buffers.sk!, buffers.alphak!));
        sums.l1Before.push(total(tf.abs(buffers.sk!)));
      }
      // The penalty is that of the parameters before the step, which have not moved yet.
      updateStates(batch, ['alphak', 'sk'], (x) => {
        const grad = descentOf(x, weightDecay, false);
        return { alphak: x.alphak.add(grad.square()), sk: x.sk.add(grad.mul(rate)) };
      });
      batch.states.forEach(({ buffers: { sk, alphak: squares } }, i) => {
        const grad = descent(batch.grads[i]!, batch.variables[i]!, weightDecay, false);
        sums.gradients.push(weighted(grad, squares!));
        sums.weightedAfter.push(weighted(sk!, squares!));
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
    for (const batch of learning) {
      const { eps } = batch.group as Group;
      updateElementwise(batch, ['alphak', 'sk', 'x0'], ({ param, alphak: squares, sk, x0 }) => {
        const target = x0.sub(sk.div(squares.sqrt().add(eps)));
        return { param: momentum ? param.decayAdd(momentum, target, 1 - momentum) : target };
      });
    }
    return true;
  }
}
