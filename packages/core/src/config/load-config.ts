import { Config } from './config.js';
import { loadFiles } from './load-files.js';
import { parseOverride } from './override.js';

export interface LoadConfigOptions {
  /** Values by dotted path, or `path=value` texts as on a command line; applied last, in order. */
  overrides?: Readonly<Record<string, unknown>> | readonly string[];
  /** Whether `{{ fileBasename }}` and its like are replaced; true. */
  predefined?: boolean;
  /** Whether `{{$NAME:default}}` is replaced by environment variables; true. */
  env?: boolean;
  /** Options for the plugin that reads the file, when its format is not one of the engine's own. */
  reader?: Readonly<Record<string, unknown>>;
}

/**
 * Loads a config file with all it inherits from, and applies overrides.
 *
 * Files are `.ts .mts .js .mjs .json .json5 .yaml .yml`; a script's default export is the config, and is called when
 * it is a function. `_base_` names one or more files, relative to the one that holds it or as `package::path`. In text, `{{ fileBasename }}`
 * and its like stand for the file itself, `{{$NAME:default}}` for an environment variable, `{{_base_.a.b}}` for a value
 * of the bases. Scripts are evaluated once per process. Files of other kinds are read by plugins, `.py` by
 * `@engine/openmmlab`.
 *
 * @throws E_CONFIG_NOT_FOUND, E_CONFIG_UNREADABLE, E_CONFIG_EXTENSION, E_CONFIG_SYNTAX, E_CONFIG_EVALUATION,
 *   E_CONFIG_EXPORT, E_CONFIG_TYPE, E_CONFIG_RESERVED, E_CONFIG_BASE, E_CONFIG_BASE_CYCLE, E_CONFIG_BASE_KEYS,
 *   E_CONFIG_MERGE, E_CONFIG_INDEX, E_CONFIG_ENV, E_CONFIG_REFERENCE, E_CONFIG_OVERRIDE
 */
export async function loadConfig(file: string, options: LoadConfigOptions = {}): Promise<Config> {
  const { overrides = {}, predefined = true, env = true, reader = {} } = options;
  const loaded = await loadFiles(file, { predefined, env, reader });
  const config = new Config(loaded.values, loaded);
  if (!Array.isArray(overrides)) return config.mergeFromDict(overrides as Record<string, unknown>);
  for (const text of overrides as readonly string[]) {
    const { path, value } = parseOverride(text);
    config.override(path, value, text);
  }
  return config;
}
