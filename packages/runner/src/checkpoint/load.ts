import {
  checkKeys,
  EngineError,
  isEngineError,
  listNames,
  nearest,
  type HostArray,
  type Logger,
} from '@engine/core';
import { joinPath, selectWeights } from '@engine/fileio';
import type { BaseModel, LoadReport } from '@engine/nn';
import { basename } from 'node:path';
import type { Run } from '../run.js';
import type { RunnerOptions } from '../runner-options.js';
import { restoreModel, restoreRun, type ReviseKeys } from './capture.js';
import { newestWhole, openCheckpoint, type FoundCheckpoint } from './find.js';

/**
 * The checkpoint that the options ask for: `resume` with a path, `loadFrom`, or with `resume: true` the newest whole one
 * of the work dir, if there is one.
 */
export async function checkpointToLoad(
  options: Pick<RunnerOptions, 'resume' | 'loadFrom' | 'defaultHooks'>,
  workDir: string,
  logger: Logger,
): Promise<FoundCheckpoint | undefined> {
  const { resume, loadFrom } = options;
  if (typeof resume === 'string') return openCheckpoint(resume, logger);
  if (typeof loadFrom === 'string') return openCheckpoint(loadFrom, logger);
  if (loadFrom !== undefined && loadFrom !== null) {
    checkKeys('loadFrom', loadFrom, ['path', 'prefix', 'reviseKeys']);
    const { path, ...names } = loadFrom;
    const { folder, content } = await openCheckpoint(path, logger);
    return { folder, content: { ...content, model: selectWeights(content.model, names) } };
  }
  if (!resume) return undefined;
  const found = (await newestWhole(workDir, logger)) ?? (await fromSecondPlace(options, workDir, logger));
  if (found) logger.info(`Auto resumed from the latest checkpoint ${found.folder}.`);
  else logger.info(`There is no checkpoint in ${workDir} yet: the run starts from the beginning.`);
  return found;
}

/** The newest whole checkpoint where CheckpointHook puts its copies: for a machine that has lost its work dir. */
async function fromSecondPlace(
  { defaultHooks }: Pick<RunnerOptions, 'defaultHooks'>,
  workDir: string,
  logger: Logger,
): Promise<FoundCheckpoint | undefined> {
  const hook = defaultHooks?.['checkpoint'] as { outDir?: unknown } | null | undefined;
  if (typeof hook?.outDir !== 'string') return undefined;
  try {
    return await openCheckpoint(joinPath(hook.outDir, basename(workDir)), logger);
  } catch (error) {
    if (isEngineError(error) && error.code === 'E_CHECKPOINT_MISSING') return undefined;
    throw error;
  }
}

export interface LoadCheckpointOptions {
  /** Make anything that does not fit an error; false. */
  strict?: boolean;
  /** Rewrites of names, in order; `module.` in front is taken off unless said. */
  reviseKeys?: ReviseKeys;
  /** Only what lies below this name, without it: `backbone` for `backbone.conv1.weight`. */
  prefix?: string;
  /** Where what does not fit is told; nowhere unless said. */
  logger?: Pick<Logger, 'info' | 'warn'> | undefined;
}

/**
 * Loads the weights of a checkpoint into a model.
 * @param path as `loadFrom` takes it: a checkpoint folder, a work dir, a `.safetensors` or `.pth` file, here or on another storage
 * @returns what did not fit
 * @throws E_CHECKPOINT_…; E_CHECKPOINT_PREFIX when nothing lies below `prefix`; E_STATE_DICT with `strict`
 */
export async function loadCheckpoint(
  model: BaseModel,
  path: string,
  options: LoadCheckpointOptions = {},
): Promise<LoadReport> {
  checkKeys('loadCheckpoint', options, ['strict', 'reviseKeys', 'prefix', 'logger']);
  const { strict = false, reviseKeys, prefix, logger } = options;
  const quiet = { info: () => undefined, warn: () => undefined };
  const { content } = await openCheckpoint(path, (logger ?? quiet) as Logger);
  const weights = prefix === undefined ? content.model : belowPrefix(content.model, prefix, path);
  const report = restoreModel(model, weights, strict, reviseKeys);
  if (logger) reportUnplaced(report, logger);
  return report;
}

function belowPrefix(
  weights: Record<string, HostArray>,
  prefix: string,
  path: string,
): Record<string, HostArray> {
  const head = `${prefix.replace(/\.+$/, '')}.`;
  const found = Object.entries(weights).filter(([name]) => name.startsWith(head));
  if (found.length > 0)
    return Object.fromEntries(found.map(([name, array]) => [name.slice(head.length), array]));
  const heads = new Set(Object.keys(weights).map((name) => name.split('.')[0]!));
  throw new EngineError({
    code: 'E_CHECKPOINT_PREFIX',
    what: `The checkpoint '${path}' has no weights below '${prefix}'.`,
    received: `prefix = '${prefix}'`,
    expected: `one of ${listNames(heads)}, or a longer beginning of a name`,
    didYouMean: nearest(prefix, heads),
    exitCode: 2,
  });
}

/** Warns of weights that found no place in the model, or of places that found no weights. */
export function reportUnplaced(report: LoadReport, logger: Pick<Logger, 'warn'>): void {
  const mismatched = report.mismatched.map(
    ({ name, expected, received }) => `${name} [${received.join(', ')}] for [${expected.join(', ')}]`,
  );
  const lines = Object.entries({ missing: report.missing, unexpected: report.unexpected, mismatched })
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => `${kind} keys: ${names.join(', ')}`);
  if (lines.length > 0)
    logger.warn(`The model and loaded state dict do not match exactly\n${lines.join('\n')}`);
}

export function weightsOnly(folder: string): EngineError {
  return new EngineError({
    code: 'E_RESUME_WEIGHTS_ONLY',
    what: 'A run cannot be resumed from weights alone.',
    received: `'${folder}'`,
    expected: 'a checkpoint folder of a training run',
    fix: 'use loadFrom to start a new run from these weights',
    exitCode: 2,
  });
}

export function noCheckpoint(workDir: string): EngineError {
  return new EngineError({
    code: 'E_CHECKPOINT_MISSING',
    what: `There is no checkpoint in '${workDir}' to evaluate.`,
    received: 'neither loadFrom nor a checkpoint of an earlier launch',
    expected: 'a trained checkpoint',
    fix: 'train first, or name one with --load-from',
    exitCode: 2,
  });
}

/**
 * Puts a checkpoint in place of what has just been built: all of it when `resuming`, else the weights.
 * @throws E_RESUME_… when the run and its checkpoint do not fit together
 */
export async function applyCheckpoint(run: Run, found: FoundCheckpoint, resuming: boolean): Promise<void> {
  const { folder, content } = found;
  await run.emit('afterLoadCheckpoint', { checkpoint: content });
  run.logger.info(`Load checkpoint from ${folder}`);
  if (!resuming) return reportUnplaced(restoreModel(run.model, content.model, false), run.logger);
  if (!content.loop) throw weightsOnly(folder);
  restoreRun(run, content);
  run.logger.info(`resumed epoch: ${run.epoch}, iter: ${run.iter}`);
}
