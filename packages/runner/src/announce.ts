import { isEngineError } from '@engine/core';
import { collectEnv, describeEnv } from './environment.js';
import type { Runner } from './runner.js';

/**
 * Writes down what is about to run: environment and hooks to the log, the resolved config and where each value came
 * from, the environment and the command line to the run directory.
 */
export async function announce(runner: Runner, hooks: string): Promise<void> {
  const { directory, logger, options } = runner;
  const env = collectEnv();
  logger.info(describeEnv(env, { seed: runner.seed, launcher: options.launcher ?? 'none', workDir: directory.workDir }));
  logger.info(hooks);
  await directory.writeText('env.json', `${JSON.stringify(env, null, 2)}\n`);
  await directory.writeText('cmd.txt', `${process.argv.join(' ')}\n`);
  const { cfg } = options;
  if (cfg) {
    try {
      const text = cfg.dump('yaml');
      logger.info(`Config:\n${text}`);
      await directory.writeText('config.yaml', text);
      await directory.writeText('config.layers.json', `${JSON.stringify(cfg.provenance(), null, 2)}\n`);
      runner.visualizer.addConfig(text);
    } catch (error) {
      logger.warn(`The config cannot be written down: ${isEngineError(error) ? error.message : String(error)}`);
    }
  }
  await directory.markLatest();
}
