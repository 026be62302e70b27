import { PARAM_SCHEDULERS, register } from '@engine/core';
import { requirePositiveInt } from '../checks.js';
import { type ParamGroup } from '../param-group.js';
import { etaMinRule, type EtaMin } from './eta-min.js';
import {
  fixedParam,
  ParamScheduler,
  type Convertible,
  type ParamScheduleOptions,
  type ScheduleOptions,
  type SchedulerTarget,
} from './param-scheduler.js';

export interface CosineAnnealingOptions extends ScheduleOptions {
  /** Steps from the highest to the lowest value; the length of the interval. Beyond, the value rises again. */
  tMax?: number;
  /** Lowest value; 0. */
  etaMin?: number;
  /** Lowest value as a part of the initial one, instead of `etaMin`. */
  etaMinRatio?: number;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    CosineAnnealingParamScheduler: CosineAnnealingOptions & ParamScheduleOptions & Convertible;
    CosineAnnealingLR: CosineAnnealingOptions & Convertible;
    CosineAnnealingMomentum: CosineAnnealingOptions & Convertible;
  }
}

/**
 * Half a cosine from the value at `begin` down to the lowest in `tMax` steps.
 * @throws E_CONFIG_VALUE, also when both `etaMin` and `etaMinRatio` are given
 * @see Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", arXiv:1608.03983
 */
@register(PARAM_SCHEDULERS)
export class CosineAnnealingParamScheduler extends ParamScheduler {
  static override readonly epochOptions = ['tMax'];

  private readonly tMax: number;
  private readonly etaMin: EtaMin;

  constructor(target: SchedulerTarget, options: CosineAnnealingOptions & ParamScheduleOptions) {
    super(target, options, ['tMax', 'etaMin', 'etaMinRatio']);
    this.etaMin = etaMinRule(this.name, options);
    this.tMax = options.tMax ?? this.length;
    if (this.tMax !== Infinity) requirePositiveInt(`${this.name}.tMax`, this.tMax);
    this.start();
  }

  protected nextValue(current: number, group: ParamGroup, index: number): number {
    const { lastStep: n, tMax } = this;
    if (n === 0 || tMax === Infinity) return current;
    const initial = this.initialValue(group, index);
    const low = this.etaMin(initial);
    // One step after the bottom the recursion would divide by zero; from there it rises towards the initial value.
    if ((n - 1 - tMax) % (2 * tMax) === 0) {
      return current + ((initial - low) * (1 - Math.cos(Math.PI / tMax))) / 2;
    }
    const ratio = (1 + Math.cos((Math.PI * n) / tMax)) / (1 + Math.cos((Math.PI * (n - 1)) / tMax));
    return ratio * (current - low) + low;
  }
}

/** CosineAnnealingParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class CosineAnnealingLR extends CosineAnnealingParamScheduler {
  constructor(target: SchedulerTarget, options: CosineAnnealingOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}

/** CosineAnnealingParamScheduler for momentum, or for the first beta. */
@register(PARAM_SCHEDULERS)
export class CosineAnnealingMomentum extends CosineAnnealingParamScheduler {
  constructor(target: SchedulerTarget, options: CosineAnnealingOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'momentum'));
  }
}
