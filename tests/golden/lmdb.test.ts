import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { clearFileBackends, getText, LmdbBackend } from '@engine/fileio';
import { storageReaderSuite, tempFolder } from '@engine/testing';
import { describe, expect, it } from 'vitest';
import { goldenPath, readGolden } from './golden.js';

interface Case {
  /** Levels of the tree. */
  depth: number;
  /** Bytes of each key's value. */
  lengths: Record<string, number>;
}

const cases = readGolden<Record<string, Case>>('lmdb', 'lmdb.json');

function valueOf(key: string, length: number): Uint8Array {
  const digest = createHash('sha256').update(key).digest();
  return Uint8Array.from({ length }, (_, i) => digest[i % digest.length]!);
}

async function unpack(name: string): Promise<string> {
  const dbPath = join(await tempFolder(), 'data.mdb');
  const packed = new Uint8Array(await readFile(goldenPath('lmdb', `${name}.mdb.gz`)));
  await writeFile(dbPath, new Uint8Array(gunzipSync(packed)));
  return dbPath;
}

storageReaderSuite({
  name: 'LmdbBackend',
  unsupported: ['put', 'remove', 'generatePresignedUrl'],
  create: async () => ({ backend: new LmdbBackend({ dbPath: await unpack('suite') }), root: 'lmdb://' }),
});

it('is chosen by prefix or name, and has house errors', async () => {
  const dbPath = await unpack('suite');
  expect(await getText('lmdb://b.txt', 'utf-8', { dbPath })).toBe('Straße 東京\n');
  expect(await getText('b.txt', 'utf-8', { backend: 'LmdbBackend', dbPath })).toBe('Straße 東京\n');
  clearFileBackends();
  // A folder is what Python's lmdb makes.
  expect(await new LmdbBackend({ dbPath: dirname(dbPath) }).exists('none')).toBe(true);
  const missing = new LmdbBackend({ dbPath: `${dbPath}.none` });
  await expect(missing.get('x')).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND' });
  const text = new LmdbBackend({ dbPath: goldenPath('lmdb', 'lmdb.json') });
  await expect(text.get('x')).rejects.toThrow(/E_LMDB_FORMAT[^]*LMDB 0\.9/);
  expect(() => new LmdbBackend({} as never)).toThrow(/LmdbBackend\.dbPath/);
  expect(() => new LmdbBackend({ dbPath, db_path: 'x' } as never)).toThrow(/did you mean 'dbPath'/);
});

describe('databases that LMDB has written', () => {
  it('are of every depth', () => {
    expect(new Set(Object.values(cases).map(({ depth }) => depth))).toEqual(new Set([0, 1, 2, 3]));
  });

  it.each(Object.entries(cases))('%s', async (name, { lengths }) => {
    const backend = new LmdbBackend({ dbPath: await unpack(name) });
    const keys = Object.keys(lengths);
    for (const [i, key] of keys.entries()) {
      const value = valueOf(key, lengths[key]!);
      expect(await backend.get(key)).toEqual(value);
      if (i % 16 === 0) {
        const range = { begin: value.length >> 2, end: (value.length >> 1) + 1 };
        expect(await backend.get(key, { range })).toEqual(value.slice(range.begin, range.end));
      }
      for (const other of [`${key}!`, key.slice(0, -1), ` ${key}`])
        expect(await backend.isfile(other), other).toBe(Object.hasOwn(lengths, other));
    }
    // Folders are what stands before a slash.
    const start = 'a/';
    const files: string[] = [];
    if (keys.some((key) => key.startsWith(start))) {
      const listing = backend.listDirOrFile('a', { recursive: true, listDir: false });
      for await (const file of listing) files.push(start + file);
    }
    expect(files.sort()).toEqual(keys.filter((key) => key.startsWith(start)).sort());
    await backend.close();
  });

  it('are refused as a house error when damaged, whatever the damage', async () => {
    const dbPath = await unpack('deep');
    const { lengths } = cases['deep']!;
    const whole = new Uint8Array(await readFile(dbPath));
    const keys = Object.keys(lengths).filter((_, i) => i % 40 === 0);
    let seed = 7;
    const draw = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    let refused = 0;
    for (let round = 0; round < 60; round += 1) {
      const damaged = round % 6 === 0 ? whole.slice(0, draw(whole.length)) : whole.slice();
      for (let i = 0; i < 40; i += 1) {
        // Heads of pages, where it hurts.
        const at = 4096 * draw(damaged.length >> 12) + draw(round % 2 === 0 ? 160 : 24);
        if (at < damaged.length) damaged[at] = draw(256);
      }
      await writeFile(dbPath, damaged);
      const backend = new LmdbBackend({ dbPath });
      for (const key of keys) {
        const error = await backend.get(key).then(
          () => undefined,
          (reason: unknown) => reason as { code?: string },
        );
        if (error) expect(error.code).toMatch(/^E_(LMDB_FORMAT|IO_NOT_FOUND|IO_IS_DIRECTORY)$/);
        if (error?.code === 'E_LMDB_FORMAT') refused += 1;
      }
      await backend.close();
    }
    expect(refused).toBeGreaterThan(50);
  });
});
