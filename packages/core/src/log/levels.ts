import { EngineError, show } from '../errors.js';
import { nearest } from '../suggest.js';

/** Levels in rising order, with the numbers of Python's `logging`. */
export const LOG_LEVELS = { DEBUG: 10, INFO: 20, WARNING: 30, ERROR: 40, CRITICAL: 50 } as const;

export type LogLevel = keyof typeof LOG_LEVELS;

/**
 * A level by name, in any case.
 * @throws E_LOG_LEVEL for a name that is none
 */
export function parseLogLevel(level: string): LogLevel {
  const name = String(level).toUpperCase();
  if (Object.hasOwn(LOG_LEVELS, name)) return name as LogLevel;
  const known = Object.keys(LOG_LEVELS);
  throw new EngineError({
    code: 'E_LOG_LEVEL',
    what: 'There is no log level of that name.',
    received: show(level),
    expected: `one of ${known.join(', ')}`,
    didYouMean: nearest(name, known),
    exitCode: 2,
  });
}
