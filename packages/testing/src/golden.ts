import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineError } from '@engine/core';
import { readSafetensors, type SafetensorsContent } from '@engine/fileio';

/**
 * The folder of golden files: `ENGINE_GOLDEN_DIR`, else `tests/golden` of this repository.
 * @throws E_GOLDEN_MISSING when there is none, as in a published copy of this package
 */
export function goldenDir(): string {
  const given = process.env['ENGINE_GOLDEN_DIR'];
  if (given !== undefined && given !== '') return given;
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const candidate = join(dir, 'tests', 'golden');
    if (existsSync(candidate)) return candidate;
    if (dir === dirname(dir)) break;
  }
  throw new EngineError({
    code: 'E_GOLDEN_MISSING',
    what: 'There is no folder with golden files.',
    fix: 'set ENGINE_GOLDEN_DIR to it',
  });
}

/** Path of a golden file: `goldenPath('config', 'expected.json')`. */
export function goldenPath(...parts: string[]): string {
  return join(goldenDir(), ...parts);
}

/** A golden file as JSON; the caller says its shape. `NaN` and `Infinity`, which Python writes bare, are read. */
export function readGolden<T = unknown>(...parts: string[]): T {
  const text = readFileSync(goldenPath(...parts), 'utf8');
  try {
    return JSON.parse(text) as T;
  } catch {
    return JSON.parse(quoteNotFinite(text), reviveNotFinite) as T;
  }
}

/** A golden safetensors file. */
export function readGoldenTensors(...parts: string[]): SafetensorsContent {
  const buffer = readFileSync(goldenPath(...parts));
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  return readSafetensors(bytes, { file: parts.join('/') });
}

const MARK = '\u0000number:';

/** Bare NaN and Infinity outside strings become marked strings. */
function quoteNotFinite(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (found) =>
    found.startsWith('"') ? found : JSON.stringify(MARK + found),
  );
}

function reviveNotFinite(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : value;
}
