import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  copyToVariable,
  definedOnly,
  descent,
  descentOf,
  newBuffer,
  requireWithin,
  updateElementwise,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import { tf, type ParamRef, type Scalar } from '@engine/tensor';
import {
  DAdaptation,
  readTotals,
  total,
  updateStates,
  type DAdaptGroup,
  type DAdaptOptions,
} from './d-adaptation.js';

export interface DAdaptSGDOptions extends DAdaptOptions {
  /** Weight of the old parameters in the new ones; 0. */
  momentum?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    DAdaptSGD: DAdaptSGDOptions;
  }
}

const DEFAULTS: Required<DAdaptSGDOptions> = {
  lr: 1,
  momentum: 0,
  weightDecay: 0,
  d0: 1e-6,
  growthRate: null,
};

type Group = DAdaptGroup & Required<DAdaptSGDOptions> & { numeratorWeighted: number; g0Norm: number };

/**
 * SGD with dual averaging that finds its step size, in units of the norm of the first gradient (without the L2
 * penalty); follows facebookresearch/dadaptation 3.2. A first step in which every gradient is 0 counts as none.
 * @throws E_CONFIG_VALUE
 * @see Defazio and Mishchenko, arXiv:2301.07733, algorithm 4
 */
@register(OPTIMIZERS)
export class DAdaptSGD extends DAdaptation {
  constructor(params: ParamsInput, options: DAdaptSGDOptions = {}) {
    checkKeys('DAdaptSGD', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) }, ['numeratorWeighted', 'g0Norm']);
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    requireWithin('DAdaptSGD.momentum', group.momentum, 0, 1);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { s: newBuffer(param), x0: copyToVariable(param.variable) }, numbers: {} };
  }

  protected adapt(batches: readonly UpdateBatch[]): boolean {
    const common = this.first as Group;
    const learning = this.learning(batches);
    const g0Norm = common.k === 0 ? norm(learning) : common.g0Norm;
    if (g0Norm === 0) return false;
    const rate = (common.d * this.commonLr()) / g0Norm;
    const sums = { numerator: [] as Scalar[], squares: [] as Scalar[] };
    for (const batch of learning) {
      const { weightDecay } = batch.group as Group;
      batch.states.forEach(({ buffers }, i) => {
        const grad = descent(batch.grads[i]!, batch.variables[i]!, weightDecay, false);
        sums.numerator.push(tf.mul(total(tf.mul(grad, buffers.s!)), rate));
      });
      updateStates(batch, ['s'], (x) => ({ s: x.s.add(descentOf(x, weightDecay, false).mul(rate)) }));
      for (const { buffers } of batch.states) sums.squares.push(total(tf.square(buffers.s!)));
    }
    const { numerator, squares } = readTotals(sums);
    if (squares === 0) return false;
    const numeratorWeighted = common.numeratorWeighted + numerator;
    this.improve((2 * numeratorWeighted) / Math.sqrt(squares), { numeratorWeighted, g0Norm });
    const { momentum } = common;
    for (const batch of learning) {
      updateElementwise(batch, ['s', 'x0'], ({ param, s, x0 }) => ({
        param: param.decayAdd(momentum, x0.sub(s), 1 - momentum),
      }));
    }
    return true;
  }
}

function norm(batches: readonly UpdateBatch[]): number {
  const squares = batches.flatMap(({ grads }) => grads.map((grad) => total(tf.square(grad))));
  return Math.sqrt(readTotals({ squares }).squares);
}
