import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder with the given files that is removed when the test ends. */
export function testFolder(files: Readonly<Record<string, string>>): (...name: string[]) => string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'engine-core-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return (...name) => join(root, ...name);
}
