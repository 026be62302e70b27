import { checkConfig, discoverPlugins, EngineError, isEngineError, throwProblems } from '@engine/core';
import { configFolder, importPlugins } from './plugins.js';
import { checkRunnerOptions, type RunnerOptions } from './runner-options.js';

/**
 * Everything that is wrong with the options of a run, as far as it can be told without building anything. The plugins
 * of the config must be loaded.
 */
export function findProblems(options: RunnerOptions): EngineError[] {
  const { cfg, ...values } = options;
  const problems = checkConfig(values, {
    scope: options.defaultScope,
    origin: (path) => cfg?.origin(path).at(-1),
    defaultType: (path, config) =>
      path === 'trainCfg' &&
      (config.byEpoch === false || (config.maxEpochs === undefined && config.byEpoch !== true))
        ? 'IterBasedTrainLoop'
        : undefined,
  });
  try {
    checkRunnerOptions(options);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    const about = (one: EngineError): string => (one.parts.received ?? '').replace(/ = .*/s, '');
    if (!problems.some((one) => about(one) === about(error))) problems.push(error);
  }
  return problems;
}

/**
 * Imports the plugins of a config and checks all of it, before anything is built. The rules for parts of installed
 * packages come from the schemas that their manifests name.
 * @throws the one problem that it has, or E_CONFIG_PROBLEMS with all of them; E_PLUGIN_LOAD, E_PLUGIN_VERSION,
 * E_PLUGIN_CONFLICT
 */
export async function validateConfig(options: RunnerOptions): Promise<void> {
  const { plugins } = options;
  const usable =
    plugins === undefined || (Array.isArray(plugins) && plugins.every((one) => typeof one === 'string'));
  const { failed } = await importPlugins(usable ? options : { ...options, plugins: [] });
  discoverPlugins(configFolder(options));
  const reasons = failed.map(
    ({ plugin: { name, version }, error }) =>
      new EngineError({
        code: 'E_PLUGIN_LOAD',
        what: `The plugin '${name}' cannot be loaded.`,
        received: `${name}@${version}: ${error.message.split('\n')[0]}`,
        cause: error,
        exitCode: 2,
      }),
  );
  const problems = findProblems(options);
  throwProblems(problems.length > 0 ? [...reasons, ...problems] : [], options.cfg?.filename);
}
