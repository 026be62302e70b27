import { isEngineError, type Config } from '@engine/core';
import { collectEnv, describeEnv } from './environment.js';
import type { Runner } from './runner.js';

/**
 * Writes down what is about to run: environment and hooks to the log, the resolved config and where each value came
 * from, the environment and the command line to the run directory.
 */
export async function announce(runner: Runner, hooks: string): Promise<void> {
  const { directory, logger, options } = runner;
  const env = collectEnv();
  logger.info(
    describeEnv(env, { seed: runner.seed, launcher: options.launcher ?? 'none', workDir: directory.workDir }),
  );
  logger.info(hooks);
  await directory.writeText('env.json', `${JSON.stringify(env, null, 2)}\n`);
  await directory.writeText('cmd.txt', `${process.argv.join(' ')}\n`);
  const { cfg } = options;
  if (cfg) {
    try {
      const text = cfg.dump('yaml');
      logger.info(`Config:\n${text}`);
      await directory.writeText('config.yaml', text);
      await directory.writeText('config.layers.json', `${JSON.stringify(provenanceOf(cfg), null, 2)}\n`);
      runner.visualizer.addConfig(text);
    } catch (error) {
      logger.warn(
        `The config cannot be written down: ${isEngineError(error) ? error.message : String(error)}`,
      );
    }
  }
}

/** For every single value of a config, the file and line or the override that set it. */
function provenanceOf(config: Config): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (value: unknown, path: string): void => {
    const isBranch =
      Array.isArray(value) ||
      (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);
    if (isBranch && Object.keys(value as object).length > 0) {
      for (const [key, inner] of Object.entries(value as object)) visit(inner, path ? `${path}.${key}` : key);
      return;
    }
    const origin = config.origin(path).at(-1);
    if (!origin) return;
    found[path] =
      origin.text ??
      (origin.file ? `${origin.file}${origin.line === undefined ? '' : `:${origin.line}`}` : origin.via);
  };
  visit(config.values, '');
  return found;
}
