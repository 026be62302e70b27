import { floatText } from './decimal.js';
import { raise } from './errors.js';
import { formatPercent } from './format.js';
import { exactPower } from './power.js';
import {
  iterate,
  MOST_ITEMS,
  PyDict,
  PyLazy,
  PyList,
  PyRange,
  PySet,
  PyTuple,
  truthy,
  typeName,
  type Value,
} from './values.js';

/** An int, with booleans counted as 0 and 1; undefined for anything else. */
export function asInt(value: Value): bigint | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'bigint' ? value : undefined;
}

/** A number as a float; undefined for what is none. */
export function asFloat(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  const int = asInt(value);
  if (int === undefined) return undefined;
  const float = Number(int);
  if (!Number.isFinite(float)) raise('OverflowError', 'int too large to convert to float');
  return float;
}

/** Python's `==`. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return !Number.isNaN(a);
  const x = asInt(a) ?? a;
  const y = asInt(b) ?? b;
  if (isNumber(x) && isNumber(y)) return orderNumbers(x, y) === 0;
  if (a instanceof PyList && b instanceof PyList) return equalItems(a.items, b.items);
  if (a instanceof PyTuple && b instanceof PyTuple) return equalItems(a.items, b.items);
  if (a instanceof PyDict && b instanceof PyDict) {
    return a.size === b.size && a.items().every(({ key, value }) => b.has(key) && equal(value, b.get(key)!));
  }
  if (a instanceof PySet && b instanceof PySet)
    return a.size === b.size && a.items().every((item) => b.has(item));
  if (a instanceof PyRange && b instanceof PyRange) {
    return (
      a.length === b.length &&
      (a.length === 0n || (a.from === b.from && (a.length === 1n || a.step === b.step)))
    );
  }
  return false;
}

function isNumber(value: unknown): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}

function orderNumbers(a: bigint | number, b: bigint | number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number.isNaN(a) || Number.isNaN(b) ? NaN : 0;
}

function equalItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i] || equal(item, b[i]!));
}

/** Negative, zero or positive as `a` sorts before, with or after `b`; NaN where neither holds. */
export function order(a: Value, b: Value, operator = '<'): number {
  const x = asInt(a) ?? a;
  const y = asInt(b) ?? b;
  if (isNumber(x) && isNumber(y)) return orderNumbers(x, y);
  if (typeof a === 'string' && typeof b === 'string') return comparePoints(a, b);
  if ((a instanceof PyList && b instanceof PyList) || (a instanceof PyTuple && b instanceof PyTuple)) {
    const length = Math.min(a.items.length, b.items.length);
    for (let i = 0; i < length; i++) {
      if (!equal(a.items[i]!, b.items[i]!)) return order(a.items[i]!, b.items[i]!, operator);
    }
    return a.items.length - b.items.length;
  }
  return raise(
    'TypeError',
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** By code points, as Python orders strings; JavaScript orders by UTF-16 units. */
function comparePoints(a: string, b: string): number {
  const x = [...a];
  const y = [...b];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return x.length - y.length;
}

/** One comparison: `< > <= >= == != in is` and their negations. */
export function compare(operator: string, a: Value, b: Value): boolean {
  switch (operator) {
    case '==':
      return equal(a, b);
    case '!=':
      return !equal(a, b);
    case 'is':
      return Object.is(a, b);
    case 'is not':
      return !Object.is(a, b);
    case 'in':
      return contains(b, a);
    case 'not in':
      return !contains(b, a);
  }
  if (a instanceof PySet && b instanceof PySet) {
    const [small, large] = operator.startsWith('<') ? [a, b] : [b, a];
    const inside = small.items().every((item) => large.has(item));
    return inside && (operator.endsWith('=') || small.size < large.size);
  }
  const sign = order(a, b, operator);
  if (operator === '<') return sign < 0;
  if (operator === '>') return sign > 0;
  return operator === '<=' ? sign <= 0 : sign >= 0;
}

function contains(whole: Value, item: Value): boolean {
  if (typeof whole === 'string') {
    if (typeof item === 'string') return whole.includes(item);
    raise('TypeError', `'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (whole instanceof PyDict) return whole.has(item);
  // Python looks for a set among the members of a set as if it were frozen.
  if (whole instanceof PySet) return whole.has(item instanceof PySet ? new PySet(item.items(), true) : item);
  if (typeof whole !== 'object' || whole === null || whole instanceof PyLazy)
    raise('TypeError', `argument of type '${typeName(whole)}' is not iterable`);
  for (const member of iterate(whole)) if (member === item || equal(member, item)) return true;
  return false;
}

export function unary(operator: string, value: Value): Value {
  if (operator === 'not') return !truthy(value);
  if (typeof value === 'number' && operator !== '~') return operator === '-' ? -value : value;
  const int = asInt(value);
  if (int === undefined)
    return raise('TypeError', `bad operand type for unary ${operator}: '${typeName(value)}'`);
  return operator === '-' ? -int : operator === '~' ? ~int : int;
}

/** An operator of two operands, with the types that Python gives the result. */
export function binary(operator: string, a: Value, b: Value): Value {
  const x = asInt(a);
  const y = asInt(b);
  if (x !== undefined && y !== undefined) {
    const logical = typeof a === 'boolean' && typeof b === 'boolean' && '|&^'.includes(operator);
    const result = ofInts(operator, x, y);
    if (result !== undefined) return logical ? result !== 0n : result;
  }
  if (operator === '%' && typeof a === 'string') return formatPercent(a, b);
  const p = x !== undefined || typeof a === 'number' ? asFloat(a) : undefined;
  const q = y !== undefined || typeof b === 'number' ? asFloat(b) : undefined;
  if (p !== undefined && q !== undefined) {
    const result = ofFloats(operator, p, q);
    if (result !== undefined) return result;
  }
  const joined = ofSequences(operator, a, b);
  if (joined !== undefined) return joined;
  if (operator === '+' && typeof a === 'string') {
    raise('TypeError', `can only concatenate str (not "${typeName(b)}") to str`);
  }
  return raise(
    'TypeError',
    `unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** Bits beyond this are no number of a config; such a power or shift would fill the memory. */
const MOST_BITS = 1 << 16;

function ofInts(operator: string, a: bigint, b: bigint): Value | undefined {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0n) raise('ZeroDivisionError', 'division by zero');
      return divide(a, b);
    case '//':
      if (b === 0n) raise('ZeroDivisionError', 'integer division or modulo by zero');
      return (a - modulo(a, b)) / b;
    case '%':
      if (b === 0n) raise('ZeroDivisionError', 'integer modulo by zero');
      return modulo(a, b);
    case '**':
      if (b < 0n) return undefined;
      if (a > 1n || a < -1n) limit(BigInt(a.toString(2).length) * b);
      return a ** b;
    case '<<':
    case '>>':
      if (b < 0n) raise('ValueError', 'negative shift count');
      if (operator === '<<') limit(b + BigInt(a.toString(2).length));
      return operator === '<<' ? a << b : a >> b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
  }
  return undefined;
}

function limit(bits: bigint): void {
  if (bits > MOST_BITS) raise('OverflowError', `an integer of more than ${MOST_BITS} bits`);
}

/** Integers beyond 2^53 are divided exactly and rounded once. */
function divide(a: bigint, b: bigint): number {
  const x = Number(a);
  const y = Number(b);
  if (Number.isSafeInteger(x) && Number.isSafeInteger(y)) return x / y;
  const scale = 10n ** 40n;
  const result = Number(`${(a * scale) / b}e-40`);
  if (!Number.isFinite(result)) raise('OverflowError', 'integer division result too large for a float');
  return result;
}

function modulo(a: bigint, b: bigint): bigint {
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

function ofFloats(operator: string, a: number, b: number): Value | undefined {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0) raise('ZeroDivisionError', 'float division by zero');
      return a / b;
    case '//':
      if (b === 0) raise('ZeroDivisionError', 'float floor division by zero');
      return floorDivide(a, b);
    case '%':
      if (b === 0) raise('ZeroDivisionError', 'float modulo');
      return floatModulo(a, b);
    case '**':
      return power(a, b);
  }
  return undefined;
}

/** As CPython does it, signed zeros included. */
function floorDivide(a: number, b: number): number {
  const rest = a % b;
  let quotient = (a - rest) / b;
  if (rest !== 0 && rest < 0 !== b < 0) quotient -= 1;
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

function floatModulo(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 !== b < 0 ? rest + b : rest;
}

function power(a: number, b: number): number {
  if (a === 0 && b < 0) raise('ZeroDivisionError', '0.0 cannot be raised to a negative power');
  if (a === 1 || b === 0) return 1;
  if (a === -1 && !Number.isFinite(b) && !Number.isNaN(b)) return 1;
  if (a < 0 && Number.isFinite(a) && !Number.isInteger(b) && Number.isFinite(b)) {
    raise('TypeError', `the complex result of ${floatText(a)} ** ${floatText(b)}`);
  }
  const finite = Number.isFinite(a) && Number.isFinite(b) && a !== 0;
  const odd = a < 0 && b % 2 !== 0;
  const result = finite ? (odd ? -1 : 1) * exactPower(Math.abs(a), b) : a ** b;
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b)) {
    raise('OverflowError', "(34, 'Numerical result out of range')");
  }
  return result;
}

function ofSequences(operator: string, a: Value, b: Value): Value | undefined {
  if (operator === '+') {
    if (typeof a === 'string' && typeof b === 'string') return a + b;
    if (a instanceof PyList && b instanceof PyList) return new PyList([...a.items, ...b.items]);
    if (a instanceof PyTuple && b instanceof PyTuple) return new PyTuple([...a.items, ...b.items]);
  }
  if (operator === '*') {
    const count = asInt(b) ?? asInt(a);
    const sequence = asInt(b) === undefined ? b : a;
    if (count !== undefined) return repeated(sequence, count);
  }
  if (operator === '|' && a instanceof PyDict && b instanceof PyDict) {
    const result = new PyDict(a.config);
    for (const { key, value, origin } of [...a.items(), ...b.items()]) result.set(key, value, origin);
    return result;
  }
  if (a instanceof PySet && b instanceof PySet) {
    const mine = a.items();
    if (operator === '|') return new PySet([...mine, ...b.items()], a.frozen);
    if (operator === '&')
      return new PySet(
        mine.filter((item) => b.has(item)),
        a.frozen,
      );
    if (operator === '-')
      return new PySet(
        mine.filter((item) => !b.has(item)),
        a.frozen,
      );
    if (operator === '^') {
      const others = b.items().filter((item) => !a.has(item));
      return new PySet([...mine.filter((item) => !b.has(item)), ...others], a.frozen);
    }
  }
  return undefined;
}

function repeated(sequence: Value, count: bigint): Value | undefined {
  const times = count > 0n ? Number(count) : 0;
  const length =
    typeof sequence === 'string'
      ? sequence.length
      : sequence instanceof PyList || sequence instanceof PyTuple
        ? sequence.items.length
        : 0;
  if (length * times > MOST_ITEMS) raise('OverflowError', `more than ${MOST_ITEMS} items`);
  if (typeof sequence === 'string') return sequence.repeat(length === 0 ? 0 : times);
  const items = (of: readonly Value[]): Value[] =>
    of.length === 0 ? [] : Array.from({ length: times }, () => of).flat();
  if (sequence instanceof PyList) return new PyList(items(sequence.items));
  return sequence instanceof PyTuple ? new PyTuple(items(sequence.items)) : undefined;
}
