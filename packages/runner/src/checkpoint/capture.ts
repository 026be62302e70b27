import { EngineError, type HostArray } from '@engine/core';
import { TorchArray, toTorchLayout, type BaseModel, type LoadReport } from '@engine/nn';
import { tf, toHostArray, toTensor, type Tensor } from '@engine/tensor';
import { hookName } from '../hook-bus.js';
import type { HookMethods } from '../hook.js';
import type { Run } from '../run.js';
import { ENGINE_VERSION } from '../version.js';
import type { CaptureOptions } from './capture-options.js';
import type { CheckpointContent } from './content.js';
import { CHECKPOINT_FORMAT, migrationNames } from './migrations.js';
import { Snapshot, turnsOf } from './snapshot.js';

/** A model's weights and buffers in host memory, by PyTorch's names and in PyTorch's layouts. */
export function captureModel(model: BaseModel): Record<string, HostArray> {
  const layouts = model.layouts();
  const found: Record<string, HostArray> = {};
  for (const [name, variable] of Object.entries(model.stateDict())) {
    found[name] = toTorchLayout(toHostArray(variable), layouts[name] ?? 'none');
  }
  return found;
}

/** Rewrites of names, in order: a pattern (a string is one too) and what takes the place of each match. */
export type ReviseKeys = readonly (readonly [RegExp | string, string])[];

/** Files of models wrapped for distribution carry a prefix. */
const UNWRAP: ReviseKeys = [[/^module\./, '']];

/** Puts captured weights into a model. Names that do not fit are reported, or an error when `strict`. */
export function restoreModel(
  model: BaseModel,
  weights: Record<string, HostArray>,
  strict: boolean,
  reviseKeys: ReviseKeys = UNWRAP,
): LoadReport {
  const layouts = model.layouts();
  const own = model.stateDict();
  const rewrites = reviseKeys.map(([pattern, by]) => [new RegExp(pattern), by] as const);
  const state: Record<string, HostArray> = {};
  for (const [name, array] of Object.entries(weights)) {
    const key = rewrites.reduce((text, [pattern, by]) => text.replace(pattern, by), name);
    const layout = layouts[key] ?? 'none';
    // An array of another rank cannot be turned; the report says that its shape does not fit.
    const fits = own[key]?.shape.length === array.shape.length;
    state[key] = fits && layout !== 'none' ? new TorchArray(array, layout, own[key]!.shape) : array;
  }
  return model.loadStateDict(state, { strict });
}

/**
 * Everything the run is right now, with the weights that evaluation sees where the optimizer tells them apart; tensors in
 * memory layout, see `CheckpointContent.turns`.
 */
export function captureRun(
  run: Run,
  options: CaptureOptions = {},
  snapshot = new Snapshot(),
): CheckpointContent {
  const wrapper = run.optimWrapper;
  if (wrapper.evaluating) return capture(run, options, snapshot);
  wrapper.eval();
  try {
    return capture(run, options, snapshot);
  } finally {
    wrapper.train();
  }
}

function capture(run: Run, options: CaptureOptions, snapshot: Snapshot): CheckpointContent {
  const loop = run.trainLoop!.position();
  const model = mapValues(run.model.stateDict(), snapshot.take);
  const content: CheckpointContent = {
    meta: {
      format: CHECKPOINT_FORMAT,
      migrations: migrationNames(),
      epoch: loop.epoch,
      iter: loop.iter,
      seed: run.seed,
      experimentName: run.experimentName,
      time: Date.now(),
      engineVersion: ENGINE_VERSION,
      backend: tf.getBackend(),
      metrics: metricsOf(run),
      datasetMeta: (run.trainLoop!.dataloader.dataset as { metainfo?: unknown }).metainfo,
    },
    model,
    turns: { model: turnsOf(run.model, model) },
    loop,
    data: dataOf(run),
    messageHub: run.messageHub.stateDict(),
    hooks: captureHooks(run.hooks),
    random: { seed: run.seed, modules: run.model.extraState() },
  };
  if (options.saveOptimizer ?? true) {
    const { tensors, json } = run.optimWrapper.stateDict();
    content.optimWrapper = { tensors: mapValues(tensors, snapshot.take), json };
  }
  if (options.saveParamScheduler ?? true) {
    content.paramSchedulers = run.paramSchedulers.map((scheduler) => scheduler.stateDict());
  }
  return content;
}

/** Puts a whole captured run in place of the one just built: weights, optimizer, schedulers, position, hub, hooks. */
export function restoreRun(run: Run, content: CheckpointContent): void {
  checkData(run, content);
  restoreModel(run.model, content.model, true);
  if (content.optimWrapper) {
    const tensors = mapValues(content.optimWrapper.tensors, (array) => toTensor(array));
    try {
      run.optimWrapper.loadStateDict({ tensors, json: content.optimWrapper.json });
    } finally {
      for (const tensor of Object.values(tensors)) (tensor as Tensor).dispose();
    }
  } else run.logger.warn('The checkpoint has no optimizer state: the optimizer starts afresh.');
  if (content.paramSchedulers) {
    if (content.paramSchedulers.length !== run.paramSchedulers.length) {
      throw new EngineError({
        code: 'E_RESUME_SCHEDULERS',
        what: 'The run has another number of parameter schedulers than its checkpoint.',
        received: `${run.paramSchedulers.length} in the config`,
        expected: `${content.paramSchedulers.length}, as in the checkpoint`,
        fix: 'resume with the config of the run, or start a new one from its weights with loadFrom',
        exitCode: 2,
      });
    }
    content.paramSchedulers.forEach((state, i) => {
      run.paramSchedulers[i]!.loadStateDict(state as never);
    });
  } else if (run.paramSchedulers.length > 0) {
    run.logger.warn('The checkpoint has no scheduler state: the schedulers start afresh.');
  }
  const modules = content.random?.modules;
  if (modules) run.model.loadExtraState(modules as Record<string, unknown>);
  if (content.messageHub !== undefined) run.messageHub.loadStateDict(content.messageHub as never);
  if (content.hooks) restoreHooks(run, content.hooks);
  if (content.store) run.checkpoints.loadStateDict(content.store);
  if (content.loop) run.trainLoop!.restore(content.loop);
}

/** Newest values of the validation's metrics, without the times that stand beside them. */
function metricsOf(run: Run): Record<string, number> | undefined {
  const found: Record<string, number> = {};
  for (const [key, history] of run.messageHub.logScalars) {
    if (!key.startsWith('val/') || key === 'val/time' || key === 'val/data_time') continue;
    found[key.slice('val/'.length)] = history.current();
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

/** Size of the training data and of its batches. */
function dataOf(run: Run): { samples: number; batchSize: number | undefined } {
  const { dataset, batchSize } = run.trainLoop!.dataloader;
  return { samples: dataset.length, batchSize };
}

/**
 * Warns when the data are not those of the checkpoint.
 * @throws E_RESUME_DATA when, in the middle of an epoch, other batches would begin at other samples
 */
function checkData(run: Run, { data, loop }: CheckpointContent): void {
  const now = dataOf(run);
  if (!data || (data.samples === now.samples && data.batchSize === now.batchSize)) return;
  const text = (of: { samples: number; batchSize?: number | undefined }): string =>
    `${of.samples} samples in batches of ${of.batchSize ?? 'varying size'}`;
  if (loop && loop.batch > 0) {
    throw new EngineError({
      code: 'E_RESUME_DATA',
      what: `The checkpoint stands at batch ${loop.batch} of an epoch over other data.`,
      received: text(now),
      expected: `${text(data)}, as in the checkpoint`,
      fix: 'resume with the data and batch size of the run, or from a checkpoint at the end of an epoch',
      exitCode: 2,
    });
  }
  run.logger.warn(`The training data changed since the checkpoint: ${text(data)} before, ${text(now)} now.`);
}

function captureHooks(hooks: readonly HookMethods[]): Record<string, unknown> {
  const states: Record<string, unknown> = {};
  for (const [key, hook] of statefulHooks(hooks)) states[key] = hook.stateDict!();
  return states;
}

function restoreHooks(run: Run, states: Record<string, unknown>): void {
  for (const [key, hook] of statefulHooks(run.hooks)) {
    if (key in states) hook.loadStateDict?.(states[key]);
    else run.logger.warn(`The checkpoint has no state for the hook ${key}: it starts afresh.`);
  }
}

/** Hooks with state by name; a second hook of a class gets a number. */
function* statefulHooks(hooks: readonly HookMethods[]): Iterable<[string, HookMethods]> {
  const seen = new Map<string, number>();
  for (const hook of hooks) {
    if (!hook.stateDict) continue;
    const name = hookName(hook);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    yield [count === 1 ? name : `${name}#${count}`, hook];
  }
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
