import { integerArgument, requiredArgument } from './arguments.js';
import { copyDict, deepCopy, hook, merge, setItem, update } from './config-dict.js';
import { raise } from './errors.js';
import { equal, order } from './operators.js';
import { repr } from './text.js';
import {
  iterate,
  listOf,
  missingKey,
  PyDict,
  PyList,
  PySet,
  PyTuple,
  truthy,
  typeName,
  type CallArguments,
  type Caller,
  type Value,
} from './values.js';

type Method<T> = (self: T, args: CallArguments, call: Caller) => Value;

function position(length: number, index: bigint): number {
  return index < 0n ? Math.max(0, length + Number(index)) : Math.min(length, Number(index));
}

function indexOf(items: readonly Value[], args: CallArguments): bigint {
  const wanted = requiredArgument(args, 0);
  const at = items.findIndex((item) => item === wanted || equal(item, wanted));
  return at < 0 ? raise('ValueError', `${repr(wanted)} is not in list`) : BigInt(at);
}

function count(items: readonly Value[], args: CallArguments): bigint {
  const wanted = requiredArgument(args, 0);
  return BigInt(items.filter((item) => item === wanted || equal(item, wanted)).length);
}

/** Sorts in place as Python does: stable, by `key`, and the other way round with `reverse`. */
export function sortItems(items: Value[], args: CallArguments, call: Caller): Value[] {
  const key = args.named.get('key') ?? null;
  const reverse = truthy(args.named.get('reverse') ?? false);
  const rows = items.map((item) => ({ item, by: key === null ? item : call(key, [item]) }));
  rows.sort((a, b) => (reverse ? -1 : 1) * (order(a.by, b.by) || 0));
  return rows.map(({ item }) => item);
}

export const LIST_METHODS: Readonly<Record<string, Method<PyList>>> = {
  append: (self, args) => {
    self.items.push(requiredArgument(args, 0));
    return null;
  },
  clear: (self) => {
    self.items = [];
    return null;
  },
  copy: (self) => new PyList([...self.items]),
  count: (self, args) => count(self.items, args),
  extend: (self, args) => {
    self.items.push(...listOf(requiredArgument(args, 0)));
    return null;
  },
  index: (self, args) => indexOf(self.items, args),
  insert: (self, args) => {
    self.items.splice(position(self.items.length, integerArgument(args, 0)), 0, requiredArgument(args, 1));
    return null;
  },
  pop: (self, args) => {
    const at = Number(integerArgument(args, 0, -1n));
    const index = at < 0 ? self.items.length + at : at;
    if (index < 0 || index >= self.items.length) {
      raise('IndexError', self.items.length ? 'pop index out of range' : 'pop from empty list');
    }
    return self.items.splice(index, 1)[0]!;
  },
  remove: (self, args) => {
    self.items.splice(Number(indexOf(self.items, args)), 1);
    return null;
  },
  reverse: (self) => {
    self.items.reverse();
    return null;
  },
  sort: (self, args, call) => {
    self.items = sortItems(self.items, args, call);
    return null;
  },
};

export const TUPLE_METHODS: Readonly<Record<string, Method<PyTuple>>> = {
  count: (self, args) => count(self.items, args),
  index: (self, args) => indexOf(self.items, args),
};

/** The mapping that the arguments of `dict(…)` and `update(…)` say. */
export function dictOf(args: CallArguments): PyDict {
  const result = new PyDict();
  const [first] = args.items;
  if (args.items.length > 1) raise('TypeError', `expected at most 1 argument, got ${args.items.length}`);
  if (first instanceof PyDict) {
    for (const { key, value, origin } of first.items()) result.set(key, value, origin);
  } else if (first !== undefined) {
    for (const item of iterate(first)) {
      const pair = listOf(item);
      if (pair.length !== 2) raise('ValueError', `a pair is needed, not ${pair.length} values`);
      result.set(pair[0]!, pair[1]!);
    }
  }
  for (const [name, value] of args.named) result.set(name, value, args.origins?.get(name));
  return result;
}

export const DICT_METHODS: Readonly<Record<string, Method<PyDict>>> = {
  clear: (self) => {
    self.clear();
    return null;
  },
  copy: (self) => copyDict(self),
  get: (self, args) => {
    const value = self.get(requiredArgument(args, 0));
    return value === undefined ? (args.items[1] ?? args.named.get('default') ?? null) : value;
  },
  items: (self) => new PyList(self.items().map(({ key, value }) => new PyTuple([key, value]))),
  keys: (self) => new PyList(self.keys()),
  pop: (self, args) => {
    const key = requiredArgument(args, 0);
    const value = self.get(key);
    if (value !== undefined) {
      self.delete(key);
      return value;
    }
    const otherwise = args.items.length > 1 ? args.items[1]! : args.named.get('default');
    // A ConfigDict gives None for what it does not have.
    return otherwise ?? (otherwise === null || self.config ? null : missingKey(self, key));
  },
  popitem: (self) => {
    const last = self.items().at(-1);
    if (!last) return raise('KeyError', "'popitem(): dictionary is empty'");
    self.delete(last.key);
    return new PyTuple([last.key, last.value]);
  },
  setdefault: (self, args) => {
    const key = requiredArgument(args, 0);
    if (!self.has(key)) setItem(self, key, args.items[1] ?? null);
    return self.get(key)!;
  },
  update: (self, args) => {
    update(self, dictOf(args));
    return null;
  },
  values: (self) => new PyList(self.values()),
};

/** What a `ConfigDict` has beside the methods of a dict. */
export const CONFIG_DICT_METHODS: Readonly<Record<string, Method<PyDict>>> = {
  deepcopy: (self) => deepCopy(self),
  merge: (self, args) => {
    merge(self, requiredArgument(args, 0));
    return null;
  },
  to_dict: (self) => plain(self),
};

function plain(value: Value): Value {
  if (value instanceof PyList) return new PyList(value.items.map(plain));
  if (value instanceof PyTuple) return new PyTuple(value.items.map(plain));
  if (!(value instanceof PyDict)) return value;
  const result = new PyDict();
  for (const { key, value: member, origin } of value.items()) result.set(key, plain(member), origin);
  return result;
}

function setOf(value: Value): PySet {
  return value instanceof PySet ? value : new PySet(listOf(value));
}

function changing(self: PySet, change: () => void): null {
  if (self.frozen) raise('AttributeError', `'${typeName(self)}' object cannot be changed`);
  change();
  return null;
}

export const SET_METHODS: Readonly<Record<string, Method<PySet>>> = {
  add: (self, args) => changing(self, () => self.add(requiredArgument(args, 0))),
  copy: (self) => new PySet(self.items(), self.frozen),
  difference: (self, args) => {
    const others = args.items.map(setOf);
    return new PySet(
      self.items().filter((item) => !others.some((other) => other.has(item))),
      self.frozen,
    );
  },
  discard: (self, args) => changing(self, () => self.delete(requiredArgument(args, 0))),
  intersection: (self, args) => {
    const others = args.items.map(setOf);
    return new PySet(
      self.items().filter((item) => others.every((other) => other.has(item))),
      self.frozen,
    );
  },
  issubset: (self, args) => {
    const other = setOf(requiredArgument(args, 0));
    return self.items().every((item) => other.has(item));
  },
  issuperset: (self, args) =>
    setOf(requiredArgument(args, 0))
      .items()
      .every((item) => self.has(item)),
  remove: (self, args) =>
    changing(self, () => {
      const item = requiredArgument(args, 0);
      if (!self.delete(item)) raise('KeyError', repr(item));
    }),
  union: (self, args) =>
    new PySet([...self.items(), ...args.items.flatMap((item) => listOf(item))], self.frozen),
  update: (self, args) =>
    changing(self, () => {
      for (const other of args.items) for (const item of listOf(other)) self.add(item);
    }),
};

/** Stores what `self.name = value` says of a `ConfigDict`. */
export function setConfigAttribute(self: PyDict, name: string, value: Value): void {
  if (name in DICT_METHODS || name in CONFIG_DICT_METHODS) {
    raise('AttributeError', `'ConfigDict' object attribute '${name}' is read-only`);
  }
  self.set(name, hook(value));
}
