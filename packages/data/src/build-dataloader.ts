import {
  badValue,
  checkKeys,
  DATA_SAMPLERS,
  DATASETS,
  isComponentConfig,
  LOGGER,
  tryResolve,
  type ComponentConfig,
  type ConfigOf,
  type DatasetTypes,
  type DependencyContainer,
  type SamplerTypes,
} from '@engine/core';
import type { BatchSource } from './batch-sampler.js';
import type { CollateConfig } from './collate.js';
import { DataLoader, type DataLoaderOptions } from './data-loader.js';
import { isDataset, type Dataset } from './dataset.js';
import type { Sampler } from './sampler.js';
import { SlicedDataset } from './sliced-dataset.js';

/** A dataloader as configs describe it. */
export interface DataloaderConfig {
  dataset: ConfigOf<DatasetTypes> | ComponentConfig | Dataset;
  /** Samples per batch. Default 1. */
  batchSize?: number;
  /** Order of the samples; built with the dataset. Needed unless `shuffle` or `batchSampler` is given. */
  sampler?: ConfigOf<SamplerTypes> | ComponentConfig | Sampler;
  /** Short for `sampler: { type: 'DefaultSampler', shuffle }`. */
  shuffle?: boolean;
  /** Groups samples into batches; built with the sampler, `batchSize` and `dropLast`. */
  batchSampler?: ConfigOf<SamplerTypes> | ComponentConfig | BatchSource;
  /** Default `pseudoCollate`; models that take stacked batches want `defaultCollate`. */
  collateFn?: CollateConfig;
  /** Default 0. */
  numWorkers?: number;
  /** Default 2. */
  prefetchFactor?: number;
  /** Default true. */
  persistentWorkers?: boolean;
  /** Seconds to wait for a batch before its worker is given up as hung. Default 0, for ever. */
  timeout?: number;
  /** Default false. */
  dropLast?: boolean;
  /** Use only so many batches per epoch (per rank). Default all. */
  numBatchPerEpoch?: number;
  /** Modules that worker threads import besides those that they find by themselves. */
  workerModules?: readonly string[];
}

const KEYS = [
  'dataset',
  'batchSize',
  'sampler',
  'shuffle',
  'batchSampler',
  'collateFn',
  'numWorkers',
  'prefetchFactor',
  'persistentWorkers',
  'timeout',
  'dropLast',
  'numBatchPerEpoch',
  'workerModules',
] as const;

export interface BuildDataloaderOptions {
  /** Seed of the run, the same on every rank. Default 0. */
  seed?: number | null;
  /** Default 0. */
  rank?: number;
  /** Default 1. */
  worldSize?: number;
  /** Give the ranks different augmentation streams; the order of samples stays common. Default false. */
  diffRankSeed?: boolean;
  /** Services of the run. */
  container?: DependencyContainer;
  /** Where the config stands in the whole one: `trainDataloader`. */
  path?: string;
}

/**
 * Builds a loader from its config: dataset (read at once, so that missing data show before training), sampler with the
 * run's seed and this rank's part, batches. A loader that is built already is returned as it is.
 *
 * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE, E_REGISTRY_UNKNOWN, E_DATA_MISSING
 */
export function buildDataloader(
  config: DataloaderConfig | DataLoader,
  options: BuildDataloaderOptions = {},
): DataLoader {
  if (isLoader(config)) return config;
  const { rank = 0, worldSize = 1, diffRankSeed = false, container, path = 'dataloader' } = options;
  const seed = options.seed ?? 0;
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw badValue(path, config, 'an object such as { dataset, batchSize, sampler }');
  }
  checkKeys('A dataloader', config, KEYS, path);
  const { batchSize = 1, dropLast = false, numBatchPerEpoch } = config;

  let dataset = buildPart(config.dataset, `${path}.dataset`, isDataset, (given) =>
    DATASETS.build(given, { container, path: `${path}.dataset` }),
  );
  dataset.fullInit?.();
  tellNotice(dataset, container);
  if (numBatchPerEpoch !== undefined) {
    if (!Number.isSafeInteger(numBatchPerEpoch) || numBatchPerEpoch < 1) {
      throw badValue(`${path}.numBatchPerEpoch`, numBatchPerEpoch, 'an integer >= 1');
    }
    dataset = new SlicedDataset(dataset, numBatchPerEpoch * batchSize * worldSize);
  }

  const loaderOptions: DataLoaderOptions = { dataset, seed: diffRankSeed ? seed + rank : seed };
  for (const key of [
    'collateFn',
    'numWorkers',
    'prefetchFactor',
    'persistentWorkers',
    'timeout',
    'workerModules',
  ] as const) {
    if (config[key] !== undefined) Object.assign(loaderOptions, { [key]: config[key] });
  }
  const sampler = buildPart(samplerConfig(config, path), `${path}.sampler`, isSampler, (given) =>
    DATA_SAMPLERS.build(given, {
      args: [dataset],
      defaults: { seed, rank, worldSize },
      container,
      path: `${path}.sampler`,
    }),
  );
  if (config.batchSampler === undefined)
    return new DataLoader({ ...loaderOptions, sampler, batchSize, dropLast });
  const batchSampler = buildPart(config.batchSampler, `${path}.batchSampler`, isBatchSource, (given) =>
    DATA_SAMPLERS.build(given, {
      args: [sampler],
      defaults: { batchSize, dropLast },
      container,
      path: `${path}.batchSampler`,
    }),
  );
  return new DataLoader({ ...loaderOptions, batchSampler });
}

/** Also true for a loader of the user's own, or one of another copy of this package. */
function isLoader(config: unknown): config is DataLoader {
  return typeof (config as Partial<DataLoader> | null)?.iterate === 'function';
}

function samplerConfig(config: DataloaderConfig, path: string): unknown {
  const { sampler, shuffle } = config;
  if (sampler !== undefined && shuffle !== undefined) {
    throw badValue(
      `${path}.shuffle`,
      shuffle,
      'nothing beside `sampler`',
      'write it as an option of the sampler',
    );
  }
  if (sampler !== undefined) return sampler;
  if (shuffle !== undefined) return { type: 'DefaultSampler', shuffle };
  if (config.batchSampler !== undefined) return { type: 'DefaultSampler', shuffle: false };
  throw badValue(
    `${path}.sampler`,
    sampler,
    "a sampler's config, or `shuffle`",
    "add sampler: { type: 'DefaultSampler', shuffle: true }",
  );
}

/** A part as it is when it is built already, else built from its config and checked. */
function buildPart<T>(
  given: unknown,
  path: string,
  is: (value: unknown) => value is T,
  build: (config: ComponentConfig) => unknown,
): T {
  if (is(given)) return given;
  const built = isComponentConfig(given) ? build(given) : undefined;
  if (is(built)) return built;
  throw badValue(path, given, 'a config whose `type` builds one, or a built one');
}

function isSampler(value: unknown): value is Sampler {
  return typeof (value as Partial<Sampler> | null | undefined)?.indices === 'function';
}

function isBatchSource(value: unknown): value is BatchSource {
  return typeof (value as Partial<BatchSource> | null | undefined)?.batches === 'function';
}

function tellNotice(dataset: Dataset, container: DependencyContainer | undefined): void {
  const notice = dataset.notice?.();
  if (notice === undefined) return;
  const logger = container && tryResolve(container, LOGGER);
  if (logger) logger.warn(notice);
  else process.emitWarning(notice, { type: 'EngineWarning', code: 'W_DATA_NOTICE' });
}
