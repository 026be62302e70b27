import { integerArgument, requiredArgument } from './arguments.js';
import { fixedText } from './decimal.js';
import { EXCEPTIONS, raise } from './errors.js';
import { formatValue } from './format.js';
import { dictOf, sortItems } from './methods.js';
import { asFloat, asInt, binary, order } from './operators.js';
import { repr, str } from './text.js';
import {
  iterate,
  listOf,
  PyBuiltin,
  PyDict,
  PyIterator,
  PyList,
  PyRange,
  PySet,
  PySlice,
  PyTuple,
  PyType,
  truthy,
  typeName,
  type CallArguments,
  type Caller,
  type NativeCall,
  type Value,
} from './values.js';

function length(value: Value): bigint {
  if (typeof value === 'string') return BigInt([...value].length);
  if (value instanceof PyList || value instanceof PyTuple) return BigInt(value.items.length);
  if (value instanceof PyDict || value instanceof PySet) return BigInt(value.size);
  if (value instanceof PyRange) return value.length;
  return raise('TypeError', `object of type '${typeName(value)}' has no len()`);
}

function toInt(args: CallArguments): Value {
  const [value, base] = args.items;
  if (value === undefined) return 0n;
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      raise(
        Number.isNaN(value) ? 'ValueError' : 'OverflowError',
        `cannot convert float ${repr(value)} to integer`,
      );
    return BigInt(Math.trunc(value));
  }
  const int = asInt(value);
  if (int !== undefined) return int;
  if (typeof value !== 'string') {
    return raise('TypeError', `int() argument must be a string or a real number, not '${typeName(value)}'`);
  }
  return parseInteger(value, Number(asInt(base ?? 10n) ?? 10n));
}

function parseInteger(text: string, base: number): bigint {
  const wrong = (): never =>
    raise('ValueError', `invalid literal for int() with base ${base}: ${repr(text)}`);
  const [, sign, digits] = /^([+-]?)([\da-zA-Z](?:_?[\da-zA-Z])*)$/.exec(text.trim()) ?? wrong();
  let plain = digits!.replaceAll('_', '').toLowerCase();
  const prefix = { 2: '0b', 8: '0o', 16: '0x' }[base];
  if (prefix !== undefined && plain.startsWith(prefix)) plain = plain.slice(2);
  let value = 0n;
  for (const c of plain) {
    const digit = Number.parseInt(c, 36);
    if (Number.isNaN(digit) || digit >= base) wrong();
    value = value * BigInt(base) + BigInt(digit);
  }
  return sign === '-' ? -value : value;
}

function toFloat(value: Value | undefined): Value {
  if (value === undefined) return 0;
  const float = asFloat(value);
  if (float !== undefined) return float;
  if (typeof value !== 'string') {
    return raise('TypeError', `float() argument must be a string or a real number, not '${typeName(value)}'`);
  }
  const text = value.trim().toLowerCase();
  const special = /^([+-]?)(inf(?:inity)?|nan)$/.exec(text);
  if (special) return (special[1] === '-' ? -1 : 1) * (special[2] === 'nan' ? NaN : Infinity);
  if (!/^[+-]?(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:e[+-]?\d+)?$/.test(text)) {
    raise('ValueError', `could not convert string to float: ${repr(value)}`);
  }
  return Number(text.replaceAll('_', ''));
}

/** Python's `round`: half to even; an int without digits. */
function round(args: CallArguments): Value {
  const value = requiredArgument(args, 0);
  const digits = args.items[1] ?? args.named.get('ndigits') ?? null;
  const int = asInt(value);
  if (int !== undefined) {
    if (digits === null || asInt(digits)! >= 0n) return int;
    const unit = 10n ** -asInt(digits)!;
    const rest = ((int % unit) + unit) % unit;
    const floor = int - rest;
    const up = rest * 2n > unit || (rest * 2n === unit && (floor / unit) % 2n !== 0n);
    return up ? floor + unit : floor;
  }
  if (typeof value !== 'number')
    return raise('TypeError', `type ${typeName(value)} doesn't define __round__ method`);
  if (digits === null) {
    if (!Number.isFinite(value)) raise('OverflowError', `cannot convert float ${repr(value)} to integer`);
    return BigInt(fixedText(value, 0).replace(/^-0$/, '0'));
  }
  return Number.isFinite(value)
    ? Number(fixedText(value, Number(integerArgument(args, 1, 0n, 'ndigits'))))
    : value;
}

function extreme(sign: number): NativeCall {
  return (args, call) => {
    const items = args.items.length === 1 ? listOf(args.items[0]!) : args.items;
    const key = args.named.get('key') ?? null;
    const otherwise = args.named.get('default');
    if (items.length === 0) {
      return otherwise === undefined ? raise('ValueError', 'the argument is an empty sequence') : otherwise;
    }
    const by = (item: Value): Value => (key === null ? item : call(key, [item]));
    return items.reduce((best, item) => (sign * order(by(item), by(best)) > 0 ? item : best));
  };
}

function* mapped(callee: Value, sources: readonly Value[], call: Caller): Generator<Value> {
  for (const items of zipped(sources, false)) yield call(callee, items.items);
}

function* zipped(sources: readonly Value[], strict: boolean): Generator<PyTuple> {
  const iterators = sources.map((source) => iterate(source)[Symbol.iterator]());
  while (iterators.length > 0) {
    const row: Value[] = [];
    for (const iterator of iterators) {
      const step = iterator.next();
      if (step.done) {
        if (strict && (row.length > 0 || iterators.slice(1).some((other) => !other.next().done))) {
          raise('ValueError', 'the arguments of zip() have different lengths');
        }
        return;
      }
      row.push(step.value);
    }
    yield new PyTuple(row);
  }
}

function* enumerated(source: Value, start: bigint): Generator<Value> {
  let index = start;
  for (const item of iterate(source)) yield new PyTuple([index++, item]);
}

function* filtered(test: Value, source: Value, call: Caller): Generator<Value> {
  for (const item of iterate(source)) if (truthy(test === null ? item : call(test, [item]))) yield item;
}

function range({ items }: CallArguments): Value {
  const [first = 0n, second, third = 1n] = items.map(
    (item) =>
      asInt(item) ?? raise('TypeError', `'${typeName(item)}' object cannot be interpreted as an integer`),
  );
  if (items.length === 0) raise('TypeError', 'range expected at least 1 argument, got 0');
  if (third === 0n) raise('ValueError', 'range() arg 3 must not be zero');
  return second === undefined ? new PyRange(0n, first, 1n) : new PyRange(first, second, third);
}

function isInstance(value: Value, type: Value): boolean {
  if (type instanceof PyTuple) return type.items.some((option) => isInstance(value, option));
  if (!(type instanceof PyType))
    return raise('TypeError', 'isinstance() arg 2 must be a type or a tuple of types');
  if (type.name === 'object') return true;
  const own = typeName(value);
  return (
    own === type.name ||
    (type.name === 'int' && own === 'bool') ||
    (type.name === 'dict' && own === 'ConfigDict')
  );
}

function sum(args: CallArguments): Value {
  const start = args.items[1] ?? args.named.get('start') ?? 0n;
  if (typeof start === 'string') raise('TypeError', "sum() can't sum strings [use ''.join(seq) instead]");
  return listOf(requiredArgument(args, 0)).reduce((total, item) => binary('+', total, item), start);
}

const fromKeys = new PyBuiltin('fromkeys', (args) => {
  const result = new PyDict();
  for (const key of iterate(requiredArgument(args, 0))) result.set(key, args.items[1] ?? null);
  return result;
});

const radix =
  (base: number, prefix: string): NativeCall =>
  (args) => {
    const value = integerArgument(args, 0);
    return `${value < 0n ? '-' : ''}${prefix}${(value < 0n ? -value : value).toString(base)}`;
  };

const TYPES: Readonly<Record<string, NativeCall>> = {
  bool: ({ items }) => truthy(items[0] ?? false),
  dict: (args) => dictOf(args),
  float: ({ items }) => toFloat(items[0]),
  frozenset: ({ items }) => new PySet(items.length ? listOf(items[0]!) : [], true),
  int: toInt,
  list: ({ items }) => new PyList(items.length ? listOf(items[0]!) : []),
  range,
  set: ({ items }) => new PySet(items.length ? listOf(items[0]!) : []),
  slice: ({ items }) =>
    items.length < 2
      ? new PySlice(null, items[0] ?? null, null)
      : new PySlice(items[0]!, items[1]!, items[2] ?? null),
  str: ({ items }) => (items.length ? str(items[0]!) : ''),
  tuple: ({ items }) => new PyTuple(items.length ? listOf(items[0]!) : []),
};

const FUNCTIONS: Readonly<Record<string, NativeCall>> = {
  abs: (args) => {
    const value = requiredArgument(args, 0);
    if (typeof value === 'number') return Math.abs(value);
    const int = asInt(value) ?? raise('TypeError', `bad operand type for abs(): '${typeName(value)}'`);
    return int < 0n ? -int : int;
  },
  all: (args) => listOf(requiredArgument(args, 0)).every(truthy),
  any: (args) => listOf(requiredArgument(args, 0)).some(truthy),
  bin: radix(2, '0b'),
  callable: (args) => args.items[0] instanceof PyType || args.items[0] instanceof PyBuiltin,
  chr: (args) => String.fromCodePoint(Number(integerArgument(args, 0))),
  divmod: ({ items: [a = null, b = null] }) => new PyTuple([binary('//', a, b), binary('%', a, b)]),
  enumerate: (args) =>
    new PyIterator('enumerate', enumerated(requiredArgument(args, 0), integerArgument(args, 1, 0n, 'start'))),
  filter: (args, call) =>
    new PyIterator('filter', filtered(requiredArgument(args, 0), requiredArgument(args, 1), call)),
  format: (args) => formatValue(requiredArgument(args, 0), str(args.items[1] ?? '')),
  hex: radix(16, '0x'),
  isinstance: (args) => isInstance(requiredArgument(args, 0), requiredArgument(args, 1)),
  iter: (args) => new PyIterator('iterator', iterate(requiredArgument(args, 0))[Symbol.iterator]()),
  len: (args) => length(requiredArgument(args, 0)),
  map: (args, call) => new PyIterator('map', mapped(requiredArgument(args, 0), args.items.slice(1), call)),
  max: extreme(1),
  min: extreme(-1),
  next: (args) => {
    const iterator = requiredArgument(args, 0);
    if (!(iterator instanceof PyIterator))
      return raise('TypeError', `'${typeName(iterator)}' object is not an iterator`);
    const step = iterator.source.next();
    if (!step.done) return step.value;
    return args.items.length > 1 ? args.items[1]! : raise('StopIteration', '');
  },
  oct: radix(8, '0o'),
  ord: (args) => {
    const text = requiredArgument(args, 0);
    if (typeof text !== 'string' || [...text].length !== 1)
      return raise('TypeError', 'ord() expected a character');
    return BigInt(text.codePointAt(0)!);
  },
  pow: (args) => binary('**', requiredArgument(args, 0), requiredArgument(args, 1)),
  // What a config prints is for those who wrote it; reading one prints nothing.
  print: () => null,
  repr: (args) => repr(requiredArgument(args, 0)),
  reversed: (args) =>
    new PyIterator('reversed', listOf(requiredArgument(args, 0)).reverse()[Symbol.iterator]()),
  round,
  sorted: (args, call) => new PyList(sortItems(listOf(requiredArgument(args, 0)), args, call)),
  sum,
  type: (args) => BUILTINS.get(typeName(requiredArgument(args, 0))) ?? null,
  zip: ({ items, named }) => new PyIterator('zip', zipped(items, truthy(named.get('strict') ?? false))),
};

/** Python's built-in names, as far as they compute and touch nothing outside the config. */
export const BUILTINS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ...Object.entries(TYPES).map(
    ([name, call]) =>
      [
        name,
        new PyType(name, call, name === 'dict' ? new Map([['fromkeys', fromKeys]]) : undefined),
      ] as const,
  ),
  ...Object.entries(FUNCTIONS).map(([name, call]) => [name, new PyBuiltin(name, call)] as const),
  ...EXCEPTIONS.map(
    (name) => [name, new PyType(name, ({ items }) => new PyTuple([name, ...items]))] as const,
  ),
  ['object', new PyType('object', () => raise('TypeError', 'an object() is no value of a config'))],
  // A config is executed by `eval`, whose names are those of the module `builtins`.
  ['__name__', 'builtins'],
  ['__debug__', true],
]);
