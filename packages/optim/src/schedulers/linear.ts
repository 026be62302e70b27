import { badValue, PARAM_SCHEDULERS, register } from '@engine/core';
import { requireWithin } from '../checks.js';
import {
  fixedParam,
  ParamScheduler,
  type Convertible,
  type ParamScheduleOptions,
  type ScheduleOptions,
  type SchedulerTarget,
} from './param-scheduler.js';

export interface LinearOptions extends ScheduleOptions {
  /** Factor at the begin, above 0 and at most 1; 1/3. */
  startFactor?: number;
  /** Factor at the last step of the interval, 0 to 1; 1. */
  endFactor?: number;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    LinearParamScheduler: LinearOptions & ParamScheduleOptions & Convertible;
    LinearLR: LinearOptions & Convertible;
    LinearMomentum: LinearOptions & Convertible;
  }
}

/**
 * Moves the factor on the value from `startFactor` to `endFactor` along a line, which it reaches at the last step of
 * the interval.
 * @throws E_CONFIG_VALUE for a factor out of range
 */
@register(PARAM_SCHEDULERS)
export class LinearParamScheduler extends ParamScheduler {
  private readonly startFactor: number;
  private readonly endFactor: number;

  constructor(target: SchedulerTarget, options: LinearOptions & ParamScheduleOptions) {
    super(target, options, ['startFactor', 'endFactor']);
    const { startFactor = 1 / 3, endFactor = 1 } = options;
    if (!(startFactor > 0 && startFactor <= 1)) {
      throw badValue(
        `${this.name}.startFactor`,
        startFactor,
        'a number above 0, at most 1',
        'use a small one, such as 1e-6',
      );
    }
    requireWithin(`${this.name}.endFactor`, endFactor, 0, 1);
    this.startFactor = startFactor;
    this.endFactor = endFactor;
    this.start();
  }

  protected nextValue(current: number): number {
    const { startFactor, endFactor, lastStep } = this;
    if (lastStep === 0) return current * startFactor;
    const rise = endFactor - startFactor;
    return current * (1 + rise / ((this.length - 1) * startFactor + (lastStep - 1) * rise));
  }
}

/** LinearParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class LinearLR extends LinearParamScheduler {
  constructor(target: SchedulerTarget, options: LinearOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}

/** LinearParamScheduler for momentum, or for the first beta. */
@register(PARAM_SCHEDULERS)
export class LinearMomentum extends LinearParamScheduler {
  constructor(target: SchedulerTarget, options: LinearOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'momentum'));
  }
}
