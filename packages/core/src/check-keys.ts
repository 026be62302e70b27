import { EngineError, show } from './errors.js';
import { listNames, nearest } from './suggest.js';

/**
 * Rejects options that nobody reads: every constructor that takes options calls this once.
 * @param owner name of the part, as the user writes it: `SGD`
 * @throws E_CONFIG_UNKNOWN_KEY for the first unknown key, with the nearest known one; E_CONFIG_VALUE for options that are
 * no object
 */
export function checkKeys(
  owner: string,
  options: object | undefined,
  known: readonly string[],
  path?: string,
): void {
  if (options !== undefined && options !== null && (typeof options !== 'object' || Array.isArray(options))) {
    throw badValue(path ?? owner, options, 'an object of options');
  }
  for (const key of Object.keys(options ?? {})) {
    if (known.includes(key)) continue;
    const full = path ? `${path}.${key}` : key;
    throw new EngineError({
      code: 'E_CONFIG_UNKNOWN_KEY',
      what: `${owner} has no option '${key}'.`,
      option: key,
      received: `${full} = ${show((options as Record<string, unknown>)[key])}`,
      expected: known.length ? `one of ${listNames(known)}` : 'no options',
      didYouMean: nearest(key, known),
      fix: 'correct the key, or remove it',
      exitCode: 2,
    });
  }
}

/**
 * The house error for an option whose value is out of range or of the wrong type.
 * @param name the option as the user writes it: `SGD.lr`
 */
export function badValue(name: string, value: unknown, expected: string, fix?: string): EngineError {
  return new EngineError({
    code: 'E_CONFIG_VALUE',
    what: `The value of ${name} cannot be used.`,
    option: name.includes('.') ? name.slice(name.indexOf('.') + 1) : undefined,
    received: `${name} = ${show(value)}`,
    expected,
    fix,
    exitCode: 2,
  });
}
