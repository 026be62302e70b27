import { atomicWrite, cachedWeightsPath, get, isWeightAddress, localWeights } from '@engine/fileio';

import type { Module } from '../module.js';
import type { InitConfig } from './init-module.js';

interface Node {
  type?: unknown;
  checkpoint?: unknown;
  override?: unknown;
}

/** The path on this machine for an address; content of a storage is fetched anew each time, since it may have changed. */
async function local(address: string): Promise<string> {
  const path = await localWeights(address);
  if (path !== undefined) return path;
  const copy = cachedWeightsPath(address);
  await atomicWrite(copy, await get(address));
  return copy;
}

/** The same config with local paths for the addresses in it; the very object when there is none. */
async function resolved<T>(config: T): Promise<T> {
  if (Array.isArray(config)) return (await Promise.all(config.map((part) => resolved<unknown>(part)))) as T;
  const { type, checkpoint, override } = (config ?? {}) as Node;
  const changes: Node = {};
  if (type === 'Pretrained' && typeof checkpoint === 'string' && isWeightAddress(checkpoint))
    changes.checkpoint = await local(checkpoint);
  if (override !== undefined) changes.override = await resolved(override);
  return Object.keys(changes).length > 0 ? { ...config, ...changes } : config;
}

/**
 * Downloads what the `Pretrained` initialisers of a model name by `https://`, `s3://`, `package::path` or a registered
 * scheme, since `initWeights` itself does not wait for anything. The Runner calls it; downloads are kept in the cache.
 *
 * @throws E_HTTP_FAILED, E_IO_NOT_FOUND, E_WEIGHTS_CHECKSUM, E_PACKAGE_MISSING
 */
export async function fetchPretrained(model: Module): Promise<void> {
  for (const [, module] of model.namedModules()) {
    const configs: InitConfig[] = [];
    for (const config of module.initCfg) configs.push(await resolved(config));
    if (configs.some((config, i) => config !== module.initCfg[i])) module.initCfg = configs;
  }
}
