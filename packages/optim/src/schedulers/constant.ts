import { badValue, PARAM_SCHEDULERS, register } from '@engine/core';
import {
  fixedParam,
  ParamScheduler,
  type Convertible,
  type ParamScheduleOptions,
  type ScheduleOptions,
  type SchedulerTarget,
} from './param-scheduler.js';

export interface ConstantOptions extends ScheduleOptions {
  /** Factor on the value, above 0 and at most 1; 1/3. */
  factor?: number;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    ConstantParamScheduler: ConstantOptions & ParamScheduleOptions & Convertible;
    ConstantLR: ConstantOptions & Convertible;
    ConstantMomentum: ConstantOptions & Convertible;
  }
}

/**
 * Multiplies by `factor` during the interval; the last step of the interval is already restored.
 * @throws E_CONFIG_VALUE for a factor outside (0, 1]
 */
@register(PARAM_SCHEDULERS)
export class ConstantParamScheduler extends ParamScheduler {
  private readonly factor: number;

  constructor(target: SchedulerTarget, options: ConstantOptions & ParamScheduleOptions) {
    super(target, options, ['factor']);
    const { factor = 1 / 3 } = options;
    if (!(factor > 0 && factor <= 1))
      throw badValue(`${this.name}.factor`, factor, 'a number above 0, at most 1');
    this.factor = factor;
    this.start();
  }

  protected nextValue(current: number): number {
    if (this.lastStep === 0) return current * this.factor;
    return this.lastStep === this.length - 1 ? current / this.factor : current;
  }
}

/** ConstantParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class ConstantLR extends ConstantParamScheduler {
  constructor(target: SchedulerTarget, options: ConstantOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}

/** ConstantParamScheduler for momentum, or for the first beta. */
@register(PARAM_SCHEDULERS)
export class ConstantMomentum extends ConstantParamScheduler {
  constructor(target: SchedulerTarget, options: ConstantOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'momentum'));
  }
}
