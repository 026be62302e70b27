import { EngineError, type Logger } from '@engine/core';
import type { LoadReport } from '@engine/nn';
import type { Run } from '../run.js';
import type { RunnerOptions } from '../runner-options.js';
import { restoreModel, restoreRun } from './capture.js';
import { newestWhole, openCheckpoint, type FoundCheckpoint } from './find.js';

/**
 * The checkpoint that the options ask for: `resume` with a path, `loadFrom`, or with `resume: true` the newest whole one
 * of the work dir, if there is one.
 */
export async function checkpointToLoad(
  options: Pick<RunnerOptions, 'resume' | 'loadFrom'>,
  workDir: string,
  logger: Logger,
): Promise<FoundCheckpoint | undefined> {
  const { resume, loadFrom } = options;
  if (typeof resume === 'string') return openCheckpoint(resume, logger);
  if (loadFrom !== undefined && loadFrom !== null) return openCheckpoint(loadFrom, logger);
  if (!resume) return undefined;
  const found = await newestWhole(workDir, logger);
  if (found) logger.info(`Auto resumed from the latest checkpoint ${found.folder}.`);
  else logger.info(`There is no checkpoint in ${workDir} yet: the run starts from the beginning.`);
  return found;
}

/** Warns of weights that found no place in the model, or of places that found no weights. */
export function reportUnplaced(report: LoadReport, logger: Logger): void {
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
