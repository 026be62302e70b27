import { badValue, EngineError, PARAM_SCHEDULERS, register } from '@engine/core';
import { requirePositiveInt, requireWithin } from '../checks.js';
import { type ParamGroup } from '../param-group.js';
import { perGroup } from './per-group.js';
import {
  fixedParam,
  ParamScheduler,
  type Convertible,
  type ParamScheduleOptions,
  type ScheduleOptions,
  type SchedulerTarget,
} from './param-scheduler.js';

export interface OneCycleOptions extends ScheduleOptions {
  /** Highest value, or one for each group; 0. */
  etaMax?: number | readonly number[];
  /** Steps of the whole cycle; the length of the interval. */
  totalSteps?: number;
  /** Part of the cycle in which the value rises; 0.3. */
  pctStart?: number;
  /** Shape of the phases; `cos`. */
  annealStrategy?: 'cos' | 'linear';
  /** The first value is the highest divided by this; 25. */
  divFactor?: number;
  /** The last value is the first divided by this; 10000. */
  finalDivFactor?: number;
  /** Come down to the first value at the speed of the rise, then to the last; false. */
  threePhase?: boolean;
}

declare module '@engine/core' {
  interface ParamSchedulerTypes {
    OneCycleParamScheduler: OneCycleOptions & ParamScheduleOptions & Convertible;
    OneCycleLR: OneCycleOptions & Convertible;
  }
}

interface Phase {
  /** Step at which `to` is reached. */
  end: number;
  from: 'first' | 'max';
  to: 'first' | 'max' | 'last';
}

const KEYS = [
  'etaMax',
  'totalSteps',
  'pctStart',
  'annealStrategy',
  'divFactor',
  'finalDivFactor',
  'threePhase',
];

/**
 * One rise to `etaMax` and a fall far below the start. It sets the values, whatever they were.
 * @throws E_CONFIG_VALUE; E_SCHEDULER_PAST_END when stepped on after the cycle, inside the interval
 * @see Smith and Topin, "Super-Convergence", arXiv:1708.07120
 */
@register(PARAM_SCHEDULERS)
export class OneCycleParamScheduler extends ParamScheduler {
  static override readonly epochOptions = ['totalSteps'];

  private readonly etaMax: readonly number[];
  private readonly totalSteps: number;
  private readonly phases: readonly Phase[];
  private readonly options: Required<
    Pick<OneCycleOptions, 'annealStrategy' | 'divFactor' | 'finalDivFactor'>
  >;

  constructor(target: SchedulerTarget, options: OneCycleOptions & ParamScheduleOptions) {
    super(target, options, KEYS);
    const { etaMax = 0, totalSteps = this.length, pctStart = 0.3, annealStrategy = 'cos' } = options;
    const { divFactor = 25, finalDivFactor = 1e4, threePhase = false } = options;
    const groups = target.paramGroups;
    this.etaMax = perGroup(`${this.name}.etaMax`, etaMax, target);
    requirePositiveInt(`${this.name}.totalSteps`, totalSteps);
    requireWithin(`${this.name}.pctStart`, pctStart, 0, 1);
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear') {
      throw badValue(`${this.name}.annealStrategy`, annealStrategy, "'cos' or 'linear'");
    }
    this.totalSteps = totalSteps;
    this.options = { annealStrategy, divFactor, finalDivFactor };
    const top = pctStart * totalSteps - 1;
    this.phases = threePhase
      ? [
          { end: top, from: 'first', to: 'max' },
          { end: 2 * top, from: 'max', to: 'first' },
          { end: totalSteps - 1, from: 'first', to: 'last' },
        ]
      : [
          { end: top, from: 'first', to: 'max' },
          { end: totalSteps - 1, from: 'max', to: 'last' },
        ];
    groups.forEach((group, index) => this.setInitialValue(group, index, this.levels(index).first));
    this.start();
  }

  protected nextValue(_current: number, _group: ParamGroup, index: number): number {
    if (this.lastStep > this.totalSteps) {
      throw new EngineError({
        code: 'E_SCHEDULER_PAST_END',
        what: `${this.name} was stepped on after the end of its cycle.`,
        received: `step ${this.lastStep}`,
        expected: `at most ${this.totalSteps} steps`,
        fix: 'raise totalSteps, or set end',
      });
    }
    const levels = this.levels(index);
    let start = 0;
    for (const phase of this.phases) {
      if (this.lastStep <= phase.end || phase === this.phases.at(-1)) {
        // A phase of no length, such as a rise that ends at step 0, is over at once.
        const part = phase.end === start ? 1 : (this.lastStep - start) / (phase.end - start);
        return this.anneal(levels[phase.from], levels[phase.to], part);
      }
      start = phase.end;
    }
    return levels.last;
  }

  private levels(index: number): Record<'first' | 'max' | 'last', number> {
    const max = this.etaMax[index]!;
    const first = max / this.options.divFactor;
    return { first, max, last: first / this.options.finalDivFactor };
  }

  private anneal(from: number, to: number, part: number): number {
    if (this.options.annealStrategy === 'linear') return from + (to - from) * part;
    return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part));
  }
}

/** OneCycleParamScheduler for the learning rate. */
@register(PARAM_SCHEDULERS)
export class OneCycleLR extends OneCycleParamScheduler {
  constructor(target: SchedulerTarget, options: OneCycleOptions = {}) {
    super(target, fixedParam(new.target.name, options, 'lr'));
  }
}
