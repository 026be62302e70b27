import { badValue, checkKeys } from '@engine/core';
import type { BaseModel } from '@engine/nn';
import {
  buildOptimWrapper,
  buildParamScheduler,
  OptimWrapper,
  type ParamScheduler,
  type ParamSchedulersConfig,
} from '@engine/optim';
import type { TrainLoop } from '../loops/loop.js';
import type { AnyDataLoader, Run } from '../run.js';
import type { RunnerOptions } from '../runner-options.js';

export function optimWrapperOf(options: RunnerOptions, model: BaseModel): OptimWrapper {
  const given = options.optimWrapper!;
  if (given instanceof OptimWrapper) return given;
  return buildOptimWrapper(model, given as Parameters<typeof buildOptimWrapper>[1]);
}

/**
 * Multiplies every learning rate by (batch size in force / base batch size), where the batch size in force counts all
 * processes and accumulated steps. Must come before the schedulers, which take the rates as their base.
 */
export function autoScaleLr(
  options: RunnerOptions,
  wrapper: OptimWrapper,
  loader: AnyDataLoader,
  run: Run,
): void {
  const cfg = options.autoScaleLr;
  if (!cfg) return;
  checkKeys('autoScaleLr', cfg, ['enable', 'baseBatchSize'], 'autoScaleLr');
  if (cfg.enable !== true) return;
  if (!(cfg.baseBatchSize > 0)) {
    throw badValue(
      'autoScaleLr.baseBatchSize',
      cfg.baseBatchSize,
      'the batch size that the learning rate was chosen for',
    );
  }
  const { batchSize } = loader;
  if (batchSize === undefined) {
    throw badValue(
      'autoScaleLr.enable',
      true,
      'a loader with a fixed batchSize',
      'set the learning rate by hand',
    );
  }
  const actual = run.processGroup.worldSize * batchSize * wrapper.accumulativeCounts;
  const ratio = actual / cfg.baseBatchSize;
  for (const group of wrapper.paramGroups) group.lr *= ratio;
  run.logger.info(
    `The learning rate is scaled by ${ratio}: batch size ${actual} against ${cfg.baseBatchSize}.`,
  );
}

export function schedulersOf(
  options: RunnerOptions,
  wrapper: OptimWrapper,
  loop: TrainLoop,
): ParamScheduler[] {
  const given = options.paramScheduler;
  if (given === undefined || given === null) return [];
  return buildParamScheduler(wrapper, given as ParamSchedulersConfig, {
    epochLength: loop.dataloader.length,
    maxEpochs: loop.maxEpochs,
    maxIters: loop.maxIters,
  });
}
