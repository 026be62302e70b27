import { importNeeded, loadPlugins, type ImportedPlugins, type Logger } from '@engine/core';
import { dirname } from 'node:path';
import type { RunnerOptions } from './runner-options.js';

/** Folder that packages and plugin files are looked up from. */
export function configFolder({ cfg }: Pick<RunnerOptions, 'cfg'>): string {
  return cfg?.filename ? dirname(cfg.filename) : process.cwd();
}

/**
 * Imports the plugins that the options list, then installed ones that register what the options name and nothing else
 * has registered.
 * @throws E_PLUGIN_LOAD, E_PLUGIN_VERSION for a listed one; E_PLUGIN_CONFLICT
 */
export async function importPlugins(options: RunnerOptions): Promise<ImportedPlugins> {
  const { plugins } = options;
  const baseDir = configFolder(options);
  await loadPlugins([...(plugins ?? [])], baseDir);
  return importNeeded({ ...options, cfg: undefined }, baseDir);
}

/** Says which plugins were imported without being listed, and which of them failed. */
export function warnOfPlugins({ loaded, failed }: ImportedPlugins, logger: Logger): void {
  for (const { name, version } of loaded) {
    logger.info(`Imported ${name}@${version}, which registers parts that the config names.`);
  }
  for (const { plugin, error } of failed) {
    logger.warn(`The plugin ${plugin.name}@${plugin.version} was left out: ${error.message}`);
  }
}
