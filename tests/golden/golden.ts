import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { it } from 'vitest';

/** Folder of the golden files: `ENGINE_GOLDEN_DIR`, or this one. */
export const GOLDEN_DIR = process.env.ENGINE_GOLDEN_DIR
  ? resolve(process.env.ENGINE_GOLDEN_DIR)
  : dirname(fileURLToPath(import.meta.url));

/** Absolute path of a golden file: `goldenPath('config', 'child.yaml')`. */
export function goldenPath(...name: string[]): string {
  return join(GOLDEN_DIR, ...name);
}

/**
 * A golden JSON file, parsed. Python's NaN and Infinity, which are not JSON, are read too. A folder of other cases need not
 * have every file: what it lacks counts as a file without cases, and is reported as skipped.
 */
export function readGolden<T>(...name: string[]): T {
  if (process.env.ENGINE_GOLDEN_DIR && !existsSync(goldenPath(...name))) {
    it.skip(`${name.join('/')} is not in ${GOLDEN_DIR}`, () => {});
    return { cases: [] } as T;
  }
  const text = readFileSync(goldenPath(...name), 'utf8');
  try {
    return JSON.parse(text) as T;
  } catch {
    const quoted = text.replace(/(?<=[[:,\s])(-?Infinity|NaN)(?=[\],}\s])/g, '"@$1"');
    return JSON.parse(quoted, (_, value: unknown) =>
      typeof value === 'string' && /^@(?:-?Infinity|NaN)$/.test(value) ? Number(value.slice(1)) : value,
    ) as T;
  }
}
