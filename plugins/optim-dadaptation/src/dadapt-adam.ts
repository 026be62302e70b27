import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  definedOnly,
  descent,
  descentOf,
  newBuffer,
  requireBetas,
  requireNonNegative,
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

export interface DAdaptAdamOptions extends DAdaptOptions {
  /** Decay rates of the averages of the gradient and of its square; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** L2 penalty, or decoupled decay with `decouple`; 0. */
  weightDecay?: number;
  /** Decay the weights themselves, as AdamW does; false. */
  decouple?: boolean;
  /** Adam's bias correction, which the estimate makes needless; false. */
  useBiasCorrection?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    DAdaptAdam: DAdaptAdamOptions;
  }
}

const DEFAULTS: Required<DAdaptAdamOptions> = {
  lr: 1,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  decouple: false,
  useBiasCorrection: false,
  d0: 1e-6,
  growthRate: null,
};

type Group = DAdaptGroup & Required<DAdaptAdamOptions> & { numeratorWeighted: number; layerScale: number };

/**
 * Adam that finds its step size; follows facebookresearch/dadaptation 3.2. Groups differ in their rate by their own
 * setting `layerScale` (1 unless said), not by `lr`, which is 0 or the same in all.
 * @throws E_CONFIG_VALUE
 * @see Defazio and Mishchenko, arXiv:2301.07733, algorithm 5
 */
@register(OPTIMIZERS)
export class DAdaptAdam extends DAdaptation {
  constructor(params: ParamsInput, options: DAdaptAdamOptions = {}) {
    checkKeys('DAdaptAdam', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options), layerScale: 1 }, ['numeratorWeighted']);
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    const { eps, betas, layerScale } = group as Group;
    requireBetas('DAdaptAdam.betas', betas);
    requireNonNegative('DAdaptAdam.layerScale', layerScale);
    if (!(eps > 0)) throw badValue('DAdaptAdam.eps', eps, 'a number above 0');
  }

  protected override initState(param: ParamRef) {
    return {
      buffers: { s: newBuffer(param), exp_avg: newBuffer(param), exp_avg_sq: newBuffer(param) },
      numbers: {},
    };
  }

  protected adapt(batches: readonly UpdateBatch[]): boolean {
    const common = this.first as Group;
    const { betas, decouple, k } = common;
    const [beta1, beta2] = betas;
    const root2 = Math.sqrt(beta2);
    const correction = common.useBiasCorrection
      ? Math.sqrt(1 - beta2 ** (k + 1)) / (1 - beta1 ** (k + 1))
      : 1;
    const rate = common.d * this.commonLr() * correction;
    const learning = this.learning(batches);
    const sums = { numerator: [] as Scalar[], l1: [] as Scalar[] };
    for (const batch of learning) {
      const { eps, weightDecay, layerScale } = batch.group as Group;
      const penalty = decouple ? 0 : weightDecay;
      batch.states.forEach(({ buffers: { s, exp_avg_sq: squares } }, i) => {
        const grad = descent(batch.grads[i]!, batch.variables[i]!, penalty, false);
        const agreement = tf.mul(grad, tf.div(s!, tf.add(tf.sqrt(squares!), eps)));
        sums.numerator.push(tf.mul(total(agreement), layerScale * rate));
      });
      updateStates(batch, ['s', 'exp_avg', 'exp_avg_sq'], (x) => {
        const grad = descentOf(x, penalty, false);
        return {
          s: x.s.decayAdd(root2, grad, rate * (1 - root2)),
          exp_avg: x.exp_avg.decayAdd(beta1, grad, layerScale * rate * (1 - beta1)),
          exp_avg_sq: x.exp_avg_sq.decayAdd(beta2, grad.square(), 1 - beta2),
        };
      });
      for (const { buffers } of batch.states) sums.l1.push(tf.mul(total(tf.abs(buffers.s!)), layerScale));
    }
    const { numerator, l1 } = readTotals(sums);
    if (l1 === 0) return false;
    const numeratorWeighted = root2 * common.numeratorWeighted + (1 - root2) * numerator;
    this.improve(numeratorWeighted / ((1 - root2) * l1), { numeratorWeighted });
    for (const batch of learning) {
      const { eps, weightDecay } = batch.group as Group;
      updateElementwise(
        batch,
        ['exp_avg', 'exp_avg_sq'],
        ({ param, exp_avg: average, exp_avg_sq: squares }) => {
          const start = weightDecay && decouple ? param.sub(param.mul(weightDecay * rate)) : param;
          return { param: start.sub(average.div(squares.sqrt().add(eps))) };
        },
      );
    }
    return true;
  }
}
