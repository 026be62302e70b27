import type { Run } from './run.js';
import { addWhere, isEngineError, showOrigin, type Config } from '@engine/core';

/**
 * Adds file and line to an error about a value of the config, where it names the value's path and no place yet.
 * @returns the error itself
 */
export function locateError(error: unknown, config: Config | undefined): unknown {
  if (!isEngineError(error) || !config) return error;
  const path = /^([\w$][\w$.-]*) = /.exec(error.parts.received ?? '')?.[1];
  if (path === undefined) return error;
  // An option that is not there is missing from the part around it.
  let known = path;
  while (known !== '' && !config.has(known)) known = known.slice(0, Math.max(0, known.lastIndexOf('.')));
  const origin = known === '' ? undefined : config.origin(known).at(-1);
  if (origin) addWhere(error, showOrigin(origin));
  return error;
}

/** Writes a failure to error.json of the run directory; a folder that cannot be written to stays without. */
export async function reportFailure(run: Run, error: unknown): Promise<void> {
  const code = isEngineError(error) ? error.code : 'E_UNEXPECTED';
  const message = error instanceof Error ? error.message : String(error);
  const report = { code, message, epoch: run.epoch, iter: run.iter };
  await run.directory.writeText('error.json', `${JSON.stringify(report, null, 2)}\n`).catch(() => undefined);
}
