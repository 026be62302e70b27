import { nearest } from '@engine/core';
import type { Block, Expression, Parameters } from './ast.js';
import { raise } from './errors.js';

/** Python's values: int is bigint, float is number, str is string. */
export type Value = null | boolean | bigint | number | string | PyObject;

export type PyObject =
  | PyList
  | PyTuple
  | PyDict
  | PySet
  | PyRange
  | PySlice
  | PyIterator
  | PyLazy
  | PyModule
  | PyFunction
  | PyBuiltin
  | PyType
  | PyEllipsis;

/** The file and line that set a member of a mapping. */
export interface Origin {
  file: string;
  line: number;
}

export class PyList {
  constructor(public items: Value[]) {}
}

export class PyTuple {
  constructor(readonly items: readonly Value[]) {}
}

interface Entry {
  key: Value;
  value: Value;
  origin: Origin | undefined;
}

/** A `dict`, in the order of insertion; with `config` set, MMEngine's `ConfigDict`. */
export class PyDict {
  private readonly entries = new Map<unknown, Entry>();

  constructor(readonly config = false) {}

  get size(): number {
    return this.entries.size;
  }

  get(key: Value): Value | undefined {
    return this.entries.get(hashKey(key))?.value;
  }

  has(key: Value): boolean {
    return this.entries.has(hashKey(key));
  }

  /** Stores a member as it is; see `setItem` of config-dict.ts for what a `ConfigDict` makes of it. */
  set(key: Value, value: Value, origin?: Origin): void {
    const hash = hashKey(key);
    const entry = this.entries.get(hash);
    if (entry) {
      entry.value = value;
      entry.origin = origin;
    } else this.entries.set(hash, { key, value, origin });
  }

  delete(key: Value): boolean {
    return this.entries.delete(hashKey(key));
  }

  clear(): void {
    this.entries.clear();
  }

  originOf(key: Value): Origin | undefined {
    return this.entries.get(hashKey(key))?.origin;
  }

  keys(): Value[] {
    return [...this.entries.values()].map(({ key }) => key);
  }

  values(): Value[] {
    return [...this.entries.values()].map(({ value }) => value);
  }

  items(): Readonly<Entry>[] {
    return [...this.entries.values()];
  }
}

export class PySet {
  private readonly entries = new Map<unknown, Value>();

  constructor(
    items: Iterable<Value> = [],
    readonly frozen = false,
  ) {
    for (const item of items) this.add(item);
  }

  get size(): number {
    return this.entries.size;
  }

  add(item: Value): void {
    const hash = hashKey(item);
    if (!this.entries.has(hash)) this.entries.set(hash, item);
  }

  has(item: Value): boolean {
    return this.entries.has(hashKey(item));
  }

  delete(item: Value): boolean {
    return this.entries.delete(hashKey(item));
  }

  items(): Value[] {
    return [...this.entries.values()];
  }
}

export class PyRange {
  constructor(
    readonly from: bigint,
    readonly to: bigint,
    readonly step: bigint,
  ) {}

  get length(): bigint {
    const { from, to, step } = this;
    const span = step > 0n ? to - from : from - to;
    const size = step > 0n ? step : -step;
    return span <= 0n ? 0n : (span + size - 1n) / size;
  }
}

export class PySlice {
  constructor(
    readonly from: Value,
    readonly to: Value,
    readonly step: Value,
  ) {}
}

/** What `zip`, `map`, a generator expression and their like give: values that can be walked once. */
export class PyIterator {
  constructor(
    readonly typeName: string,
    readonly source: Iterator<Value>,
  ) {}
}

/** A name imported from a library: it is written down, never looked into. MMEngine's `LazyObject` and `LazyAttr`. */
export class PyLazy {
  /**
   * @param module dotted name of the module
   * @param name what is taken from it; undefined for the module itself
   */
  constructor(
    readonly module: string,
    readonly name: string | undefined,
  ) {}

  /** The name as a config says it: `torch.optim.SGD`. */
  get path(): string {
    return this.name === undefined ? this.module : `${this.module}.${this.name}`;
  }

  attribute(name: string): PyLazy {
    return new PyLazy(this.path, name);
  }
}

/** A module of the standard library, as far as configs use it. */
export class PyModule {
  constructor(
    readonly name: string,
    readonly members: ReadonlyMap<string, Value>,
  ) {}
}

/** A function that the config itself defines. */
export class PyFunction {
  constructor(
    readonly name: string,
    readonly parameters: Parameters,
    readonly defaults: ReadonlyMap<string, Value>,
    readonly body: Block | Expression,
    /** The names around its definition. */
    readonly scope: object,
  ) {}
}

/** The arguments of a call. */
export interface CallArguments {
  items: readonly Value[];
  named: ReadonlyMap<string, Value>;
  /** Where each named argument was written. */
  origins?: ReadonlyMap<string, Origin>;
}

/** Calls any value that can be called. */
export type Caller = (callee: Value, items: readonly Value[]) => Value;

export type NativeCall = (args: CallArguments, call: Caller) => Value;

export class PyBuiltin {
  constructor(
    readonly name: string,
    readonly call: NativeCall,
  ) {}
}

/** A built-in type, such as `int`: calling it converts. */
export class PyType {
  constructor(
    readonly name: string,
    readonly call: NativeCall,
    readonly members: ReadonlyMap<string, Value> = new Map(),
  ) {}
}

export class PyEllipsis {
  readonly typeName = 'ellipsis';
}

export const ELLIPSIS = new PyEllipsis();

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'str';
  if (value instanceof PyList) return 'list';
  if (value instanceof PyTuple) return 'tuple';
  if (value instanceof PyDict) return value.config ? 'ConfigDict' : 'dict';
  if (value instanceof PySet) return value.frozen ? 'frozenset' : 'set';
  if (value instanceof PyRange) return 'range';
  if (value instanceof PySlice) return 'slice';
  if (value instanceof PyLazy) return value.name === undefined ? 'LazyObject' : 'LazyAttr';
  if (value instanceof PyModule) return 'module';
  if (value instanceof PyFunction) return 'function';
  if (value instanceof PyBuiltin) return 'builtin_function_or_method';
  if (value instanceof PyType) return 'type';
  return value.typeName;
}

/** Whether Python would follow an `if` of the value. */
export function truthy(value: Value): boolean {
  if (value === null) return false;
  if (typeof value === 'number') return value !== 0;
  if (typeof value !== 'object') return Boolean(value);
  if (value instanceof PyList || value instanceof PyTuple) return value.items.length > 0;
  if (value instanceof PyDict || value instanceof PySet) return value.size > 0;
  return value instanceof PyRange ? value.length > 0n : true;
}

/** A key that is equal for values that Python holds equal. */
export function hashKey(value: Value): unknown {
  if (typeof value === 'string') return `s${value}`;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (value instanceof PyTuple) return `t${value.items.map(textOfHash).join(',')}`;
  if (value instanceof PySet && value.frozen) return `f${value.items().map(textOfHash).sort().join(',')}`;
  if (value instanceof PyList || value instanceof PyDict || value instanceof PySet) {
    raise('TypeError', `unhashable type: '${typeName(value)}'`);
  }
  return value;
}

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

function textOfHash(value: Value): string {
  const hash = hashKey(value);
  if (typeof hash === 'string') return `${hash.length}:${hash}`;
  if (typeof hash !== 'object' || hash === null) return `${typeof hash}${String(hash)}`;
  let identity = identities.get(hash);
  if (identity === undefined) identities.set(hash, (identity = ++lastIdentity));
  return `o${identity}`;
}

/** The values that a `for` over this value meets. */
export function iterate(value: Value): Iterable<Value> {
  if (typeof value === 'string') return value;
  if (value instanceof PyList) return live(value);
  if (value instanceof PyTuple) return value.items;
  if (value instanceof PyDict) return value.keys();
  if (value instanceof PySet) return value.items();
  if (value instanceof PyRange) return rangeItems(value);
  if (value instanceof PyIterator) return { [Symbol.iterator]: () => value.source };
  return raise('TypeError', `'${typeName(value)}' object is not iterable`);
}

/** A list may grow while it is walked. */
function* live(list: PyList): Generator<Value> {
  for (let i = 0; i < list.items.length; i++) yield list.items[i]!;
}

function* rangeItems({ from, step, length }: PyRange): Generator<Value> {
  for (let i = 0n; i < length; i++) yield from + i * step;
}

/** More items than any config has; guards against ranges of millions. */
export const MOST_ITEMS = 1_000_000;

/** All values of an iterable. */
export function listOf(value: Value): Value[] {
  const items: Value[] = [];
  for (const item of iterate(value)) {
    items.push(item);
    if (items.length > MOST_ITEMS) raise('MemoryError', `more than ${MOST_ITEMS} items`);
  }
  return items;
}

/** A missing key, with the nearest one that is there. */
export function missingKey(dict: PyDict, key: Value): never {
  const near =
    typeof key === 'string'
      ? nearest(
          key,
          dict.keys().filter((known) => typeof known === 'string'),
        )
      : undefined;
  return raise('KeyError', typeof key === 'string' ? `'${key}'` : String(key), near);
}
