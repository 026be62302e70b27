import { badValue, EngineError, listNames, nearest, PARAM_SCHEDULERS, register } from '@engine/core';
import { requireNonNegative } from '../checks.js';
import type { ParamGroup } from '../param-group.js';
import { perGroup } from './per-group.js';
import {
  fixedParam,
  ParamScheduler,
  type ParamScheduleOptions,
  type ScheduleOptions,
  type SchedulerState,
  type SchedulerTarget,
} from './param-scheduler.js';

export interface ReduceOnPlateauOptions extends ScheduleOptions {
  /** Name of the metric; `loss`. */
  monitor?: string;
  /** Whether less or more is better; `less`. */
  rule?: 'less' | 'greater';
  /** Factor of a reduction, below 1; 0.1. */
  factor?: number;
  /** Validations without improvement that are tolerated; 10. */
  patience?: number;
  /** Least improvement that counts; 0.0001. */
  threshold?: number;
  /** Whether the threshold is a part of the best value or a difference; `rel`. */
  thresholdRule?: 'rel' | 'abs';
  /** Validations after a reduction in which nothing is counted; 0. */
  cooldown?: number;
  /** Lowest value, or one for each group; 0. */
  minValue?: number | readonly number[];
  /** A reduction that is not greater than this is not made, nor is one that would be a rise; 1e-8. */
  eps?: number;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    ReduceOnPlateauParamScheduler: ReduceOnPlateauOptions & ParamScheduleOptions;
    ReduceOnPlateauLR: ReduceOnPlateauOptions;
    ReduceOnPlateauMomentum: ReduceOnPlateauOptions;
  }
}

export interface PlateauState extends SchedulerState {
  /** Best value so far; null before the first. */
  best: number | null;
  badCount: number;
  cooldownLeft: number;
}

const KEYS = [
  'monitor',
  'rule',
  'factor',
  'patience',
  'threshold',
  'thresholdRule',
  'cooldown',
  'minValue',
  'eps',
];

/**
 * Reduces the value when a metric has stopped improving. `step()` counts an epoch, `step(metrics)` looks at the
 * results of a validation.
 * @throws E_CONFIG_VALUE, also for `byEpoch: false`
 */
@register(PARAM_SCHEDULERS)
export class ReduceOnPlateauParamScheduler extends ParamScheduler {
  private readonly options: Required<Omit<ReduceOnPlateauOptions, keyof ScheduleOptions | 'minValue'>>;
  private readonly minValues: readonly number[];
  private best: number | null = null;
  private badCount = 0;
  private cooldownLeft = 0;

  constructor(target: SchedulerTarget, options: ReduceOnPlateauOptions & ParamScheduleOptions) {
    super(target, options, KEYS);
    const { monitor = 'loss', rule = 'less', factor = 0.1, patience = 10, threshold = 1e-4 } = options;
    const { thresholdRule = 'rel', cooldown = 0, minValue = 0, eps = 1e-8 } = options;
    if (!this.byEpoch) throw badValue(`${this.name}.byEpoch`, false, 'true: it acts on validations');
    if (!(factor < 1)) throw badValue(`${this.name}.factor`, factor, 'a number below 1');
    if (rule !== 'less' && rule !== 'greater')
      throw badValue(`${this.name}.rule`, rule, "'less' or 'greater'");
    if (thresholdRule !== 'rel' && thresholdRule !== 'abs') {
      throw badValue(`${this.name}.thresholdRule`, thresholdRule, "'rel' or 'abs'");
    }
    const counts = { patience, threshold, cooldown };
    for (const [key, value] of Object.entries(counts)) requireNonNegative(`${this.name}.${key}`, value);
    this.minValues = perGroup(`${this.name}.minValue`, minValue, target);
    this.options = { monitor, rule, factor, patience, threshold, thresholdRule, cooldown, eps };
    this.start();
  }

  override get needsMetrics(): boolean {
    return true;
  }

  /**
   * @param metrics results of a validation; absent to count an epoch
   * @throws E_SCHEDULER_MONITOR when the metric is not among them or is no number
   */
  override step(metrics?: Readonly<Record<string, unknown>>): void {
    if (metrics === undefined) {
      this.globalStep++;
      return;
    }
    if (this.globalStep < this.begin || this.globalStep >= this.end) return;
    this.lastStep++;
    const value = this.read(metrics);
    if (this.improves(value)) {
      this.best = value;
      this.badCount = 0;
    } else {
      this.badCount++;
    }
    if (this.cooldownLeft > 0) {
      this.cooldownLeft--;
      this.badCount = 0;
    }
    if (this.badCount <= this.options.patience) return;
    this.cooldownLeft = this.options.cooldown;
    this.badCount = 0;
    this.target.paramGroups.forEach((group, index) => {
      const current = this.currentValue(group);
      const next = this.nextValue(current, group, index);
      if (current - next > this.options.eps) this.setValue(group, next);
    });
  }

  override stateDict(): PlateauState {
    const { best, badCount, cooldownLeft } = this;
    return { ...super.stateDict(), best, badCount, cooldownLeft };
  }

  override loadStateDict(state: PlateauState): void {
    super.loadStateDict(state);
    this.best = state.best;
    this.badCount = state.badCount;
    this.cooldownLeft = state.cooldownLeft;
  }

  protected nextValue(current: number, _group: ParamGroup, index: number): number {
    return Math.max(current * this.options.factor, this.minValues[index]!);
  }

  private read(metrics: Readonly<Record<string, unknown>>): number {
    const { monitor } = this.options;
    const value = metrics[monitor];
    if (typeof value === 'number') return value;
    throw new EngineError({
      code: 'E_SCHEDULER_MONITOR',
      what: `${this.name} watches '${monitor}', which the validation did not give as a number.`,
      received:
        monitor in metrics ? `${monitor} = ${String(value)}` : `metrics ${listNames(Object.keys(metrics))}`,
      expected: `a number called '${monitor}'`,
      didYouMean: nearest(monitor, Object.keys(metrics)),
      fix: 'set monitor to one of the metrics',
    });
  }

  private improves(value: number): boolean {
    const { rule, threshold, thresholdRule } = this.options;
    const best = this.best ?? (rule === 'less' ? Infinity : -Infinity);
    const margin = thresholdRule === 'rel' ? best * threshold : threshold;
    if (rule === 'less') return value < (Number.isFinite(best) ? best - margin : best);
    return value > (Number.isFinite(best) ? best + margin : best);
  }
}

/** ReduceOnPlateauParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class ReduceOnPlateauLR extends ReduceOnPlateauParamScheduler {
  constructor(target: SchedulerTarget, options: ReduceOnPlateauOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}

/** ReduceOnPlateauParamScheduler for momentum, or for the first beta. */
@register(PARAM_SCHEDULERS)
export class ReduceOnPlateauMomentum extends ReduceOnPlateauParamScheduler {
  constructor(target: SchedulerTarget, options: ReduceOnPlateauOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'momentum'));
  }
}
