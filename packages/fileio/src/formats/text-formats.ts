import { EngineError, lazyModule, show } from '@engine/core';
import { registerFileFormat } from './file-format.js';
import { toPlainValue, type PlainValue } from './plain-value.js';

const yaml = lazyModule<typeof import('yaml')>(import.meta.url, 'yaml');

function parseError(format: string, cause: unknown): EngineError {
  return new EngineError({
    code: 'E_FORMAT_PARSE',
    what: `The text is not ${format}: ${(cause as Error).message.split('\n')[0]}`,
    cause,
  });
}

/** JSON has no name for numbers that are not finite; they are written as the strings `NaN`, `Infinity`, `-Infinity`. */
function finite(value: PlainValue): PlainValue {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(finite);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, finite(item)]));
  }
  return value;
}

/**
 * JSON of a value (see {@link toPlainValue}); numbers that are not finite become the strings `NaN`, `Infinity`,
 * `-Infinity`.
 * @param indent spaces per level; one line when absent
 */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(finite(toPlainValue(value)), undefined, indent);
}

/**
 * One line of JSON with the separators of Python's `json.dumps`: `{"map": 0.7, "step": 0}`. Readers of the log files of
 * the Python world compare such lines as text. Not finite numbers as in {@link toJson}.
 */
export function toPythonJson(value: unknown): string {
  const flat = flatJson(value);
  if (flat !== undefined) return flat;
  const write = (item: PlainValue): string => {
    if (Array.isArray(item)) return `[${item.map(write).join(', ')}]`;
    if (typeof item === 'object' && item !== null) {
      return `{${Object.entries(item)
        .map(([key, inner]) => `${JSON.stringify(key)}: ${write(inner)}`)
        .join(', ')}}`;
    }
    return JSON.stringify(item);
  };
  return write(finite(toPlainValue(value)));
}

/** The common case, a plain object of finite numbers (a row of a training log), without walking it twice. */
function flatJson(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return undefined;
  let text = '';
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item !== 'number' || !Number.isFinite(item)) return undefined;
    // Adding 0 writes -0 as JSON does.
    text += `${text === '' ? '' : ', '}${JSON.stringify(key)}: ${item + 0}`;
  }
  return `{${text}}`;
}

registerFileFormat({
  name: 'json',
  extensions: ['json'],
  parse: (text) => {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw parseError('JSON', error);
    }
  },
  stringify: (value) => toJson(value),
});

registerFileFormat({
  name: 'yaml',
  extensions: ['yaml', 'yml'],
  parse: (text) => {
    try {
      return yaml().parse(text) as unknown;
    } catch (error) {
      throw parseError('YAML', error);
    }
  },
  stringify: (value) => yaml().stringify(toPlainValue(value), { lineWidth: 0, aliasDuplicateObjects: false }),
});

registerFileFormat({
  name: 'text',
  extensions: ['txt', 'log'],
  parse: (text) => text,
  stringify: (value) => {
    if (typeof value === 'string') return value;
    throw new EngineError({
      code: 'E_FORMAT_VALUE',
      what: 'Only a string can be written to a text file.',
      received: show(value),
      fix: 'use a .json or .yaml file',
    });
  },
});
