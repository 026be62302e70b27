import { badValue, checkKeys, listNames, nearest } from '@engine/core';
import type { ParamGroup } from '../param-group.js';
import { warn } from '../warn.js';

/** What a scheduler drives: an optimizer or its wrapper, whose synthetic base group it drives too. */
export interface SchedulerTarget {
  readonly paramGroups: ParamGroup[];
  readonly defaults: Readonly<Record<string, unknown>>;
  /** The synthetic group at the end of `paramGroups`, where there is one. */
  readonly baseParamSettings?: ParamGroup | undefined;
  /** Steps made so far, to notice a scheduler that runs ahead. */
  readonly stepCount?: number;
  /** Updates made so far, where steps accumulate gradients. */
  readonly optimizerSteps?: number;
  /** Steps whose gradients make one update. */
  readonly accumulativeCounts?: number;
}

/** Options of every scheduler of the learning rate or of momentum. */
export interface ScheduleOptions {
  /** First step of the interval it acts in; 0. */
  begin?: number;
  /** Step before which the interval ends; `Infinity`, or the length of the run where `buildParamScheduler` knows it. */
  end?: number;
  /** Whether a step is an epoch or an iteration; true. The caller of `step` acts accordingly. */
  byEpoch?: boolean;
  /**
   * What counts as a step where `byEpoch` is false: an iteration, or an update of the parameters, of which there are
   * fewer with accumulated gradients; `iter`. All counts in the options are of this unit.
   */
  step?: 'iter' | 'optimizerStep';
}

/** Options of a scheduler of any numeric setting of the groups. */
export interface ParamScheduleOptions extends ScheduleOptions {
  /** `lr`, `momentum` (the first beta where there is no momentum), `weightDecay`, … */
  paramName: string;
}

/** Extra options that `buildParamScheduler` understands. */
export interface Convertible {
  /** Count in iterations what the config gives in epochs; needs `byEpoch`. */
  convertToIterBased?: boolean;
}

/** Counters of a scheduler and what it started from; its settings come from the config and the values in force from the optimizer. */
export interface SchedulerState {
  globalStep: number;
  lastStep: number;
  /** What the groups had before any scheduler touched them. */
  initialValues?: number[];
  /** `begin` and `end`, null for no end; tells a resumed run that its config changed. */
  interval?: [begin: number, end: number | null];
}

/** Infinity is no JSON. */
function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

const COMMON_KEYS = ['begin', 'end', 'byEpoch', 'step', 'paramName'];

/**
 * Base of the schedulers. A subclass checks its options, calls {@link ParamScheduler.start} at the end of its
 * constructor, which performs step 0, and gives the rule in {@link ParamScheduler.nextValue}.
 *
 * Rules work on the value that is there, so schedulers whose intervals overlap multiply, and gaps hold the value.
 *
 * Saved are only the counters and initial values. After `loadStateDict` the values in force are those of the restored optimizer and the
 * settings those of the config: changed settings act from the next step on and do not rewrite the past.
 */
export abstract class ParamScheduler {
  /** Names of the options that are counted in epochs beside `begin` and `end`; numbers or lists of numbers. */
  static readonly epochOptions: readonly string[] = [];

  readonly name: string;
  readonly paramName: string;
  readonly begin: number;
  readonly end: number;
  readonly byEpoch: boolean;
  readonly unit: 'iter' | 'optimizerStep';
  protected readonly target: SchedulerTarget;
  /** Calls of `step`, counted from 0. */
  protected globalStep = -1;
  /** Steps inside the interval, counted from 0. */
  protected lastStep = -1;
  private readonly initialKey: string;
  private initialValues: number[];
  private readonly drivesBetas: boolean;

  /**
   * @param ownKeys names of the subclass's own options
   * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE for an empty interval or a setting that the groups do not have
   */
  constructor(target: SchedulerTarget, options: ParamScheduleOptions, ownKeys: readonly string[]) {
    this.name = new.target.name;
    checkKeys(this.name, options, [...ownKeys, ...COMMON_KEYS]);
    const { begin = 0, end = Infinity, byEpoch = true, step: unit = 'iter', paramName } = options;
    if (!Array.isArray((target as SchedulerTarget | undefined)?.paramGroups)) {
      throw badValue(`${this.name}.optimizer`, target, 'an Optimizer or an OptimWrapper');
    }
    if (typeof begin !== 'number' || !(begin >= 0))
      throw badValue(`${this.name}.begin`, begin, 'a step from 0 on');
    if (typeof end !== 'number' || !(end > begin))
      throw badValue(`${this.name}.end`, end, `a step after begin = ${begin}`);
    if (typeof byEpoch !== 'boolean') throw badValue(`${this.name}.byEpoch`, byEpoch, 'true or false');
    if (unit !== 'iter' && unit !== 'optimizerStep')
      throw badValue(`${this.name}.step`, unit, "'iter' or 'optimizerStep'");
    if (unit === 'optimizerStep' && byEpoch)
      throw badValue(`${this.name}.step`, unit, 'byEpoch to be false beside it');
    this.target = target;
    this.begin = begin;
    this.end = end;
    this.byEpoch = byEpoch;
    this.unit = unit;
    this.paramName = paramName;
    this.initialKey = `initial${paramName.charAt(0).toUpperCase()}${paramName.slice(1)}`;
    this.drivesBetas =
      paramName === 'momentum' && !('momentum' in target.defaults) && 'betas' in target.defaults;
    this.initialValues = target.paramGroups.map((group) => {
      this.checkParam(group);
      return (group[this.initialKey] ??= this.currentValue(group)) as number;
    });
  }

  /** True for schedulers whose `step` needs the metrics of a validation. */
  get needsMetrics(): boolean {
    return false;
  }

  /** Number of steps in the interval; may be `Infinity`. */
  get length(): number {
    return this.end - this.begin;
  }

  /** Moves one step on and sets every group inside the interval. */
  step(_metrics?: Readonly<Record<string, unknown>>): void {
    this.globalStep++;
    this.warnIfAhead();
    if (this.begin <= this.globalStep && this.globalStep < this.end) {
      this.lastStep++;
      this.target.paramGroups.forEach((group, index) => {
        this.setValue(group, this.nextValue(this.currentValue(group), group, index));
      });
    }
  }

  /** Moves on as a training iteration ends: by one step, or by the updates that it made; not at all by epoch. */
  afterIteration(): void {
    if (this.byEpoch) return;
    if (this.unit === 'iter') {
      this.step();
      return;
    }
    const updates = this.target.optimizerSteps ?? this.target.stepCount ?? 0;
    while (this.globalStep < updates) this.step();
  }

  /** The value in force in each group. */
  getLastValue(): number[] {
    return this.target.paramGroups.map((group) => this.currentValue(group));
  }

  stateDict(): SchedulerState {
    return {
      globalStep: this.globalStep,
      lastStep: this.lastStep,
      initialValues: [...this.initialValues],
      interval: [this.begin, finiteOrNull(this.end)],
    };
  }

  /** Restores the counters and initial values; see the class for what is not in them. Warns when the interval is another one. */
  loadStateDict(state: SchedulerState): void {
    this.globalStep = state.globalStep;
    this.lastStep = state.lastStep;
    // A state without them, of an earlier version, leaves them to the restored groups.
    this.initialValues = [...(state.initialValues ?? [])];
    const [begin, end] = state.interval ?? [this.begin, finiteOrNull(this.end)];
    if (begin === this.begin && end === finiteOrNull(this.end)) return;
    warn(
      'W_SCHEDULER_INTERVAL',
      `${this.name} acted over steps ${begin} to ${end ?? 'the end'} in the run that is resumed and now acts over ` +
        `${this.begin} to ${this.end}: it goes on from the value reached, not as if it had always been so.`,
    );
  }

  /** Value for step {@link lastStep} of the interval. */
  protected abstract nextValue(current: number, group: ParamGroup, index: number): number;

  /** Performs step 0; called once, at the end of the constructor of the class that gives the rule. */
  protected start(): void {
    this.step();
  }

  protected currentValue(group: ParamGroup): number {
    if (this.drivesBetas) return (group.betas as readonly number[])[0]!;
    return group[this.paramName] as number;
  }

  /**
   * The value that a group had before any scheduler touched it; one that is built later and sets another does not change
   * it for this one.
   */
  protected initialValue(group: ParamGroup, index: number): number {
    return this.initialValues[index] ?? ((group[this.initialKey] ??= this.currentValue(group)) as number);
  }

  protected setInitialValue(group: ParamGroup, index: number, value: number): void {
    group[this.initialKey] = value;
    this.initialValues[index] = value;
  }

  protected setValue(group: ParamGroup, value: number): void {
    if (this.drivesBetas) group.betas = [value, ...(group.betas as readonly number[]).slice(1)];
    else group[this.paramName] = value;
  }

  private checkParam(group: ParamGroup): void {
    const known = Object.keys(group).filter((key) => typeof group[key] === 'number');
    if (this.drivesBetas || known.includes(this.paramName)) return;
    const near = nearest(String(this.paramName), known);
    throw badValue(
      `${this.name}.paramName`,
      this.paramName,
      `a numeric setting of the optimizer: ${listNames(known)}`,
      near ? `write '${near}'` : undefined,
    );
  }

  private warnIfAhead(): void {
    if (this.globalStep !== 1 || this.target.stepCount !== 0) return;
    warn(
      'W_SCHEDULER_AHEAD',
      `${this.name}.step() was called before the optimizer's first step, so the first value is never used.`,
    );
  }
}

/** Options of a scheduler for one fixed setting, such as LinearLR's `lr`. */
export function fixedParam<O extends ScheduleOptions>(
  owner: string,
  options: O,
  paramName: string,
): O & ParamScheduleOptions {
  if ('paramName' in options) {
    throw badValue(`${owner}.paramName`, options.paramName, `no such option: it is '${paramName}'`);
  }
  return { ...options, paramName };
}
