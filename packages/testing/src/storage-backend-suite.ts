import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isEngineError } from '@engine/core';
import type { StorageBackend } from '@engine/fileio';
import { describe, expect, it } from 'vitest';
import { tempFolder } from './temp-folder.js';

export interface StorageBackendSuiteOptions {
  /** Name of the class, for the test's title. */
  name: string;
  /** Makes a backend and says where in it a test may write: an empty place, such as `memory://test`. */
  create(): Promise<{ backend: StorageBackend; root: string }>;
}

/** The code of the house error that a promise rejects with. */
async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return isEngineError(error) ? error.code : `not a house error: ${String(error)}`;
  }
}

async function collect(items: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const item of items) all.push(item);
  return all.sort();
}

export interface StorageReaderSuiteOptions {
  /** Name of the class, for the test's title. */
  name: string;
  /**
   * Makes a backend that holds these files, and says below which path: `''` where names are whole paths.
   */
  create(files: Record<string, Uint8Array>): Promise<{ backend: StorageBackend; root: string }>;
  /** Operations that must be refused with E_STORAGE_UNSUPPORTED. */
  unsupported: readonly ('put' | 'remove' | 'rmtree' | 'listDirOrFile' | 'generatePresignedUrl')[];
}

/** What every storage must do, those too that can only read. Call it at the top level of a test file. */
export function storageReaderSuite({ name, create, unsupported }: StorageReaderSuiteOptions): void {
  describe(`${name} as a storage to read from`, () => {
    const bytes = Uint8Array.from({ length: 3000 }, (_, i) => (i * 31) & 255);
    const files = {
      'a.bin': bytes,
      'b.txt': new TextEncoder().encode('Straße 東京\n'),
      none: new Uint8Array(),
    };

    it('gives bytes, text and parts', async () => {
      const { backend, root } = await create(files);
      expect(await backend.get(`${root}a.bin`)).toEqual(bytes);
      expect(await backend.get(`${root}none`)).toHaveLength(0);
      expect(await backend.getText(`${root}b.txt`)).toBe('Straße 東京\n');
      const parts = [
        [10, 20],
        [0, undefined],
        [2990, 4000],
        [2999, undefined],
        [3000, 3010],
        [4000, undefined],
      ] as const;
      for (const [begin, end] of parts) {
        const part = await backend.get(`${root}a.bin`, { range: { begin, end } });
        expect(part, `${begin} to ${end}`).toEqual(bytes.slice(begin, end));
      }
      // What is handed out is the caller's.
      (await backend.get(`${root}a.bin`)).fill(0);
      expect(await backend.get(`${root}a.bin`)).toEqual(bytes);
    });

    it('says what is there', async () => {
      const { backend, root } = await create(files);
      expect(await backend.exists(`${root}a.bin`)).toBe(true);
      expect(await backend.isfile(`${root}none`)).toBe(true);
      expect(await backend.exists(`${root}other`)).toBe(false);
      expect(await backend.isfile(`${root}other`)).toBe(false);
      expect(await codeOf(backend.get(`${root}other`))).toBe('E_IO_NOT_FOUND');
    });

    it('lends a file of this machine', async () => {
      const { backend, root } = await create(files);
      const held = await backend.getLocalPath(`${root}a.bin`);
      expect(new Uint8Array(await readFile(held.path))).toEqual(bytes);
      expect(held.path).toMatch(/\.bin$/);
      await held.release();
    });

    it('reads many at once', async () => {
      const { backend, root } = await create(files);
      const all = await Promise.all(Array.from({ length: 20 }, () => backend.get(`${root}a.bin`)));
      for (const one of all) expect(one).toEqual(bytes);
    });

    it.skipIf(unsupported.length === 0)('refuses what it cannot do', async () => {
      const { backend, root } = await create(files);
      const calls = {
        put: () => backend.put(bytes, `${root}a.bin`),
        remove: () => backend.remove(`${root}a.bin`),
        rmtree: () => backend.rmtree(`${root}x`),
        listDirOrFile: () => collect(backend.listDirOrFile(root)),
        generatePresignedUrl: () => backend.generatePresignedUrl(`${root}a.bin`),
      };
      for (const operation of unsupported) {
        const call = async (): Promise<unknown> => calls[operation]();
        expect(await codeOf(call()), operation).toBe('E_STORAGE_UNSUPPORTED');
      }
    });
  });
}

/** What every storage that can read and write must do. Call it at the top level of a test file. */
export function storageBackendSuite({ name, create }: StorageBackendSuiteOptions): void {
  storageReaderSuite({
    name,
    unsupported: [],
    create: async (files) => {
      const { backend, root } = await create();
      for (const [file, data] of Object.entries(files)) await backend.put(data, backend.joinPath(root, file));
      return { backend, root: backend.joinPath(root, 'x').slice(0, -1) };
    },
  });
  describe(`${name} as a storage`, () => {
    it('gives back bytes and text, folders being made on the way', async () => {
      const { backend, root } = await create();
      const data = Uint8Array.from([0, 255, 10, 13]);
      const file = backend.joinPath(root, 'a', 'b', 'data.bin');
      await backend.put(data, file);
      data.fill(1);
      expect([...(await backend.get(file))]).toEqual([0, 255, 10, 13]);
      await backend.putText('Straße 東京\n', backend.joinPath(root, 'text.txt'));
      expect(await backend.getText(backend.joinPath(root, 'text.txt'))).toBe('Straße 東京\n');
    });

    it('replaces a file', async () => {
      const { backend, root } = await create();
      const file = backend.joinPath(root, 'x');
      await backend.putText('a long first content', file);
      await backend.putText('second', file);
      expect(await backend.getText(file)).toBe('second');
    });

    it('knows files from folders', async () => {
      const { backend, root } = await create();
      const file = backend.joinPath(root, 'dir', 'file');
      await backend.putText('x', file);
      const answers = async (path: string): Promise<boolean[]> => [
        await backend.exists(path),
        await backend.isfile(path),
        await backend.isdir(path),
      ];
      expect(await answers(file)).toEqual([true, true, false]);
      expect(await answers(backend.joinPath(root, 'dir'))).toEqual([true, false, true]);
      expect(await answers(backend.joinPath(root, 'none'))).toEqual([false, false, false]);
    });

    it('has house errors for what is missing or of the wrong kind', async () => {
      const { backend, root } = await create();
      const dir = backend.joinPath(root, 'dir');
      await backend.putText('x', backend.joinPath(dir, 'file'));
      expect(await codeOf(backend.get(backend.joinPath(root, 'none')))).toBe('E_IO_NOT_FOUND');
      expect(await codeOf(backend.get(dir))).toBe('E_IO_IS_DIRECTORY');
      expect(await codeOf(backend.remove(backend.joinPath(root, 'none')))).toBe('E_IO_NOT_FOUND');
      expect(await codeOf(backend.remove(dir))).toBe('E_IO_IS_DIRECTORY');
      expect(await codeOf(backend.rmtree(backend.joinPath(root, 'none')))).toBe('E_IO_NOT_FOUND');
    });

    it('copies a file, also into a folder, but not onto itself', async () => {
      const { backend, root } = await create();
      const file = backend.joinPath(root, 'file');
      await backend.putText('x', file);
      await backend.putText('y', backend.joinPath(root, 'dir', 'other'));
      const copy = backend.joinPath(root, 'copy');
      expect(await backend.copyfile(file, copy)).toBe(copy);
      const inside = backend.joinPath(root, 'dir', 'file');
      expect(await backend.copyfile(file, backend.joinPath(root, 'dir'))).toBe(inside);
      expect(await backend.getText(copy)).toBe('x');
      expect(await backend.getText(inside)).toBe('x');
      expect(await codeOf(backend.copyfile(file, file))).toBe('E_IO_EXISTS');
    });

    it('copies and removes a folder', async () => {
      const { backend, root } = await create();
      const source = backend.joinPath(root, 'source');
      await backend.putText('1', backend.joinPath(source, 'a'));
      await backend.putText('2', backend.joinPath(source, 'deep', 'b'));
      const target = backend.joinPath(root, 'target');
      await backend.copytree(source, target);
      expect(await backend.getText(backend.joinPath(target, 'deep', 'b'))).toBe('2');
      expect(await codeOf(backend.copytree(source, target))).toBe('E_IO_EXISTS');
      await backend.rmtree(source);
      expect(await backend.exists(source)).toBe(false);
      expect(await backend.exists(target)).toBe(true);
    });

    it('renames files and folders', async () => {
      const { backend, root } = await create();
      await backend.putText('1', backend.joinPath(root, 'dir', 'a'));
      await backend.rename(backend.joinPath(root, 'dir', 'a'), backend.joinPath(root, 'dir', 'b'));
      await backend.rename(backend.joinPath(root, 'dir'), backend.joinPath(root, 'moved'));
      expect(await backend.getText(backend.joinPath(root, 'moved', 'b'))).toBe('1');
      expect(await backend.exists(backend.joinPath(root, 'dir'))).toBe(false);
    });

    it('exchanges files and folders with this machine', async () => {
      const { backend, root } = await create();
      const local = await tempFolder();
      await mkdir(join(local, 'up', 'deep'), { recursive: true });
      await writeFile(join(local, 'up', 'deep', 'file'), 'content');
      await backend.copyfileFromLocal(join(local, 'up', 'deep', 'file'), backend.joinPath(root, 'one'));
      await backend.copytreeFromLocal(join(local, 'up'), backend.joinPath(root, 'tree'));
      expect(await backend.getText(backend.joinPath(root, 'one'))).toBe('content');
      await backend.copyfileToLocal(backend.joinPath(root, 'one'), join(local, 'back'));
      await backend.copytreeToLocal(backend.joinPath(root, 'tree'), join(local, 'down'));
      expect(await readFile(join(local, 'back'), 'utf8')).toBe('content');
      expect(await readFile(join(local, 'down', 'deep', 'file'), 'utf8')).toBe('content');
      const held = await backend.getLocalPath(backend.joinPath(root, 'one'));
      expect(await readFile(held.path, 'utf8')).toBe('content');
      await held.release();
    });

    it('lists what is asked for, hidden names left out', async () => {
      const { backend, root } = await create();
      for (const file of ['a.txt', 'b.json', 'dir/c.txt', 'dir/deep/d.json', '.hidden', '.git/e.txt']) {
        await backend.putText('x', backend.joinPath(root, ...file.split('/')));
      }
      expect(await collect(backend.listDirOrFile(root))).toEqual(['a.txt', 'b.json', 'dir']);
      const files = { listDir: false, recursive: true };
      expect(await collect(backend.listDirOrFile(root, files))).toEqual([
        'a.txt',
        'b.json',
        'dir/c.txt',
        'dir/deep/d.json',
      ]);
      expect(await collect(backend.listDirOrFile(root, { ...files, suffix: '.txt' }))).toEqual([
        'a.txt',
        'dir/c.txt',
      ]);
      expect(
        await collect(backend.listDirOrFile(root, { ...files, suffix: ['.txt', '.json'] })),
      ).toHaveLength(4);
      const folders = { listFile: false, recursive: true };
      expect(await collect(backend.listDirOrFile(root, folders))).toEqual(['dir', 'dir/deep']);
      const both = (): Promise<string[]> => collect(backend.listDirOrFile(root, { suffix: '.txt' }));
      expect(await codeOf(Promise.resolve().then(both))).toBe('E_CONFIG_VALUE');
    });

    it('links or copies', async () => {
      const { backend, root } = await create();
      const file = backend.joinPath(root, 'file');
      await backend.putText('x', file);
      const linked = await backend.copyIfSymlinkFails(file, backend.joinPath(root, 'link'));
      expect(typeof linked).toBe('boolean');
      expect(await backend.getText(backend.joinPath(root, 'link'))).toBe('x');
    });

    it('joins with one slash', async () => {
      const { backend, root } = await create();
      expect(backend.joinPath(`${root}/`, 'a', 'b')).toBe(backend.joinPath(root, 'a', 'b'));
      expect(backend.joinPath(root, 'a/', '/b')).toBe(backend.joinPath(root, 'a', 'b'));
    });
  });
}
