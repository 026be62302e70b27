import { nearest } from '@engine/core';
import { getItem, setItem } from './config-dict.js';
import { raise } from './errors.js';
import {
  CONFIG_DICT_METHODS,
  DICT_METHODS,
  LIST_METHODS,
  SET_METHODS,
  setConfigAttribute,
  TUPLE_METHODS,
} from './methods.js';
import { STRING_METHODS } from './methods-str.js';
import { asInt } from './operators.js';
import {
  listOf,
  PyBuiltin,
  PyDict,
  PyLazy,
  PyList,
  PyModule,
  PyRange,
  PySet,
  PySlice,
  PyTuple,
  PyType,
  typeName,
  type CallArguments,
  type Caller,
  type Origin,
  type Value,
} from './values.js';

type AnyMethod = (self: never, args: CallArguments, call: Caller) => Value;

function methodsOf(value: Value): Readonly<Record<string, AnyMethod>> {
  if (typeof value === 'string') return STRING_METHODS;
  if (value instanceof PyList) return LIST_METHODS;
  if (value instanceof PyTuple) return TUPLE_METHODS;
  if (value instanceof PySet) return SET_METHODS;
  if (!(value instanceof PyDict)) return {};
  return value.config ? { ...DICT_METHODS, ...CONFIG_DICT_METHODS } : DICT_METHODS;
}

/** `value.name`. */
export function getAttribute(value: Value, name: string): Value {
  if (value instanceof PyLazy) return value.attribute(name);
  if (value instanceof PyModule || value instanceof PyType) {
    const member = value.members.get(name);
    if (member !== undefined) return member;
    const what = value instanceof PyType ? `type object '${value.name}'` : `module '${value.name}'`;
    const near = nearest(name, value.members.keys());
    return raise('AttributeError', `${what} has no attribute '${name}' that a config is read with`, near);
  }
  const methods = methodsOf(value);
  if (Object.hasOwn(methods, name)) {
    const method = methods[name]!;
    return new PyBuiltin(name, (args, call) => method(value as never, args, call));
  }
  if (value instanceof PyDict && value.config) {
    const member = value.get(name);
    if (member !== undefined) return member;
    const names = value.keys().filter((key) => typeof key === 'string');
    return raise('AttributeError', `'ConfigDict' object has no attribute '${name}'`, nearest(name, names));
  }
  return raise(
    'AttributeError',
    `'${typeName(value)}' object has no attribute '${name}'`,
    nearest(name, Object.keys(methods)),
  );
}

/** `value.name = member`. */
export function setAttribute(value: Value, name: string, member: Value): void {
  if (value instanceof PyDict && value.config) setConfigAttribute(value, name, member);
  else raise('AttributeError', `'${typeName(value)}' object has no attribute '${name}'`);
}

/** `del value.name`. */
export function deleteAttribute(value: Value, name: string): void {
  if (value instanceof PyDict && value.config && value.delete(name)) return;
  raise('AttributeError', `'${typeName(value)}' object has no attribute '${name}'`);
}

function indexOf(length: number, index: Value, kind: string): number {
  const int = asInt(index);
  if (int === undefined) {
    return raise('TypeError', `${kind} indices must be integers or slices, not ${typeName(index)}`);
  }
  const at = Number(int < 0n ? BigInt(length) + int : int);
  if (at < 0 || at >= length) raise('IndexError', `${kind} index out of range`);
  return at;
}

/** Where a slice of a sequence starts, ends and how far it steps. */
function bounds(length: number, slice: PySlice): { from: number; to: number; step: number } {
  const bound = (value: Value): number | undefined => {
    if (value === null) return undefined;
    const int = asInt(value);
    if (int === undefined) return raise('TypeError', 'slice indices must be integers or None');
    return Math.max(-length - 1, Math.min(length + 1, Number(int)));
  };
  const step =
    slice.step === null ? 1 : Number(asInt(slice.step) ?? raise('TypeError', 'a slice step must be an int'));
  if (step === 0) raise('ValueError', 'slice step cannot be zero');
  const clamp = (value: number | undefined, otherwise: number): number => {
    if (value === undefined) return otherwise;
    const at = value < 0 ? value + length : value;
    return step > 0 ? Math.max(0, Math.min(length, at)) : Math.max(-1, Math.min(length - 1, at));
  };
  const from = clamp(bound(slice.from), step > 0 ? 0 : length - 1);
  return { from, to: clamp(bound(slice.to), step > 0 ? length : -1), step };
}

/** The places that a slice takes of a sequence. */
function places(length: number, slice: PySlice): number[] {
  const { from, to, step } = bounds(length, slice);
  const found: number[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) found.push(at);
  return found;
}

function sliceOfRange(range: PyRange, slice: PySlice): PyRange {
  const { from, to, step } = bounds(Number(range.length), slice);
  const at = (index: number): bigint => range.from + BigInt(index) * range.step;
  return new PyRange(at(from), at(to), range.step * BigInt(step));
}

/** `value[index]`. */
export function getElement(value: Value, index: Value): Value {
  if (value instanceof PyDict) return getItem(value, index);
  if (value instanceof PyType || value instanceof PyLazy) return value;
  if (value instanceof PyRange) {
    if (index instanceof PySlice) return sliceOfRange(value, index);
    return value.from + BigInt(indexOf(Number(value.length), index, 'range object')) * value.step;
  }
  if (value instanceof PyList || value instanceof PyTuple) {
    const { items } = value;
    if (!(index instanceof PySlice)) return items[indexOf(items.length, index, typeName(value))]!;
    const taken = places(items.length, index).map((at) => items[at]!);
    return value instanceof PyList ? new PyList(taken) : new PyTuple(taken);
  }
  if (typeof value === 'string') {
    const chars = [...value];
    if (!(index instanceof PySlice)) return chars[indexOf(chars.length, index, 'string')]!;
    return places(chars.length, index)
      .map((at) => chars[at]!)
      .join('');
  }
  return raise('TypeError', `'${typeName(value)}' object is not subscriptable`);
}

/** `value[index] = element`. */
export function setElement(value: Value, index: Value, element: Value, origin?: Origin): void {
  if (value instanceof PyDict) setItem(value, index, element, origin);
  else if (!(value instanceof PyList)) {
    raise('TypeError', `'${typeName(value)}' object does not support item assignment`);
  } else if (!(index instanceof PySlice)) value.items[indexOf(value.items.length, index, 'list')] = element;
  else {
    const taken = places(value.items.length, index);
    const items = listOf(element);
    if (index.step === null || index.step === 1n) {
      value.items.splice(bounds(value.items.length, index).from, taken.length, ...items);
    } else {
      if (items.length !== taken.length) {
        raise(
          'ValueError',
          `attempt to assign sequence of size ${items.length} to extended slice of size ${taken.length}`,
        );
      }
      taken.forEach((at, i) => (value.items[at] = items[i]!));
    }
  }
}

/** `del value[index]`. */
export function deleteElement(value: Value, index: Value): void {
  if (value instanceof PyDict) {
    getItem(value, index);
    value.delete(index);
  } else if (!(value instanceof PyList)) {
    raise('TypeError', `'${typeName(value)}' object doesn't support item deletion`);
  } else if (index instanceof PySlice) {
    const gone = new Set(places(value.items.length, index));
    value.items = value.items.filter((_, at) => !gone.has(at));
  } else value.items.splice(indexOf(value.items.length, index, 'list'), 1);
}
