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

export interface PolyOptions extends ScheduleOptions {
  /** Value at the last step of the interval; 0. */
  etaMin?: number;
  /** Power of the polynomial; 1. */
  power?: number;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    PolyParamScheduler: PolyOptions & ParamScheduleOptions & Convertible;
    PolyLR: PolyOptions & Convertible;
    PolyMomentum: PolyOptions & Convertible;
  }
}

/**
 * A polynomial from the value at `begin` to `etaMin` at the last step of the interval.
 * @throws E_CONFIG_VALUE
 */
@register(PARAM_SCHEDULERS)
export class PolyParamScheduler extends ParamScheduler {
  private readonly etaMin: number;
  private readonly power: number;

  constructor(target: SchedulerTarget, options: PolyOptions & ParamScheduleOptions) {
    super(target, options, ['etaMin', 'power']);
    const { etaMin = 0, power = 1 } = options;
    requireNumber(`${this.name}.etaMin`, etaMin);
    requireNumber(`${this.name}.power`, power);
    this.etaMin = etaMin;
    this.power = power;
    this.start();
  }

  protected nextValue(current: number): number {
    if (this.lastStep === 0) return current;
    const left = 1 - 1 / (this.length - this.lastStep);
    return (current - this.etaMin) * left ** this.power + this.etaMin;
  }
}

/** PolyParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class PolyLR extends PolyParamScheduler {
  constructor(target: SchedulerTarget, options: PolyOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}

/** PolyParamScheduler for momentum, or for the first beta. */
@register(PARAM_SCHEDULERS)
export class PolyMomentum extends PolyParamScheduler {
  constructor(target: SchedulerTarget, options: PolyOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'momentum'));
  }
}
