import { badValue, checkKeys } from '@engine/core';
import type { BaseModel } from '@engine/nn';
import {
  buildOptimWrapper,
  buildParamScheduler,
  OptimWrapper,
  OptimWrapperDict,
  type AnyOptimWrapper,
  type ParamScheduler,
  type ParamSchedulersConfig,
} from '@engine/optim';
import type { TrainLoop } from '../loops/loop.js';
import type { AnyDataLoader, Run } from '../run.js';
import type { RunnerOptions } from '../runner-options.js';

export function optimWrapperOf(options: RunnerOptions, model: BaseModel): AnyOptimWrapper {
  const given = options.optimWrapper!;
  if (given instanceof OptimWrapper || given instanceof OptimWrapperDict) return given;
  return buildOptimWrapper<AnyOptimWrapper>(model, given);
}

/**
 * Multiplies every learning rate by (batch size in force / base batch size), where the batch size in force counts all
 * processes and accumulated steps. Must come before the schedulers, which take the rates as their base.
 */
export function autoScaleLr(
  options: RunnerOptions,
  wrapper: AnyOptimWrapper,
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
  const all = wrapper instanceof OptimWrapperDict ? wrapper.entries() : [['', wrapper] as const];
  for (const [name, each] of all) {
    const actual = run.processGroup.worldSize * batchSize * each.accumulativeCounts;
    const ratio = actual / cfg.baseBatchSize;
    for (const group of each.paramGroups) group.lr *= ratio;
    run.logger.info(
      `The learning rate${name && ` of ${name}`} is scaled by ${ratio}: batch size ${actual} against ${cfg.baseBatchSize}.`,
    );
  }
}

/** All schedulers; with several wrappers those of the first come first, each list in the order of the config. */
export function schedulersOf(
  options: RunnerOptions,
  wrapper: AnyOptimWrapper,
  loop: TrainLoop,
): ParamScheduler[] {
  const given = options.paramScheduler;
  if (given === undefined || given === null) return [];
  const context = {
    epochLength: loop.dataloader.length,
    maxEpochs: loop.maxEpochs,
    maxIters: loop.maxIters,
  };
  if (!(wrapper instanceof OptimWrapperDict))
    return buildParamScheduler(wrapper, given as ParamSchedulersConfig, context);
  const byName = buildParamScheduler(wrapper, given, context);
  return wrapper.names().flatMap((name) => byName[name] ?? []);
}
