import { EngineError, isHostArray, show, sizeOf, type HostArray } from '@engine/core';

/** Values that every text format can hold. */
export type PlainValue = null | boolean | number | string | PlainValue[] | { [key: string]: PlainValue };

function unsupported(value: unknown, path: string): EngineError {
  return new EngineError({
    code: 'E_FORMAT_VALUE',
    what: `A value cannot be written to a text file.`,
    received: `${path || 'the value'} = ${show(value)}`,
    expected:
      'null, booleans, numbers, strings, arrays, plain objects, Map, Set, Date, typed arrays or host arrays',
  });
}

function bigintToNumber(value: bigint, path: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER))
    throw unsupported(value, path);
  return Number(value);
}

/** Nested lists of an array's elements by shape, as numpy's `tolist` gives; bare values for a scalar. */
function nested(array: HostArray, path: string): PlainValue {
  if (array.dtype === 'float16' || array.dtype === 'bfloat16') throw unsupported(array.dtype, path);
  const one = (index: number): PlainValue => {
    const element = array.data[index]!;
    if (array.dtype === 'bool') return element !== 0;
    return typeof element === 'bigint' ? bigintToNumber(element, path) : element;
  };
  const build = (shape: readonly number[], start: number): PlainValue => {
    if (shape.length === 0) return one(start);
    const [first, ...rest] = shape as [number, ...number[]];
    const step = sizeOf(rest);
    return Array.from({ length: first }, (_, i) => build(rest, start + i * step));
  };
  return build(array.shape, 0);
}

/**
 * Turns a value into one made of plain objects, arrays and scalars: Set → list, Map → object (or list of pairs when a
 * key is no string), typed and host arrays → (nested) lists, Date → ISO text. Properties that are undefined are left out.
 *
 * @throws E_FORMAT_VALUE for functions, symbols, class instances, cycles, and integers that a number cannot hold
 */
export function toPlainValue(value: unknown): PlainValue {
  return convert(value, '', new Set());
}

function convert(value: unknown, path: string, above: Set<object>): PlainValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  if (typeof value === 'bigint') return bigintToNumber(value, path);
  if (typeof value !== 'object') throw unsupported(value, path);
  if (above.has(value)) throw unsupported('(a cycle)', path);
  above.add(value);
  try {
    return convertObject(value, path, above);
  } finally {
    above.delete(value);
  }
}

function convertObject(value: object, path: string, above: Set<object>): PlainValue {
  const list = (items: Iterable<unknown>): PlainValue[] =>
    Array.from(items, (item, i) => convert(item ?? null, `${path}[${i}]`, above));
  if (Array.isArray(value) || value instanceof Set) return list(value);
  if (value instanceof Date) return value.toISOString();
  if (isHostArray(value)) return nested(value, path);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return list(value as unknown as Iterable<unknown>);
  if (value instanceof Map) {
    const keys = [...value.keys()];
    if (!keys.every((key) => typeof key === 'string')) return list(value);
    return convertEntries([...value] as [string, unknown][], path, above);
  }
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype !== Object.prototype && prototype !== null) throw unsupported(value.constructor, path);
  return convertEntries(Object.entries(value), path, above);
}

function convertEntries(entries: [string, unknown][], path: string, above: Set<object>): PlainValue {
  return Object.fromEntries(
    entries
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, convert(item, path ? `${path}.${key}` : key, above)]),
  );
}
