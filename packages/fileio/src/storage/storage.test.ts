import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { STORAGE_BACKENDS } from '@engine/core';
import { FaultyFileSystem, storageBackendSuite, tempFolder } from '@engine/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  BaseStorageBackend,
  clearFileBackends,
  copyfile,
  copyfileFromLocal,
  copyfileToLocal,
  copyIfSymlinkFails,
  copytree,
  copytreeFromLocal,
  copytreeToLocal,
  exists,
  generatePresignedUrl,
  get,
  getFileBackend,
  getLocalPath,
  getText,
  isdir,
  isfile,
  joinPath,
  listDirOrFile,
  LocalBackend,
  MemoryBackend,
  parseUriPrefix,
  put,
  putText,
  remove,
  rmtree,
  type LocalPath,
} from '../index.js';

storageBackendSuite({
  name: 'LocalBackend',
  create: async () => ({ backend: new LocalBackend(), root: await tempFolder() }),
});

storageBackendSuite({
  name: 'MemoryBackend',
  create: () => Promise.resolve({ backend: new MemoryBackend(), root: 'memory://test' }),
});

afterEach(clearFileBackends);

describe('LocalBackend', () => {
  it('reads and writes file:// addresses', async () => {
    const path = join(await tempFolder(), 'with blank.txt');
    await putText('x', pathToFileURL(path).href);
    expect(await readFile(path, 'utf8')).toBe('x');
    expect(await getText(pathToFileURL(path).href)).toBe('x');
  });

  it('writes atomically', async () => {
    const path = join(await tempFolder(), 'file');
    await writeFile(path, 'old');
    const backend = new LocalBackend({}, new FaultyFileSystem({ capacity: 2 }));
    await expect(backend.putText('new content', path)).rejects.toMatchObject({ code: 'E_IO_NO_SPACE' });
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('links where links exist', async () => {
    const dir = await tempFolder();
    const backend = new LocalBackend();
    await backend.putText('x', join(dir, 'file'));
    expect(await backend.copyIfSymlinkFails(join(dir, 'file'), join(dir, 'link'))).toBe(true);
    expect((await stat(join(dir, 'link'))).isFile()).toBe(true);
    // The name is taken now: the fallback copies.
    await mkdir(join(dir, 'tree'));
    expect(await backend.copyIfSymlinkFails(join(dir, 'file'), join(dir, 'tree'))).toBe(false);
    expect(await readFile(join(dir, 'tree', 'file'), 'utf8')).toBe('x');
  });

  it('decodes other encodings', async () => {
    const path = join(await tempFolder(), 'latin');
    await writeFile(path, 'Straße', 'latin1');
    expect(await new LocalBackend().getText(path, 'latin1')).toBe('Straße');
  });
});

describe('MemoryBackend', () => {
  it('cannot have a file inside a file', async () => {
    const backend = new MemoryBackend();
    await backend.putText('x', 'memory://a');
    await expect(backend.putText('y', 'memory://a/b')).rejects.toMatchObject({ code: 'E_IO_NOT_DIRECTORY' });
  });

  it('does not hand out its own memory', async () => {
    const backend = new MemoryBackend();
    await backend.put(Uint8Array.of(1), 'memory://a');
    (await backend.get('memory://a'))[0] = 2;
    expect([...(await backend.get('memory://a'))]).toEqual([1]);
  });
});

describe('choosing a storage', () => {
  it.each([
    ['a/b.txt', ''],
    ['/a/b.txt', ''],
    ['C:\\a\\b', ''],
    ['s3://bucket/x', 's3'],
    ['cluster:s3://bucket/x', 's3'],
    ['memory://x', 'memory'],
  ])('%s has the prefix %j', (uri, prefix) => {
    expect(parseUriPrefix(uri)).toBe(prefix);
  });

  it('goes by prefix, and by name before that', () => {
    expect(getFileBackend('a/b')).toBeInstanceOf(LocalBackend);
    expect(getFileBackend('memory://a')).toBeInstanceOf(MemoryBackend);
    const options = { backend: 'MemoryBackend' };
    expect(getFileBackend('a/b', options)).toBeInstanceOf(MemoryBackend);
    expect(getFileBackend(undefined, options)).toBeInstanceOf(MemoryBackend);
    expect(options).toEqual({ backend: 'MemoryBackend' });
  });

  it('makes one per name and options when shared, else a new one', () => {
    expect(getFileBackend('memory://a', {}, true)).toBe(getFileBackend('memory://b', {}, true));
    expect(getFileBackend('memory://a', { store: 'x' }, true)).not.toBe(
      getFileBackend('memory://a', {}, true),
    );
    expect(getFileBackend('memory://a')).not.toBe(getFileBackend('memory://a'));
  });

  it('has house errors', () => {
    expect(() => getFileBackend(undefined)).toThrow(/E_STORAGE_PATH/);
    expect(() => parseUriPrefix(1 as unknown as string)).toThrow(/E_STORAGE_PATH/);
    expect(() => getFileBackend('memry://a')).toThrow(/E_STORAGE_PREFIX[^]*did you mean 'memory'/);
    expect(() => getFileBackend('s3://bucket/a')).toThrow(/pnpm add @engine\/storage-s3/);
    expect(() => getFileBackend('a', { backend: 'LocalBackEnd2' })).toThrow(/did you mean 'LocalBackend'/);
    expect(() => getFileBackend('memory://a', { stor: 'x' })).toThrow(/did you mean 'store'/);
  });

  it('finds a storage that somebody else registered, which may do little', async () => {
    class ReadOnly extends BaseStorageBackend {
      static readonly prefixes = ['readonly'];
      readonly name = 'ReadOnly';
      get(path: string): Promise<Uint8Array> {
        return Promise.resolve(new TextEncoder().encode(path));
      }
      getLocalPath(path: string): Promise<LocalPath> {
        return Promise.resolve({ path, release: () => Promise.resolve() });
      }
    }
    STORAGE_BACKENDS.add('ReadOnly', ReadOnly);
    try {
      expect(await getText('readonly://x')).toBe('readonly://x');
      await expect(put(new Uint8Array(), 'readonly://x')).rejects.toMatchObject({
        code: 'E_STORAGE_UNSUPPORTED',
      });
      expect(() => listDirOrFile('readonly://x')).toThrow(/E_STORAGE_UNSUPPORTED/);
      STORAGE_BACKENDS.add('Second', class extends ReadOnly {});
      expect(() => getFileBackend('readonly://x')).toThrow(/E_STORAGE_PREFIX_TAKEN/);
    } finally {
      STORAGE_BACKENDS.remove('ReadOnly');
      STORAGE_BACKENDS.remove('Second');
    }
  });
});

describe('file functions', () => {
  it('share one memory storage', async () => {
    const file = joinPath('memory://run/', '/a.txt');
    expect(file).toBe('memory://run/a.txt');
    await putText('x', file);
    expect(await exists(file)).toBe(true);
    expect(new TextDecoder().decode(await get(file))).toBe('x');
    await remove(file);
    expect(await exists(file)).toBe(false);
  });

  it('choose the storage by the side that is not on this machine', async () => {
    const local = await tempFolder();
    await mkdir(join(local, 'up', 'deep'), { recursive: true });
    await writeFile(join(local, 'up', 'deep', 'a.txt'), 'content');
    const one = join(local, 'up', 'deep', 'a.txt');
    expect(await copyfileFromLocal(one, 'memory://one.txt')).toBe('memory://one.txt');
    await copytreeFromLocal(join(local, 'up'), 'memory://tree');
    expect(await copyfile('memory://one.txt', 'memory://tree')).toBe('memory://tree/one.txt');
    await copytree('memory://tree', 'memory://copy');
    await copyfileToLocal('memory://copy/one.txt', join(local, 'back.txt'));
    await copytreeToLocal('memory://copy', join(local, 'down'));
    expect(await readFile(join(local, 'back.txt'), 'utf8')).toBe('content');
    expect(await readFile(join(local, 'down', 'deep', 'a.txt'), 'utf8')).toBe('content');
    expect([await isdir('memory://copy/deep'), await isfile('memory://copy/deep')]).toEqual([true, false]);
    const names: string[] = [];
    for await (const name of listDirOrFile('memory://copy', { recursive: true })) names.push(name);
    expect(names.sort()).toEqual(['deep', 'deep/a.txt', 'one.txt']);
    expect(await copyIfSymlinkFails('memory://one.txt', 'memory://link.txt')).toBe(false);
    const held = await getLocalPath('memory://link.txt');
    expect(await readFile(held.path, 'utf8')).toBe('content');
    await held.release();
    await rmtree('memory://copy');
    expect(await exists('memory://copy')).toBe(false);
    await expect(generatePresignedUrl('memory://one.txt')).rejects.toMatchObject({
      code: 'E_STORAGE_UNSUPPORTED',
    });
  });

  it('come to an end on keys that are no paths, such as those with two slashes', async () => {
    class Odd extends MemoryBackend {
      protected override async *listKeys(): AsyncGenerator<string> {
        yield* await Promise.resolve(['a//b', 'a/c/d', 'a/e/']);
      }
    }
    const names: string[] = [];
    for await (const name of new Odd().listDirOrFile('memory://a', { recursive: true })) names.push(name);
    expect(names).toContain('c/d');
  });
});
