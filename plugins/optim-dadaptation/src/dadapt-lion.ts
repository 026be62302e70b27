import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  definedOnly,
  newBuffer,
  requireBetas,
  updateElementwise,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import { tf, type ParamRef, type Scalar } from '@engine/tensor';
import { DAdaptation, readTotals, total, type DAdaptGroup, type DAdaptOptions } from './d-adaptation.js';

export interface DAdaptLionOptions extends Omit<DAdaptOptions, 'growthRate'> {
  /** Weight of the momentum in the direction, and decay rate of the momentum; [0.9, 0.99]. */
  betas?: readonly [number, number];
  /** Decoupled weight decay; 0. */
  weightDecay?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    DAdaptLion: DAdaptLionOptions;
  }
}

const DEFAULTS: Required<DAdaptLionOptions> = { lr: 1, betas: [0.9, 0.99], weightDecay: 0, d0: 1e-6 };

type Group = DAdaptGroup & Required<DAdaptLionOptions> & { numeratorWeighted: number };

/**
 * Lion that finds its step size; follows facebookresearch/dadaptation 3.2, whose authors call it experimental.
 * @throws E_CONFIG_VALUE
 * @see Defazio and Mishchenko, arXiv:2301.07733; Chen et al., arXiv:2302.06675
 */
@register(OPTIMIZERS)
export class DAdaptLion extends DAdaptation {
  constructor(params: ParamsInput, options: DAdaptLionOptions = {}) {
    checkKeys('DAdaptLion', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options), growthRate: null }, ['numeratorWeighted']);
  }

  protected override checkGroup(group: ParamGroup): void {
    super.checkGroup(group);
    requireBetas('DAdaptLion.betas', group.betas);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { s: newBuffer(param), exp_avg: newBuffer(param) }, numbers: {} };
  }

  protected adapt(batches: readonly UpdateBatch[]): boolean {
    const common = this.first as Group;
    const [beta1, beta2] = common.betas;
    const root2 = Math.sqrt(beta2);
    const rate = common.d * this.commonLr();
    const learning = this.learning(batches);
    const sums = { numerator: [] as Scalar[], l1: [] as Scalar[] };
    for (const batch of learning) {
      const { weightDecay } = batch.group as Group;
      batch.states.forEach(({ buffers: { s, exp_avg: average } }, i) => {
        const mixed = tf.add(tf.mul(average!, beta1), tf.mul(batch.grads[i]!, 1 - beta1));
        sums.numerator.push(tf.mul(total(tf.mul(tf.sign(mixed), s!)), rate));
      });
      updateElementwise(batch, ['s', 'exp_avg'], ({ param, grad, s, exp_avg: average }) => {
        const direction = average.decayAdd(beta1, grad, 1 - beta1).sign();
        return {
          param: param.mul(1 - rate * weightDecay).sub(direction.mul(rate)),
          exp_avg: average.decayAdd(beta2, grad, (1 - beta2) * rate),
          s: s.decayAdd(root2, direction, (1 - root2) * rate),
        };
      });
      for (const { buffers } of batch.states) sums.l1.push(total(tf.abs(buffers.s!)));
    }
    const { numerator, l1 } = readTotals(sums);
    if (l1 === 0) return false;
    const numeratorWeighted = root2 * common.numeratorWeighted + (1 - root2) * numerator;
    this.improve(numeratorWeighted / ((1 - root2) * l1), { numeratorWeighted });
    return true;
  }
}
