import { badValue, checkKeys, EngineError, EXIT_CODES, HOOKS, listNames, register } from '@engine/core';
import { tf } from '@engine/tensor';
import type { EventPayloads } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface NaNGuardHookOptions {
  /** Iterations between two looks at the losses, which wait for the device; 10, as the log's lines. */
  interval?: number;
  /** Reported scalar to look at; `loss`. */
  monitor?: string;
  /** Call a loss above this many times the mean of those before it a spike; no limit unless said. */
  spikeFactor?: number;
  /** Number of losses in that mean; 100. The first spike is told after a tenth of them. */
  spikeWindow?: number;
  /** What to do about a spike: `warn` (default), or `stop` the run as for NaN. */
  spikeAction?: 'warn' | 'stop';
  priority?: number | string;
}

const OPTIONS = ['interval', 'monitor', 'spikeFactor', 'spikeWindow', 'spikeAction', 'priority'];

/**
 * Ends a run whose loss has become NaN or infinite, with exit code 3, naming the iteration, its batch and the first
 * parameter that is not finite. Every loss is looked at, but only every `interval` iterations, and before a checkpoint is
 * written: weights that are broken never replace good ones.
 */
@register(HOOKS)
export class NaNGuardHook extends Hook {
  /** After RuntimeInfoHook, which records the loss; before the parts that log, average and save. */
  override priority = 'ABOVE_NORMAL' as const;
  private readonly options: Required<Pick<NaNGuardHookOptions, 'interval' | 'monitor' | 'spikeWindow'>> &
    NaNGuardHookOptions;
  private checked = 0;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: NaNGuardHookOptions = {}) {
    super();
    checkKeys('NaNGuardHook', options, OPTIONS);
    this.options = { ...options, interval: 10, monitor: 'loss', spikeWindow: 100 };
    for (const key of ['interval', 'spikeWindow'] as const) {
      const value = options[key] ?? this.options[key];
      if (!Number.isInteger(value) || value < 1) {
        throw badValue(`NaNGuardHook.${key}`, value, 'a whole number of iterations above 0');
      }
      this.options[key] = value;
    }
    this.options.monitor = options.monitor ?? 'loss';
    const { spikeFactor, spikeAction } = options;
    if (spikeFactor !== undefined && !(spikeFactor > 1)) {
      throw badValue('NaNGuardHook.spikeFactor', spikeFactor, 'a number above 1, such as 5');
    }
    if (spikeAction !== undefined && spikeAction !== 'warn' && spikeAction !== 'stop') {
      throw badValue('NaNGuardHook.spikeAction', spikeAction, "'warn' or 'stop'");
    }
  }

  override beforeTrain(run: Run): void {
    this.checked = run.iter;
  }

  /** @throws E_NOT_FINITE, E_LOSS_SPIKE */
  override afterTrainIter(run: Run, { outputs }: EventPayloads['afterTrainIter']): void {
    if ((run.iter + 1) % this.options.interval !== 0) return;
    if (!(this.options.monitor in outputs)) {
      throw badValue(
        'NaNGuardHook.monitor',
        this.options.monitor,
        `one of ${listNames(Object.keys(outputs))}`,
      );
    }
    this.check(run);
  }

  override afterTrainEpoch(run: Run): void {
    this.check(run);
  }

  override beforeSaveCheckpoint(run: Run): void {
    this.check(run);
  }

  /** Looks at all losses since the last look. */
  private check(run: Run): void {
    const done = run.trainLoop!.position().iter;
    const fresh = done - this.checked;
    this.checked = done;
    const history = run.messageHub.logScalars.get(`train/${this.options.monitor}`);
    if (!history || fresh <= 0) return;
    const values = history.stateDict(fresh + this.options.spikeWindow).values.map(Number);
    const start = Math.max(0, values.length - fresh);
    for (let i = start; i < values.length; i++) {
      const iter = done - (values.length - 1 - i);
      if (!Number.isFinite(values[i])) throw this.notFinite(run, values[i]!, iter);
      this.checkSpike(run, values.slice(Math.max(0, i - this.options.spikeWindow), i), values[i]!, iter);
    }
  }

  private checkSpike(run: Run, before: readonly number[], value: number, iter: number): void {
    const { spikeFactor, spikeWindow, spikeAction, monitor } = this.options;
    if (spikeFactor === undefined || before.length === 0 || before.length < spikeWindow / 10) return;
    const mean = before.reduce((sum, other) => sum + other, 0) / before.length;
    if (!(value > spikeFactor * mean)) return;
    const error = new EngineError({
      code: 'E_LOSS_SPIKE',
      what: `The ${monitor} jumped in iteration ${iter}.`,
      received: `${monitor} = ${value}, ${describeBatch(run, iter)}`,
      expected: `at most ${spikeFactor} times ${mean}, the mean of the ${before.length} before`,
      fix: 'look at these samples, lower the learning rate, or limit gradients with clipGrad',
      exitCode: EXIT_CODES.notFinite,
    });
    if (spikeAction === 'stop') throw error;
    run.logger.warn(error.message);
  }

  private notFinite(run: Run, value: number, iter: number): EngineError {
    const bad = firstBadParameter(run);
    return new EngineError({
      code: 'E_NOT_FINITE',
      what: `The ${this.options.monitor} became ${value} in iteration ${iter}.`,
      received:
        `${describeBatch(run, iter)}; ` +
        (bad ? `the first parameter that is not finite is '${bad}'` : 'all parameters are still finite'),
      expected: 'finite numbers',
      fix: 'lower the learning rate, limit gradients with clipGrad, or look at these samples',
      exitCode: EXIT_CODES.notFinite,
    });
  }
}

function firstBadParameter(run: Run): string | undefined {
  return run.model
    .namedParameters()
    .find(([, variable]) => tf.tidy(() => tf.all(tf.isFinite(variable)).dataSync()[0] === 0))?.[0];
}

/** Which batch an iteration (from 1) trained on, with the samples in it where the sampler can tell. */
function describeBatch(run: Run, iter: number): string {
  const loop = run.trainLoop!;
  const { dataloader } = loop;
  const position = loop.position();
  const batch = loop.byEpoch
    ? iter - 1 - run.epoch * dataloader.length
    : position.batch - 1 - (position.iter - iter);
  if (batch < 0) return `the batch of iteration ${iter}`;
  const name = loop.byEpoch ? `batch ${batch} of epoch ${run.epoch + 1}` : `batch ${batch} of the data`;
  const indices = dataloader.batchSampler.batches(batch).next().value as number[] | undefined;
  return indices ? `${name}, samples ${indices.slice(0, 16).join(', ')}` : name;
}

declare module '@engine/core' {
  interface HookTypes {
    NaNGuardHook: NaNGuardHookOptions;
  }
}
