import { EngineError, show } from '../errors.js';
import { checkKey, copyValues, DELETE_KEY, isPlainObject, joinPath, type ConfigValues } from './values.js';

export interface MergeOptions {
  /** A numeric key of `child` names an element of a list in `base`; otherwise lists are only ever replaced. */
  allowListKeys?: boolean;
}

/**
 * MMEngine's merge: mappings merge key by key, lists and single values replace. `_delete_: true` in a mapping makes it
 * replace the base's value; the marker is never part of the result. Neither argument is changed.
 *
 * @throws E_CONFIG_MERGE for a mapping over something else without `_delete_`
 * @throws E_CONFIG_INDEX for an element that a list does not have
 */
export function mergeValues(
  base: ConfigValues,
  child: ConfigValues,
  options: MergeOptions = {},
): ConfigValues {
  return mergeMapping(base, child, options, '');
}

function mergeMapping(
  base: ConfigValues,
  child: ConfigValues,
  options: MergeOptions,
  path: string,
): ConfigValues {
  const result: ConfigValues = child[DELETE_KEY] === true ? {} : { ...base };
  for (const [key, value] of Object.entries(child)) {
    if (key === DELETE_KEY || value === undefined) continue;
    checkKey(key, path);
    result[key] = mergeMember(
      Object.hasOwn(result, key) ? { value: result[key] } : undefined,
      value,
      options,
      joinPath(path, key),
    );
  }
  return result;
}

function mergeMember(
  base: { value: unknown } | undefined,
  value: unknown,
  options: MergeOptions,
  path: string,
): unknown {
  if (!isPlainObject(value) || base === undefined || value[DELETE_KEY] === true) {
    return copyValues(value, { dropDelete: true });
  }
  if (isPlainObject(base.value)) return mergeMapping(base.value, value, options, path);
  if (Array.isArray(base.value) && options.allowListKeys) return mergeList(base.value, value, options, path);
  const list = Array.isArray(base.value);
  throw new EngineError({
    code: 'E_CONFIG_MERGE',
    what: `'${path}' is a mapping here, but ${list ? 'a list' : `the value ${show(base.value)}`} in what it is merged over.`,
    received: `${path} = ${show(value)}`,
    expected: list ? 'a whole list, since lists are replaced and never merged' : 'a single value',
    fix: `add \`${DELETE_KEY}: true\` to the mapping to replace the other value`,
    exitCode: 2,
  });
}

function mergeList(
  base: readonly unknown[],
  child: ConfigValues,
  options: MergeOptions,
  path: string,
): unknown[] {
  const result = [...base];
  for (const [key, value] of Object.entries(child)) {
    if (key === DELETE_KEY) continue;
    if (!/^\d+$/.test(key) || Number(key) >= base.length) {
      throw new EngineError({
        code: 'E_CONFIG_INDEX',
        what: `The list '${path}' has no element ${show(key)}.`,
        received: `${joinPath(path, key)} = ${show(value)}`,
        expected: base.length ? `an index from 0 to ${base.length - 1}` : 'no index, the list is empty',
        fix: `replace the whole list: ${path}=[…]`,
        exitCode: 2,
      });
    }
    result[Number(key)] = mergeMember({ value: result[Number(key)] }, value, options, joinPath(path, key));
  }
  return result;
}

/** `{ a: { b: value } }` of the dotted path `a.b`. */
export function nest(path: string, value: unknown): ConfigValues {
  const keys = path.split('.');
  if (keys.some((key) => key === '')) {
    throw new EngineError({
      code: 'E_CONFIG_OVERRIDE',
      what: 'An override needs a path of keys.',
      received: `'${path}'`,
      expected: 'keys joined by dots, such as optimWrapper.optimizer.lr or hooks.0.interval',
      exitCode: 2,
    });
  }
  return keys.reduceRight<unknown>((inner, key) => {
    checkKey(key, path);
    return { [key]: inner };
  }, value) as ConfigValues;
}
