import { configOf } from '../build.js';
import { EngineError } from '../errors.js';
import { lazyModule } from '../lazy-module.js';
import { ROOT_REGISTRIES } from '../registries.js';
import { copyValues, type ConfigValues } from './values.js';

const yaml = lazyModule<typeof import('yaml')>(import.meta.url, 'yaml');

export type DumpFormat = 'yaml' | 'json' | 'ts';

/** File extension → format of a dump. */
export const DUMP_FORMATS: Readonly<Record<string, DumpFormat>> = {
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.json': 'json',
  '.json5': 'json',
  '.ts': 'ts',
  '.mts': 'ts',
  '.js': 'ts',
  '.mjs': 'ts',
};

/**
 * A config as text that reads back equal. Classes and functions are written by the name they are registered under, or
 * their own; built parts by the config they were built from; other instances as `<ClassName>`.
 * @throws E_CONFIG_DUMP for NaN or an infinity in JSON, which has no word for them
 */
export function dumpValues(values: ConfigValues, format: DumpFormat): string {
  const plain = copyValues(values, { leaf: (value, path) => plainLeaf(value, path) });
  if (format === 'yaml') return yaml().stringify(plain, { lineWidth: 0, aliasDuplicateObjects: false });
  if (format === 'json') return `${literal(plain, '  ', '', true, '')}\n`;
  return `export default ${literal(plain, '  ', '', false, '')};\n`;
}

function plainLeaf(value: unknown, path: string): unknown {
  if (typeof value === 'function') return registeredName(value) ?? (value.name || '<function>');
  if (typeof value === 'bigint' || typeof value === 'symbol') {
    throw new EngineError({
      code: 'E_CONFIG_DUMP',
      what: `A ${typeof value} cannot be written to a config file.`,
      received: `${path} = ${String(value)}`,
      expected: 'strings, numbers, booleans, null, lists, mappings, classes and functions',
      exitCode: 2,
    });
  }
  if (typeof value !== 'object' || value === null) return value;
  const config = configOf(value);
  if (config) return copyValues(config, { leaf: plainLeaf });
  return `<${(value.constructor as { name?: string } | undefined)?.name ?? 'object'}>`;
}

/** The name under which a config can ask for a class or function, with its scope unless it is the engine's. */
function registeredName(entry: unknown): string | undefined {
  for (const registry of Object.values(ROOT_REGISTRIES)) {
    for (const row of registry.list()) {
      if (row.entry === entry) return row.scope === 'engine' ? row.name : `${row.scope}.${row.name}`;
    }
  }
  return undefined;
}

/** A JavaScript literal; JSON when `json`. Short lists of single values stay on one line. */
function literal(value: unknown, step: string, indent: string, json: boolean, path: string): string {
  if (typeof value === 'number') {
    if (json && !Number.isFinite(value)) {
      throw new EngineError({
        code: 'E_CONFIG_DUMP',
        what: 'JSON cannot hold this number.',
        received: `${path} = ${value}`,
        expected: 'a finite number',
        fix: 'dump as YAML or TypeScript instead',
        exitCode: 2,
      });
    }
    return Object.is(value, -0) ? '-0' : String(value);
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = indent + step;
  const at = (key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);
  if (Array.isArray(value)) {
    const items = value.map((item, i) => literal(item, step, inner, json, at(i)));
    const line = `[${items.join(', ')}]`;
    if (indent.length + line.length <= 100 && !value.some((item) => typeof item === 'object' && item))
      return line;
    return `[\n${items.map((item) => `${inner}${item}`).join(',\n')}${json ? '' : ','}\n${indent}]`;
  }
  const members = Object.entries(value).map(([key, member]) => {
    const name = !json && /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
    return `${inner}${name}: ${literal(member, step, inner, json, at(key))}`;
  });
  if (members.length === 0) return '{}';
  return `{\n${members.join(',\n')}${json ? '' : ','}\n${indent}}`;
}
