import { PARAM_SCHEDULERS, register } from '@engine/core';
import { requireNumber } from '../checks.js';
import {
  fixedParam,
  ParamScheduler,
  type Convertible,
  type ParamScheduleOptions,
  type ScheduleOptions,
  type SchedulerTarget,
} from './param-scheduler.js';

export interface ExponentialOptions extends ScheduleOptions {
  /** Factor of each step. */
  gamma: number;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    ExponentialParamScheduler: ExponentialOptions & ParamScheduleOptions & Convertible;
    ExponentialLR: ExponentialOptions & Convertible;
    ExponentialMomentum: ExponentialOptions & Convertible;
  }
}

/**
 * Multiplies by `gamma` in every step after the first of the interval.
 * @throws E_CONFIG_VALUE
 */
@register(PARAM_SCHEDULERS)
export class ExponentialParamScheduler extends ParamScheduler {
  private readonly gamma: number;

  constructor(target: SchedulerTarget, options: ExponentialOptions & ParamScheduleOptions) {
    super(target, options, ['gamma']);
    requireNumber(`${this.name}.gamma`, options.gamma);
    this.gamma = options.gamma;
    this.start();
  }

  protected nextValue(current: number): number {
    return this.lastStep === 0 ? current : current * this.gamma;
  }
}

/** ExponentialParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class ExponentialLR extends ExponentialParamScheduler {
  constructor(target: SchedulerTarget, options: ExponentialOptions) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}

/** ExponentialParamScheduler for momentum, or for the first beta. */
@register(PARAM_SCHEDULERS)
export class ExponentialMomentum extends ExponentialParamScheduler {
  constructor(target: SchedulerTarget, options: ExponentialOptions) {
    super(target, fixedParam(new.target.name, options, 'momentum'));
  }
}
