import { badValue, PARAM_SCHEDULERS, register } from '@engine/core';
import { requireNumber } from '../checks.js';
import {
  fixedParam,
  ParamScheduler,
  type Convertible,
  type ParamScheduleOptions,
  type ScheduleOptions,
  type SchedulerTarget,
} from './param-scheduler.js';

export interface MultiStepOptions extends ScheduleOptions {
  /** Steps of the decays, counted from `begin`; one that stands twice decays twice. */
  milestones: readonly number[];
  /** Factor of each decay; 0.1. */
  gamma?: number;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    MultiStepParamScheduler: MultiStepOptions & ParamScheduleOptions & Convertible;
    MultiStepLR: MultiStepOptions & Convertible;
    MultiStepMomentum: MultiStepOptions & Convertible;
  }
}

/**
 * Multiplies by `gamma` at each milestone.
 * @throws E_CONFIG_VALUE
 */
@register(PARAM_SCHEDULERS)
export class MultiStepParamScheduler extends ParamScheduler {
  static override readonly epochOptions = ['milestones'];

  private readonly milestones: readonly number[];
  private readonly gamma: number;

  constructor(target: SchedulerTarget, options: MultiStepOptions & ParamScheduleOptions) {
    super(target, options, ['milestones', 'gamma']);
    const { milestones, gamma = 0.1 } = options;
    if (!Array.isArray(milestones) || !milestones.every(Number.isInteger)) {
      throw badValue(`${this.name}.milestones`, milestones, 'a list of whole numbers');
    }
    requireNumber(`${this.name}.gamma`, gamma);
    this.milestones = milestones;
    this.gamma = gamma;
    this.start();
  }

  protected nextValue(current: number): number {
    const times = this.milestones.filter((milestone) => milestone === this.lastStep).length;
    return times > 0 ? current * this.gamma ** times : current;
  }
}

/** MultiStepParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class MultiStepLR extends MultiStepParamScheduler {
  constructor(target: SchedulerTarget, options: MultiStepOptions) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}

/** MultiStepParamScheduler for momentum, or for the first beta. */
@register(PARAM_SCHEDULERS)
export class MultiStepMomentum extends MultiStepParamScheduler {
  constructor(target: SchedulerTarget, options: MultiStepOptions) {
    super(target, fixedParam(new.target.name, options, 'momentum'));
  }
}
