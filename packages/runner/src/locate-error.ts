import { addWhere, isEngineError, showOrigin, type Config } from '@engine/core';

/**
 * Adds file and line to an error about a value of the config, where it names the value's path and no place yet.
 * @returns the error itself
 */
export function locateError(error: unknown, config: Config | undefined): unknown {
  if (!isEngineError(error) || !config) return error;
  const path = /^([\w$][\w$.-]*) = /.exec(error.parts.received ?? '')?.[1];
  if (path === undefined || !config.has(path)) return error;
  const origin = config.origin(path).at(-1);
  if (origin) addWhere(error, showOrigin(origin));
  return error;
}
