import { badValue } from '@engine/core';
import type { AnyDataLoader } from '../run.js';
import type { RunnerOptions, TrainCfg } from '../runner-options.js';

/** Hooks that a trial run does without: it has nothing to keep, and is over before anything could be learned. */
const LEFT_OUT = ['CheckpointHook', 'EarlyStoppingHook'];

/** @throws E_CONFIG_VALUE */
export function checkLimits({ fastDevRun, overfitBatches, numSanityValSteps }: RunnerOptions): void {
  const wrong = (value: unknown, least: number): boolean =>
    typeof value !== 'boolean' &&
    value !== undefined &&
    !(Number.isInteger(value) && (value as number) >= least);
  if (wrong(fastDevRun, 1))
    throw badValue('fastDevRun', fastDevRun, 'true, false or a whole number of batches');
  if (overfitBatches === (true as unknown) || wrong(overfitBatches, 1)) {
    throw badValue('overfitBatches', overfitBatches, 'a whole number of batches above 0');
  }
  if (typeof numSanityValSteps === 'boolean' || wrong(numSanityValSteps, 0)) {
    throw badValue('numSanityValSteps', numSanityValSteps, 'a whole number of batches of 0 or more');
  }
}

/** Options as a trial run (`fastDevRun`) needs them: one short epoch with its validation, and nothing saved. */
export function withTrialRun(options: RunnerOptions): RunnerOptions {
  const batches = trialBatches(options);
  if (batches === undefined) return options;
  return {
    ...options,
    ...(options.trainCfg && { trainCfg: shortened(options.trainCfg, batches) }),
    defaultHooks: { ...options.defaultHooks, checkpoint: null },
    ...(Array.isArray(options.customHooks) && {
      customHooks: options.customHooks.filter((hook: object) => !LEFT_OUT.includes(kindOf(hook))),
    }),
  };
}

/** The batches of a loader that the options leave: a few for a trial, the same few again and again for overfitting. */
export function limitLoader(
  loader: AnyDataLoader,
  key: 'trainDataloader' | 'valDataloader' | 'testDataloader',
  options: RunnerOptions,
): AnyDataLoader {
  const trial = trialBatches(options);
  const overfit = key === 'testDataloader' ? undefined : options.overfitBatches || undefined;
  const batches = Math.min(trial ?? Infinity, overfit ?? Infinity);
  return batches === Infinity ? loader : firstBatches(loader, batches, overfit !== undefined);
}

/**
 * A view of a loader that ends after `count` batches.
 * @param fixed stay in the first epoch, so that every pass gives the same batches
 */
export function firstBatches(loader: AnyDataLoader, count: number, fixed = false): AnyDataLoader {
  const iterate = async function* (startBatch = 0): AsyncGenerator<unknown> {
    let left = count - startBatch;
    if (left <= 0) return;
    for await (const batch of loader.iterate(startBatch)) {
      yield batch;
      if (--left === 0) return;
    }
  };
  return Object.create(loader, {
    length: { get: () => Math.min(count, loader.length) },
    epoch: { get: () => loader.epoch },
    iterate: { value: iterate },
    setEpoch: { value: (epoch: number) => (fixed ? undefined : loader.setEpoch(epoch)) },
    close: { value: () => loader.close() },
  }) as AnyDataLoader;
}

function trialBatches({ fastDevRun }: RunnerOptions): number | undefined {
  if (!fastDevRun) return undefined;
  return fastDevRun === true ? 1 : fastDevRun;
}

function shortened(cfg: TrainCfg, batches: number): TrainCfg {
  const { dynamicIntervals: _, ...rest } = cfg;
  return cfg.maxIters === undefined
    ? { ...rest, maxEpochs: 1, valBegin: 1, valInterval: 1 }
    : { ...rest, maxIters: batches, valBegin: 1, valInterval: batches };
}

function kindOf(hook: object): string {
  const { type } = hook as { type?: unknown };
  if (typeof type === 'string') return type.slice(type.lastIndexOf('.') + 1);
  return typeof type === 'function' ? type.name : hook.constructor.name;
}
