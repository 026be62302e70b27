import { EngineError } from '@engine/core';
import { getFileBackend, type BackendOptions } from '../storage/file-backend.js';
import { fileFormat } from './file-format.js';
import './array-formats.js';
import './safetensors-format.js';
import './text-formats.js';

export interface FormatOptions {
  /** Extension of the format (`json`); taken from the file name unless given. */
  format?: string | undefined;
  /** Which storage, and its options; chosen by the path's prefix unless given. */
  backendOptions?: BackendOptions | undefined;
}

/**
 * Reads a structured file: `.json`, `.yaml`, `.yml`, `.txt`, `.log`, `.csv` (rows of strings), `.safetensors`, `.npy`,
 * `.npz`, `.pth`, `.pt`, and what `registerFileFormat` added.
 * @throws E_FORMAT_UNKNOWN, E_FORMAT_PARSE (naming the file), E_IO_NOT_FOUND
 */
export async function load(file: string, options: FormatOptions = {}): Promise<unknown> {
  const format = fileFormat(options.format ?? file);
  const backend = getFileBackend(file, options.backendOptions, true);
  if (format.binary) return format.parse(await backend.get(file), file);
  const text = await backend.getText(file);
  try {
    return format.parse(text);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'E_FORMAT_PARSE') throw error;
    throw new EngineError({
      ...error.parts,
      what: `${error.parts.what.replace('The text', `'${file}'`)}`,
      received: file,
    });
  }
}

/**
 * Writes a value to a structured file, as a whole or not at all; the format is that of the extension.
 * @throws E_FORMAT_UNKNOWN, E_FORMAT_VALUE, E_IO_…
 */
export async function dump(value: unknown, file: string, options: FormatOptions = {}): Promise<void> {
  const format = fileFormat(options.format ?? file);
  const backend = getFileBackend(file, options.backendOptions, true);
  if (format.binary) await backend.put(format.stringify(value), file);
  else await backend.putText(format.stringify(value), file);
}

/** A value as text (bytes for a binary format) of a format given by extension. */
export function dumpTo(format: string, value: unknown): string | Uint8Array {
  return fileFormat(format).stringify(value);
}

export interface LineOptions {
  /** Put before every line. */
  prefix?: string | undefined;
  /** Lines to skip at the beginning. Default 0. */
  offset?: number | undefined;
  /** At most so many lines; 0 is all. Default 0. */
  maxNum?: number | undefined;
  encoding?: BufferEncoding | undefined;
  backendOptions?: BackendOptions | undefined;
}

/** The lines of a text file without their ends. */
export async function listFromFile(file: string, options: LineOptions = {}): Promise<string[]> {
  const { prefix = '', offset = 0, maxNum = 0, encoding } = options;
  const text = await getFileBackend(file, options.backendOptions, true).getText(file, encoding);
  const lines = text.split(/\r?\n/);
  if (lines[lines.length - 1] === '') lines.pop();
  return lines.slice(offset, maxNum > 0 ? offset + maxNum : undefined).map((line) => prefix + line);
}

/**
 * A text file of columns, the first being the key: two columns give a string, more a list.
 * @throws E_FORMAT_PARSE for a line with one column
 */
export async function dictFromFile(
  file: string,
  options: Pick<LineOptions, 'encoding' | 'backendOptions'> = {},
): Promise<Record<string, string | string[]>> {
  const entries = (await listFromFile(file, options)).map((line, index): [string, string | string[]] => {
    const [key, ...values] = line.trim().split(/\s+/);
    if (values.length === 0) {
      throw new EngineError({
        code: 'E_FORMAT_PARSE',
        what: `'${file}' has a line with fewer than two columns.`,
        received: `${file}:${index + 1}`,
        expected: 'a key and at least one value, separated by blanks',
      });
    }
    return [key!, values.length === 1 ? values[0]! : values];
  });
  return Object.fromEntries(entries);
}
