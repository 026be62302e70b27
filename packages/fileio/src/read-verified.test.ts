import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { plainBytes } from './bytes.js';
import { readVerified, writeDirectoryAtomically } from './index.js';

const home = mkdtempSync(join(tmpdir(), 'read-verified-'));
afterAll(() => rmSync(home, { recursive: true }));

const NAMES = ['a.bin', 'b.bin', 'c.bin', 'small.json'];
const content = (i: number): Uint8Array => new Uint8Array(300_000 + i).map((_, at) => (at * (i + 3)) >> 2);

async function folder(name: string): Promise<string> {
  const path = join(home, name);
  await writeDirectoryAtomically(path, async (dir) => {
    for (const [i, file] of NAMES.entries()) await dir.write(file, i < 3 ? content(i) : '{}');
  });
  return path;
}

describe.each([
  ['in this thread', Infinity],
  ['with a thread that hashes', 100_000],
])('files read and checked %s', (where, threadBytes) => {
  it('are what was written', async () => {
    const { files, problems } = await readVerified(await folder(where), { threadBytes });
    expect(problems).toEqual([]);
    expect([...files.keys()].sort()).toEqual(NAMES);
    const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    for (const i of [0, 1, 2]) expect(digest(files.get(NAMES[i]!)!)).toBe(digest(content(i)));
  });

  it('are refused one by one when a bit has changed or the end is missing', async () => {
    for (const damaged of NAMES.slice(0, 3)) {
      const path = await folder(`${where}-damaged`);
      const bytes = await readFile(join(path, damaged));
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(join(path, damaged), plainBytes(bytes));
      const changed = await readVerified(path, { threadBytes });
      expect(changed.problems).toEqual([`${damaged} has another sha256 than when it was written`]);
      expect([...changed.files.keys()].sort()).toEqual(NAMES.filter((name) => name !== damaged));
      truncateSync(join(path, damaged), 1000);
      const cut = await readVerified(path, { threadBytes });
      expect(cut.problems).toHaveLength(1);
      expect(cut.problems[0]).toContain(damaged);
    }
  });
});
