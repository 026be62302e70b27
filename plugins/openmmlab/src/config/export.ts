import type { ConfigValues } from '@engine/core';
import { floatText } from '../python/decimal.js';
import { cyclicConfig, DEEPEST_VALUE } from '../python/errors.js';
import { repr } from '../python/text.js';
import {
  PyBuiltin,
  PyDict,
  PyFunction,
  PyIterator,
  PyLazy,
  PyList,
  PyModule,
  PyRange,
  PySet,
  PyTuple,
  PyType,
  type Origin,
  type Value,
} from '../python/values.js';

/** What a config is as plain data, and where its members were written. */
export interface Exported {
  values: ConfigValues;
  origins: Map<string, Origin>;
}

/** Whether a name at the top of a file is a means to write it and not part of what it says. */
export function isHelper(value: Value): boolean {
  return (
    value instanceof PyFunction ||
    value instanceof PyModule ||
    value instanceof PyBuiltin ||
    value instanceof PyType ||
    value instanceof PyIterator
  );
}

/**
 * The plain data of a config: tuples and sets become lists, ints numbers, imported names their dotted path, and keys
 * strings, as MMEngine writes them to JSON.
 */
export function exportConfig(config: PyDict): Exported {
  const origins = new Map<string, Origin>();
  const values = exportValue(config, '', origins, 0) as ConfigValues;
  return { values, origins };
}

function exportValue(value: Value, path: string, origins: Map<string, Origin>, depth: number): unknown {
  if (depth > DEEPEST_VALUE) throw cyclicConfig(path);
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof PyList || value instanceof PyTuple || value instanceof PySet) {
    const items = value instanceof PySet ? value.items() : value.items;
    return items.map((item, i) => exportValue(item, join(path, String(i)), origins, depth + 1));
  }
  if (value instanceof PyRange) {
    return Array.from({ length: Number(value.length) }, (_, i) =>
      Number(value.from + BigInt(i) * value.step),
    );
  }
  if (value instanceof PyDict) {
    const result: ConfigValues = {};
    for (const { key, value: member, origin } of value.items()) {
      const name = keyText(key);
      const inner = join(path, name);
      if (origin) origins.set(inner, origin);
      // A plain assignment to `__proto__` would be lost instead of being refused later.
      Object.defineProperty(result, name, {
        value: exportValue(member, inner, origins, depth + 1),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return result;
  }
  if (value instanceof PyLazy) return value.path;
  if (value instanceof PyType || value instanceof PyBuiltin) return value.name;
  return typeof value === 'object' && value !== null ? repr(value) : value;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** A key as Python's `json` writes it. */
function keyText(key: Value): string {
  if (typeof key === 'string') return key;
  if (key === null) return 'null';
  if (typeof key === 'boolean') return key ? 'true' : 'false';
  if (typeof key === 'number') return floatText(key);
  return key instanceof PyLazy ? key.path : repr(key);
}

/** The values of plain data, as when a Python config inherits from a YAML file. */
export function importValue(value: unknown): Value {
  if (Array.isArray(value)) return new PyList(value.map(importValue));
  if (typeof value === 'number')
    return Number.isInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (typeof value === 'object' && value !== null) {
    const dict = new PyDict(true);
    for (const [key, member] of Object.entries(value)) dict.set(key, importValue(member));
    return dict;
  }
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint' ? value : null;
}
