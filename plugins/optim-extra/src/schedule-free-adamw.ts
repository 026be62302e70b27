import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  copyToVariable,
  definedOnly,
  newBuffer,
  Optimizer,
  requireNonNegative,
  requireWithin,
  updateElementwise,
  type GradientClosure,
  type ParamGroup,
  type ParamsInput,
  type ParamState,
  type UpdateBatch,
} from '@engine/optim';
import { copyTensor, tf, type ParamRef, type Scalar, type Tensor, type Variable } from '@engine/tensor';

export interface ScheduleFreeAdamWOptions {
  /** Learning rate; 0.0025. No scheduler is needed, nor any use. */
  lr?: number;
  /** How close gradients are taken to the average of the iterates, and decay rate of squares; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** Decay towards 0 of the point where gradients are taken; 0. */
  weightDecay?: number;
  /** Steps over which the rate grows linearly; 0. */
  warmupSteps?: number;
  /** Power of the step in the weights of the average; 0. */
  r?: number;
  /** Power of the rate in the weights of the average; 2. */
  weightLrPower?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    ScheduleFreeAdamW: ScheduleFreeAdamWOptions;
    AdamWScheduleFree: ScheduleFreeAdamWOptions;
  }
}

const DEFAULTS: Required<ScheduleFreeAdamWOptions> = {
  lr: 2.5e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  warmupSteps: 0,
  r: 0,
  weightLrPower: 2,
};

type Group = ParamGroup &
  Required<ScheduleFreeAdamWOptions> & { k: number; weightSum: number; lrMax: number; averaged: boolean };

/**
 * AdamW with an average of its iterates in place of a schedule. While training, parameters hold the point where
 * gradients are taken; {@link ScheduleFreeAdamW.eval} puts the average into them for validation or export, and
 * {@link ScheduleFreeAdamW.train}, or the next step, takes it out again.
 * @throws E_CONFIG_VALUE for a negative number, or betas outside (0, 1) and [0, 1)
 * @see Defazio et al., "The Road Less Scheduled", arXiv:2405.15682, and facebookresearch/schedule_free
 */
@register(OPTIMIZERS, { aliases: ['AdamWScheduleFree'] })
export class ScheduleFreeAdamW extends Optimizer {
  constructor(params: ParamsInput, options: ScheduleFreeAdamWOptions = {}) {
    checkKeys('ScheduleFreeAdamW', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options), k: 0, weightSum: 0, lrMax: 0, averaged: false });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps', 'weightDecay', 'warmupSteps', 'r', 'weightLrPower'])
      requireNonNegative(`ScheduleFreeAdamW.${key}`, group[key]);
    const { betas } = group as Group;
    if (!(betas?.[0] > 0 && betas[0] < 1)) {
      throw badValue('ScheduleFreeAdamW.betas', betas, 'a number above 0 and below 1 first');
    }
    requireWithin('ScheduleFreeAdamW.betas[1]', betas[1], 0, 1);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { z: copyToVariable(param.variable), exp_avg_sq: newBuffer(param) }, numbers: {} };
  }

  /**
   * Puts the average into the parameters; where gradients are taken is kept beside it, to the bit. Does nothing when it
   * is there.
   */
  override eval(): void {
    this.exchange(true, (param, { buffers }, beta) => {
      buffers.y = copyToVariable(param);
      param.assign(tf.add(param, tf.mul(tf.sub(buffers.z!, param), 1 - 1 / beta)));
    });
  }

  /** Puts the point where gradients are taken back into the parameters. Does nothing when it is there. */
  override train(): void {
    this.exchange(false, (param, { buffers }) => {
      const { y, ...others } = buffers;
      if (!y) return;
      param.assign(copyTensor(y));
      y.dispose();
      return others;
    });
  }

  override step(grads: ReadonlyMap<Variable, Tensor> | GradientClosure): Scalar | void {
    this.train();
    return super.step(grads);
  }

  protected update(batch: UpdateBatch): void {
    const group = batch.group as Group;
    const { betas, eps, weightDecay, warmupSteps, r, weightLrPower } = group;
    const step = ++group.k;
    const lr = group.lr * Math.min(1, warmupSteps > 0 ? step / warmupSteps : 1);
    group.lrMax = Math.max(lr, group.lrMax);
    const weight = step ** r * group.lrMax ** weightLrPower;
    group.weightSum += weight;
    const share = group.weightSum > 0 ? weight / group.weightSum : 0;
    const correction = 1 - betas[1] ** step;
    updateElementwise(batch, ['z', 'exp_avg_sq'], ({ param, grad, z, exp_avg_sq: before }) => {
      const squares = before.decayAdd(betas[1], grad.square(), 1 - betas[1]);
      let direction = grad.div(squares.div(correction).sqrt().add(eps));
      if (weightDecay) direction = direction.add(param.mul(weightDecay));
      return {
        param: param.lerp(z, share).add(direction.mul(lr * (betas[0] * (1 - share) - 1))),
        z: z.sub(direction.mul(lr)),
        exp_avg_sq: squares,
      };
    });
  }

  private exchange(
    averaged: boolean,
    change: (param: Variable, state: ParamState, beta: number) => Record<string, Variable> | undefined | void,
  ): void {
    tf.tidy(() => {
      for (const group of this.paramGroups as Group[]) {
        if (group.averaged === averaged) continue;
        group.averaged = averaged;
        for (const param of group.params) {
          const state = this.existingState(param);
          if (!state) continue;
          const left = change(param.variable, state, group.betas[0]);
          if (left) state.buffers = left;
        }
      }
    });
  }
}
