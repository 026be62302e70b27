import { nearest, type EngineError } from '@engine/core';
import { cyclicConfig, DEEPEST_VALUE, PythonException, raise, uncaught } from './errors.js';
import type { Place } from './source.js';
import { missingKey, PyDict, PyList, PyTuple, typeName, type Origin, type Value } from './values.js';

/** What a `ConfigDict` makes of a value that is put into it: mappings become such too, lists are copied. */
export function hook(value: Value): Value {
  if (value instanceof PyDict) return value.config ? value : toConfigDict(value);
  if (value instanceof PyList) return new PyList(value.items.map(hook));
  return value instanceof PyTuple ? new PyTuple(value.items.map(hook)) : value;
}

/** A `ConfigDict` with the members of a mapping. */
export function toConfigDict(source: PyDict): PyDict {
  const result = new PyDict(true);
  for (const { key, value, origin } of source.items()) result.set(key, hook(value), origin);
  return result;
}

/**
 * A deep copy in which every mapping is a `ConfigDict`.
 * @param scope written as `_scope_` into the outermost mappings that have a `type`
 */
export function freshConfig(value: Value, scope?: string, depth = 0): Value {
  if (depth > DEEPEST_VALUE) throw cyclicConfig('');
  const inner = depth + 1;
  if (value instanceof PyList) return new PyList(value.items.map((item) => freshConfig(item, scope, inner)));
  if (value instanceof PyTuple)
    return new PyTuple(value.items.map((item) => freshConfig(item, scope, inner)));
  if (!(value instanceof PyDict)) return value;
  const typed = scope !== undefined && value.has('type');
  const result = new PyDict(true);
  for (const { key, value: member, origin } of value.items()) {
    result.set(key, freshConfig(member, typed ? undefined : scope, inner), origin);
  }
  if (typed && (result.get('_scope_') ?? null) === null) result.set('_scope_', scope);
  return result;
}

/** `dict[key] = value`. */
export function setItem(dict: PyDict, key: Value, value: Value, origin?: Origin): void {
  dict.set(key, dict.config ? hook(value) : value, origin);
}

/** `dict[key]`. */
export function getItem(dict: PyDict, key: Value): Value {
  const value = dict.get(key);
  return value === undefined ? missingKey(dict, key) : value;
}

/** `dict.update(other)`; a `ConfigDict` merges mappings into mappings. */
export function update(dict: PyDict, other: PyDict): void {
  for (const { key, value, origin } of other.items()) {
    const own = dict.get(key);
    if (dict.config && own instanceof PyDict && value instanceof PyDict) update(own, value);
    else setItem(dict, key, value, origin);
  }
}

/** `dict.copy()`. */
export function copyDict(dict: PyDict): PyDict {
  const result = new PyDict(dict.config);
  for (const { key, value, origin } of dict.items()) setItem(result, key, value, origin);
  return result;
}

/** Python's `copy.deepcopy`, with what is there twice copied once. */
export function deepCopy(value: Value, memo = new Map<Value, Value>()): Value {
  const known = memo.get(value);
  if (known !== undefined) return known;
  if (value instanceof PyList) {
    const result = new PyList([]);
    memo.set(value, result);
    for (const item of value.items) result.items.push(deepCopy(item, memo));
    return result;
  }
  if (value instanceof PyTuple) return new PyTuple(value.items.map((item) => deepCopy(item, memo)));
  if (!(value instanceof PyDict)) return value;
  const result = new PyDict(value.config);
  memo.set(value, result);
  for (const { key, value: member, origin } of value.items()) {
    setItem(result, key, deepCopy(member, memo), origin);
  }
  return result;
}

/** `ConfigDict.merge`: like `update`, but `_delete_=True` in a mapping makes it replace the other one. */
export function merge(dict: PyDict, other: Value): void {
  if (!(other instanceof PyDict)) raise('TypeError', `merge needs a dict, not ${typeName(other)}`);
  const merged = mergeInto(deepCopy(other), deepCopy(dict)) as PyDict;
  dict.clear();
  for (const { key, value, origin } of merged.items()) setItem(dict, key, value, origin);
}

function mergeInto(child: Value, base: Value | undefined): Value {
  if (!(child instanceof PyDict)) return child;
  const marker = child.get('_delete_');
  child.delete('_delete_');
  if (!(base instanceof PyDict)) return child;
  if (marker === true) base.clear();
  const result = new PyDict(true);
  for (const { key, value, origin } of base.items()) result.set(key, value, origin);
  for (const { key, value, origin } of child.items())
    result.set(key, mergeInto(value, base.get(key)), origin);
  result.delete('_delete_');
  return result;
}

/** The house error's stand-in for a name that a base config does not have. */
export function missingKeyOf(dict: PyDict, name: string, place: Place, module: string): EngineError {
  const error = new PythonException(
    'ImportError',
    `cannot import name '${name}' from '${module}'`,
    nearest(
      name,
      dict.keys().filter((key) => typeof key === 'string'),
    ),
  );
  error.place = place;
  return uncaught(error, place.file);
}
