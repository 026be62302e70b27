import { checkConfig, isEngineError, loadPlugins, throwProblems, type EngineError } from '@engine/core';
import { dirname } from 'node:path';
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
 * Imports the plugins of a config and checks all of it, before anything is built.
 * @throws the one problem that it has, or E_CONFIG_PROBLEMS with all of them; E_PLUGIN_LOAD
 */
export async function validateConfig(options: RunnerOptions): Promise<void> {
  const file = options.cfg?.filename;
  const { plugins } = options;
  if (Array.isArray(plugins) && plugins.every((one) => typeof one === 'string')) {
    await loadPlugins(plugins, file ? dirname(file) : process.cwd());
  }
  throwProblems(findProblems(options), file);
}
