import { isComponentConfig, LOOPS, METRICS, EVALUATOR, type BuildOptions } from '@engine/core';
import { buildDataloader, DataLoader, type DataloaderConfig } from '@engine/data';
import { gatherThrough } from '@engine/dist';
import { Evaluator } from '@engine/evaluator';
import type { EvalLoop, TrainLoop } from '../loops/loop.js';
import type { AnyDataLoader, Run } from '../run.js';
import type { RunnerOptions } from '../runner-options.js';
import { limitLoader } from './limits.js';

/** What building a loop needs to know of the run. */
export interface LoopContext {
  run: Run;
  options: RunnerOptions;
  build: Pick<BuildOptions, 'container'>;
  /** Modules that loader workers import besides the loaded plugins. */
  workerModules: readonly string[];
}

type LoaderKey = 'trainDataloader' | 'valDataloader' | 'testDataloader';

function dataloaderOf(context: LoopContext, key: LoaderKey): AnyDataLoader {
  return limitLoader(fullLoader(context, key), key, context.options);
}

function fullLoader(context: LoopContext, key: LoaderKey): AnyDataLoader {
  const given = context.options[key]!;
  if (given instanceof DataLoader) return given as AnyDataLoader;
  const { run } = context;
  const config = given as DataloaderConfig;
  const workerModules = [...context.workerModules, ...(config.workerModules ?? [])];
  return buildDataloader(workerModules.length > 0 ? { ...config, workerModules } : config, {
    seed: run.seed,
    rank: run.processGroup.rank,
    worldSize: run.processGroup.worldSize,
    diffRankSeed: context.options.randomness?.diffRankSeed ?? false,
    container: context.build.container,
    path: key,
  }) as AnyDataLoader;
}

export function buildTrainLoop(context: LoopContext): TrainLoop {
  const { type, byEpoch, ...options } = context.options.trainCfg!;
  const epochs = byEpoch ?? options.maxIters === undefined;
  return LOOPS.build<TrainLoop>(
    { ...options, type: (type ?? (epochs ? 'EpochBasedTrainLoop' : 'IterBasedTrainLoop')) as never },
    {
      ...context.build,
      args: [context.run, dataloaderOf(context, 'trainDataloader')],
      path: 'trainCfg',
      from: context.options.trainCfg,
    },
  );
}

export function buildEvalLoop(context: LoopContext, mode: 'val' | 'test'): EvalLoop {
  const cfg = context.options[`${mode}Cfg`]!;
  const loader = dataloaderOf(context, `${mode}Dataloader`);
  const evaluator = evaluatorOf(context, mode, loader);
  return LOOPS.build<EvalLoop>(
    { ...cfg, type: (cfg.type ?? (mode === 'val' ? 'ValLoop' : 'TestLoop')) as never },
    { ...context.build, args: [context.run, loader, evaluator], path: `${mode}Cfg`, from: cfg },
  );
}

function evaluatorOf(context: LoopContext, mode: 'val' | 'test', loader: AnyDataLoader): Evaluator {
  const given: unknown = context.options[`${mode}Evaluator`];
  if (given instanceof Evaluator) return given;
  const path = `${mode}Evaluator`;
  const metric = (config: unknown, at: string): unknown =>
    isComponentConfig(config) ? METRICS.build(config as never, { ...context.build, path: at }) : config;
  let evaluator: Evaluator;
  if (Array.isArray(given))
    evaluator = new Evaluator(given.map((config, i) => metric(config, `${path}.${i}`)) as never);
  else if (typeof given === 'object' && given !== null && 'metrics' in given) {
    const { metrics, type = 'Evaluator', ...options } = given as { metrics: unknown; type?: unknown };
    const built = [metrics].flat().map((config, i) => metric(config, `${path}.metrics.${i}`));
    evaluator = EVALUATOR.build<Evaluator>({ ...options, type } as never, {
      ...context.build,
      args: [built],
      path,
    });
  } else evaluator = new Evaluator([metric(given, path)] as never);
  evaluator.gather = gatherThrough(context.run.processGroup);
  const metainfo = (loader.dataset as { metainfo?: Record<string, unknown> }).metainfo;
  if (metainfo) evaluator.datasetMeta = metainfo;
  return evaluator;
}
