import { EngineError } from '../errors.js';

/** A config as plain data; classes, functions and instances in it count as single values. */
export type ConfigValues = Record<string, unknown>;

/** Marks a mapping that replaces its base instead of being merged over it. */
export const DELETE_KEY = '_delete_';

export function isPlainObject(value: unknown): value is ConfigValues {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

/** Levels that a config may have: far more than anybody writes, far fewer than overflow the stack. */
const DEEPEST = 200;

/** @throws E_CONFIG_DEPTH for values nested deeper than any config is */
export function checkDepth(depth: number, path: string): void {
  if (depth <= DEEPEST) return;
  throw new EngineError({
    code: 'E_CONFIG_DEPTH',
    what: 'A config is nested too deep.',
    received: `more than ${DEEPEST} levels${path === '' ? '' : ` at ${path.slice(0, 40)}…`}`,
    expected: `at most ${DEEPEST} lists and mappings inside each other`,
    exitCode: 2,
  });
}

export function joinPath(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}.${key}`;
}

/** How {@link copyValues} treats what it copies. */
export interface CopyOptions {
  /** Leave out `_delete_` markers. */
  dropDelete?: boolean;
  /** Replaces single values; given those that are neither lists nor mappings. */
  leaf?: (value: unknown, path: string) => unknown;
}

/**
 * A deep copy of the lists and mappings of a config; everything else is kept as it is. Undefined members are dropped,
 * in lists they become null.
 * @throws E_CONFIG_CYCLE for a value that contains itself; E_CONFIG_DEPTH for one that has too many levels;
 *   E_CONFIG_KEY for the key `__proto__`
 */
export function copyValues<T>(value: T, options: CopyOptions = {}): T {
  return copy(value, options, '', []) as T;
}

function copy(value: unknown, options: CopyOptions, path: string, above: readonly object[]): unknown {
  const list = Array.isArray(value);
  if (!list && !isPlainObject(value)) return options.leaf ? options.leaf(value, path) : value;
  if (above.includes(value)) {
    throw new EngineError({
      code: 'E_CONFIG_CYCLE',
      what: 'A config contains itself.',
      received: `${path} is one of the values it is part of`,
      expected: 'lists and mappings that end',
      exitCode: 2,
    });
  }
  checkDepth(above.length, path);
  const inside = [...above, value];
  if (list) return value.map((item: unknown, i) => copy(item ?? null, options, joinPath(path, i), inside));
  const result: ConfigValues = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined || (key === DELETE_KEY && options.dropDelete)) continue;
    checkKey(key, path);
    result[key] = copy(member, options, joinPath(path, key), inside);
  }
  return result;
}

/** @throws E_CONFIG_KEY for a key that would change the object's prototype instead of being stored */
export function checkKey(key: string, path: string): void {
  if (key !== '__proto__') return;
  throw new EngineError({
    code: 'E_CONFIG_KEY',
    what: "A config cannot have the key '__proto__'.",
    received: joinPath(path, key),
    fix: 'rename the key',
    exitCode: 2,
  });
}

/** The value at a dotted path; list elements by number. `found` is false when there is nothing. */
export function valueAt(root: unknown, path: string): { found: boolean; value: unknown } {
  let value = root;
  for (const key of path === '' ? [] : path.split('.')) {
    const holds = Array.isArray(value)
      ? /^\d+$/.test(key) && Number(key) < value.length
      : isPlainObject(value) && Object.hasOwn(value, key);
    if (!holds) return { found: false, value: undefined };
    value = (value as ConfigValues)[key];
  }
  return { found: true, value };
}
