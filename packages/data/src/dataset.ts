import { badValue, DATASETS, isComponentConfig, type ComponentConfig } from '@engine/core';
import type { SampleContext } from './sample-context.js';

/** Facts about a whole dataset, such as `classes`. */
export type Metainfo = Record<string, unknown>;

/** Anything with a length and items is a dataset; the rest is offered by datasets that have it. */
export interface Dataset {
  readonly length: number;
  /** The item at `index` (0-based) after its pipeline; a promise where a transform is asynchronous. */
  getItem(index: number, context: SampleContext): unknown;
  readonly metainfo?: Metainfo;
  /** Reads whatever the dataset is made of. Idempotent; constructors do not do this themselves. */
  fullInit?(): void;
  /** Class indices that occur in an item. */
  getCatIds?(index: number): readonly number[];
  /** The annotation of an item, before the pipeline. */
  getDataInfo?(index: number): Record<string, unknown>;
  /** Loaded data for worker threads: structured-cloneable, heavy parts in SharedArrayBuffers; undefined for none. */
  exportShared?(): unknown;
  /** Takes over what {@link exportShared} gave in another thread, instead of loading. */
  importShared?(state: unknown): void;
  /** The config that a worker thread builds its copy from, where it is not the one a registry built this from. */
  workerConfig?(): ComponentConfig | undefined;
  /** A sentence that a run must show once, for instance that the data are generated. */
  notice?(): string | undefined;
}

export function isDataset(value: unknown): value is Dataset {
  if (typeof value !== 'object' || value === null) return false;
  return typeof (value as Dataset).getItem === 'function' && 'length' in value;
}

/**
 * A dataset as it is, or built from its config through DATASETS.
 * @throws E_CONFIG_VALUE for anything else
 */
export function asDataset(name: string, value: unknown): Dataset {
  if (isDataset(value)) return value;
  if (isComponentConfig(value)) {
    const built = DATASETS.build<unknown>(value, { path: name });
    if (isDataset(built)) return built;
    throw badValue(name, value, 'a type that builds a dataset (an object with `length` and `getItem`)');
  }
  throw badValue(name, value, "a dataset, or its config such as { type: 'vision.CIFAR10', ... }");
}
