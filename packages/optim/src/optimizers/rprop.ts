import { checkKeys, OPTIMIZERS, register, badValue } from '@engine/core';
import type { ParamRef } from '@engine/tensor';
import { requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { updateElementwise } from './elementwise.js';

export interface RpropOptions {
  /** First step size; 0.01. */
  lr?: number;
  /** Factors that shrink and grow a step size; [0.5, 1.2]. */
  etas?: readonly [number, number];
  /** Smallest and largest step size; [1e-6, 50]. */
  stepSizes?: readonly [number, number];
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Rprop: RpropOptions;
  }
}

const DEFAULTS: Required<RpropOptions> = {
  lr: 1e-2,
  etas: [0.5, 1.2],
  stepSizes: [1e-6, 50],
  maximize: false,
};

/**
 * A step size for each element, grown while the sign of its gradient stays and shrunk when it turns;
 * `torch.optim.Rprop`'s semantics. For whole-data-set gradients.
 * @throws E_CONFIG_VALUE
 * @see Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm", 1993
 */
@register(OPTIMIZERS)
export class Rprop extends Optimizer {
  constructor(params: ParamsInput, options: RpropOptions = {}) {
    checkKeys('Rprop', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    requireNonNegative('Rprop.lr', group.lr);
    const [shrink = 0, grow = 0] = group.etas as number[];
    if (!(shrink > 0 && shrink < 1 && grow > 1))
      throw badValue('Rprop.etas', group.etas, 'a factor in (0, 1) and one above 1');
    const [low = 0, high = 0] = group.stepSizes as number[];
    if (!(low >= 0 && high >= low))
      throw badValue('Rprop.stepSizes', group.stepSizes, 'a smallest and a largest size');
  }

  protected override initState(param: ParamRef, group: ParamGroup) {
    return { buffers: { prev: newBuffer(param), step_size: newBuffer(param, group.lr) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const { etas, stepSizes, maximize } = batch.group as ParamGroup & Required<RpropOptions>;
    const [shrink, grow] = etas;
    const [low, high] = stepSizes;
    updateElementwise(batch, ['prev', 'step_size'], (x) => {
      const grad = maximize ? x.grad.neg() : x.grad;
      const agreement = grad.mul(x.prev).sign();
      const turned = agreement.less(0);
      const factor = turned.select(shrink, agreement.select(grow, 1));
      const size = x.step_size.mul(factor).max(low).min(high);
      // An element whose sign turned rests for one step.
      const kept = turned.select(0, grad);
      return { param: x.param.sub(kept.sign().mul(size)), prev: kept, step_size: size };
    });
  }
}
