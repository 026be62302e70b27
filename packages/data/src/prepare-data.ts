import { DATASETS, isComponentConfig } from '@engine/core';

/** A dataset class that can fetch its data: `static prepare(options)` is awaited before the dataset is built. */
export interface PreparableDataset {
  prepare(options: Record<string, unknown>): Promise<void>;
}

/**
 * Lets the datasets named in a dataloader config (or a dataset config) fetch their data, wrapped ones included. Does
 * nothing for datasets that have nothing to prepare, and for objects that are built already.
 */
export async function prepareData(config: unknown): Promise<void> {
  if (Array.isArray(config)) {
    for (const item of config) await prepareData(item);
    return;
  }
  if (typeof config !== 'object' || config === null || Object.getPrototypeOf(config) !== Object.prototype)
    return;
  if (isComponentConfig(config)) {
    const { type, _scope_: scope, ...options } = config;
    const entry = typeof type === 'string' ? DATASETS.atScope(scope).get(type) : type;
    const { prepare } = (entry ?? {}) as Partial<PreparableDataset>;
    if (typeof prepare === 'function') await prepare.call(entry, options);
  }
  for (const value of Object.values(config)) await prepareData(value);
}
