import { badValue, PARAM_SCHEDULERS, register } from '@engine/core';
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

export interface CosineRestartOptions extends ScheduleOptions {
  /** Lengths of the periods. */
  periods: readonly number[];
  /** Factor on the initial value at each restart, one per period; [1]. */
  restartWeights?: readonly number[];
  /** Lowest value; 0. */
  etaMin?: number;
  /** Lowest value as a part of the initial one, instead of `etaMin`. */
  etaMinRatio?: number;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    CosineRestartParamScheduler: CosineRestartOptions & ParamScheduleOptions & Convertible;
    CosineRestartLR: CosineRestartOptions & Convertible;
    CosineRestartMomentum: CosineRestartOptions & Convertible;
  }
}

/**
 * A cosine from the weighted initial value to the lowest in every period; after the last period the value stays. The
 * begin of a period sets the value; within it the rule works on the value that is there.
 * @throws E_CONFIG_VALUE unless there is a weight for each period and one of `etaMin` and `etaMinRatio`
 * @see Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", arXiv:1608.03983
 */
@register(PARAM_SCHEDULERS)
export class CosineRestartParamScheduler extends ParamScheduler {
  static override readonly epochOptions = ['periods'];

  private readonly periods: readonly number[];
  private readonly restartWeights: readonly number[];
  private readonly etaMin: EtaMin;

  constructor(target: SchedulerTarget, options: CosineRestartOptions & ParamScheduleOptions) {
    super(target, options, ['periods', 'restartWeights', 'etaMin', 'etaMinRatio']);
    const { periods, restartWeights = [1], etaMin, etaMinRatio } = options;
    if (!Array.isArray(periods) || !periods.every((n) => Number.isInteger(n) && n > 0)) {
      throw badValue(`${this.name}.periods`, periods, 'a list of whole numbers above 0');
    }
    if (!Array.isArray(restartWeights) || restartWeights.length !== periods.length) {
      throw badValue(
        `${this.name}.restartWeights`,
        restartWeights,
        `${periods.length} numbers, one for each period`,
      );
    }
    if (etaMin === undefined && etaMinRatio === undefined) {
      throw badValue(`${this.name}.etaMin`, etaMin, 'either etaMin or etaMinRatio');
    }
    this.periods = periods;
    this.restartWeights = restartWeights;
    this.etaMin = etaMinRule(this.name, options);
    this.start();
  }

  protected nextValue(current: number, group: ParamGroup, index: number): number {
    let start = 0;
    for (const [i, period] of this.periods.entries()) {
      if (this.lastStep < start + period) {
        const initial = this.initialValue(group, index);
        const low = this.etaMin(initial);
        const n = this.lastStep - start;
        if (n === 0) return initial * this.restartWeights[i]!;
        const ratio = (1 + Math.cos((Math.PI * n) / period)) / (1 + Math.cos((Math.PI * (n - 1)) / period));
        return ratio * (current - low) + low;
      }
      start += period;
    }
    return current;
  }
}

/** CosineRestartParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class CosineRestartLR extends CosineRestartParamScheduler {
  constructor(target: SchedulerTarget, options: CosineRestartOptions) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}

/** CosineRestartParamScheduler for momentum, or for the first beta. */
@register(PARAM_SCHEDULERS)
export class CosineRestartMomentum extends CosineRestartParamScheduler {
  constructor(target: SchedulerTarget, options: CosineRestartOptions) {
    super(target, fixedParam(new.target.name, options, 'momentum'));
  }
}
