import { badValue, checkKeys, EngineError, HOOKS, listNames, nearest, register } from '@engine/core';
import type { EventPayloads } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';
import { ruleOf, type BestRule } from './best-rule.js';

export interface EarlyStoppingHookOptions {
  /** Metric to watch, as the evaluation names it. */
  monitor: string;
  /** Whether `greater` or `less` is better; found from the metric's name unless said. */
  rule?: BestRule;
  /** Least change that counts as an improvement; 0.1. */
  minDelta?: number;
  /** Make a metric that is not reported an error instead of a warning; false. */
  strict?: boolean;
  /** Stop when the metric is NaN or infinite; true. */
  checkFinite?: boolean;
  /** Validations without an improvement after which to stop; 5. */
  patience?: number;
  /** Stop as soon as the metric is better than this; never unless said. */
  stoppingThreshold?: number;
  priority?: number | string;
}

interface State {
  /** Null before the first validation. */
  best: number | null;
  waited: number;
  stopped: 'patience' | 'threshold' | 'notFinite' | null;
}

/**
 * Ends training when a validation metric stops improving. Its state is part of checkpoints, so a resumed run waits no
 * longer than an uninterrupted one; the last checkpoint is saved as after any other end.
 */
@register(HOOKS)
export class EarlyStoppingHook extends Hook {
  override priority = 'LOWEST' as const;
  private readonly options: EarlyStoppingHookOptions;
  private readonly rule: BestRule;
  private readonly minDelta: number;
  private readonly patience: number;
  private state: State = { best: null, waited: 0, stopped: null };

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE; E_METRIC_RULE when the name does not tell the rule */
  constructor(options: EarlyStoppingHookOptions) {
    super();
    checkKeys('EarlyStoppingHook', options, [
      'monitor',
      'rule',
      'minDelta',
      'strict',
      'checkFinite',
      'patience',
      'stoppingThreshold',
      'priority',
    ]);
    const { monitor, rule, minDelta = 0.1, patience = 5, stoppingThreshold } = options;
    if (typeof monitor !== 'string' || monitor === '') {
      throw badValue('EarlyStoppingHook.monitor', monitor, "the name of a metric, such as 'accuracy/top1'");
    }
    if (rule !== undefined && rule !== 'greater' && rule !== 'less') {
      throw badValue('EarlyStoppingHook.rule', rule, "'greater' or 'less'");
    }
    if (!(minDelta >= 0)) throw badValue('EarlyStoppingHook.minDelta', minDelta, 'a number of 0 or more');
    if (!Number.isInteger(patience) || patience < 1) {
      throw badValue('EarlyStoppingHook.patience', patience, 'a whole number of validations above 0');
    }
    if (stoppingThreshold !== undefined && typeof stoppingThreshold !== 'number') {
      throw badValue('EarlyStoppingHook.stoppingThreshold', stoppingThreshold, 'a number');
    }
    this.options = options;
    this.rule = rule ?? ruleOf(monitor);
    this.minDelta = minDelta;
    this.patience = patience;
  }

  override stateDict(): unknown {
    return { ...this.state };
  }

  override loadStateDict(state: unknown): void {
    this.state = { ...(state as State) };
  }

  /** A run that had stopped stays stopped, unless the config now allows more. */
  override beforeTrain(run: Run): void {
    const { best, waited, stopped } = this.state;
    const { checkFinite = true, stoppingThreshold } = this.options;
    const still =
      (stopped === 'patience' && waited >= this.patience) ||
      (stopped === 'threshold' && best !== null && this.passes(best, stoppingThreshold)) ||
      (stopped === 'notFinite' && checkFinite);
    if (still) this.stop(run, stopped!, `it had stopped at ${this.options.monitor} = ${String(best)}`);
    else this.state.stopped = null;
  }

  override afterValEpoch(run: Run, { metrics }: EventPayloads['afterValEpoch']): void {
    if (!run.trainLoop) return;
    const score = metrics[this.options.monitor];
    if (typeof score !== 'number') return this.reportMissing(run, Object.keys(metrics));
    const { monitor, checkFinite = true, stoppingThreshold } = this.options;
    const { best } = this.state;
    if (checkFinite && !Number.isFinite(score)) {
      this.stop(run, 'notFinite', `${monitor} is ${score}`);
    } else if (this.passes(score, stoppingThreshold)) {
      this.state.best = score;
      this.stop(run, 'threshold', `${monitor} reached ${score}, beyond ${stoppingThreshold}`);
    } else if (best !== null && !this.improves(score, best)) {
      this.state.waited++;
      if (this.state.waited < this.patience) return;
      const what = `${monitor} has not improved for ${this.state.waited} validations; the best was ${best}`;
      this.stop(run, 'patience', what);
    } else {
      this.state.best = score;
      this.state.waited = 0;
    }
  }

  private improves(score: number, best: number): boolean {
    return this.rule === 'greater' ? best + this.minDelta <= score : best - this.minDelta >= score;
  }

  private passes(score: number, threshold: number | undefined): boolean {
    if (threshold === undefined) return false;
    return this.rule === 'greater' ? score > threshold : score < threshold;
  }

  private stop(run: Run, reason: NonNullable<State['stopped']>, why: string): void {
    this.state.stopped = reason;
    run.trainLoop!.stopTraining = true;
    run.logger.info(`Training is stopped early: ${why}.`);
  }

  private reportMissing(run: Run, names: string[]): void {
    const { monitor, strict = false } = this.options;
    const error = new EngineError({
      code: 'E_METRIC_UNKNOWN',
      what: `The evaluation reports no number '${monitor}', which EarlyStoppingHook.monitor asks for.`,
      received: `monitor = '${monitor}'`,
      expected: `one of ${listNames(names)}`,
      didYouMean: nearest(monitor, names),
      exitCode: 2,
    });
    if (strict) throw error;
    run.logger.warn(error.message);
  }
}

declare module '@engine/core' {
  interface HookTypes {
    EarlyStoppingHook: EarlyStoppingHookOptions;
  }
}
