import { PARAM_SCHEDULERS, register } from '@engine/core';
import { requireNumber, requirePositiveInt } from '../checks.js';
import {
  fixedParam,
  ParamScheduler,
  type Convertible,
  type ParamScheduleOptions,
  type ScheduleOptions,
  type SchedulerTarget,
} from './param-scheduler.js';

export interface StepOptions extends ScheduleOptions {
  /** Steps between two decays. */
  stepSize: number;
  /** Factor of each decay; 0.1. */
  gamma?: number;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    StepParamScheduler: StepOptions & ParamScheduleOptions & Convertible;
    StepLR: StepOptions & Convertible;
    StepMomentum: StepOptions & Convertible;
  }
}

/**
 * Multiplies by `gamma` every `stepSize` steps, counted from `begin`.
 * @throws E_CONFIG_VALUE
 */
@register(PARAM_SCHEDULERS)
export class StepParamScheduler extends ParamScheduler {
  static override readonly epochOptions = ['stepSize'];

  private readonly stepSize: number;
  private readonly gamma: number;

  constructor(target: SchedulerTarget, options: StepOptions & ParamScheduleOptions) {
    super(target, options, ['stepSize', 'gamma']);
    const { stepSize, gamma = 0.1 } = options;
    requirePositiveInt(`${this.name}.stepSize`, stepSize);
    requireNumber(`${this.name}.gamma`, gamma);
    this.stepSize = stepSize;
    this.gamma = gamma;
    this.start();
  }

  protected nextValue(current: number): number {
    return this.lastStep > 0 && this.lastStep % this.stepSize === 0 ? current * this.gamma : current;
  }
}

/** StepParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class StepLR extends StepParamScheduler {
  constructor(target: SchedulerTarget, options: StepOptions) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}

/** StepParamScheduler for momentum, or for the first beta. */
@register(PARAM_SCHEDULERS)
export class StepMomentum extends StepParamScheduler {
  constructor(target: SchedulerTarget, options: StepOptions) {
    super(target, fixedParam(new.target.name, options, 'momentum'));
  }
}
