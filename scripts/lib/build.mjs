import { availableParallelism } from 'node:os';
import { delimiter } from 'node:path';
import { tool } from './install.mjs';
import { pnpmFolder } from './pnpm.mjs';
import { ScriptError, seconds } from './run.mjs';

const QUIET = { TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', DO_NOT_TRACK: '1' };

/** Runs a task of every package that has it; turbo skips those whose inputs have not changed. */
export async function turbo(task, options) {
  const args = ['run', task, '--output-logs=errors-only', '--log-order=grouped', '--ui=stream'];
  const concurrency = `--concurrency=${Math.max(2, availableParallelism())}`;
  return tool('turbo', [...args, concurrency], {
    ...options,
    env: { ...QUIET, PATH: `${await pnpmFolder()}${delimiter}${process.env.PATH ?? ''}`, ...options?.env },
  });
}

/** Builds every package, unless it is built. */
export async function ensureBuild() {
  const start = performance.now();
  const { code, output } = await turbo('build', { capture: true });
  if (code !== 0)
    throw new ScriptError(`${output}\nThe packages could not be built: see the first error above.`);
  if (!/FULL TURBO/.test(output)) console.log(`Built in ${seconds(start)}.`);
}
