import { createHash } from 'node:crypto';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '@engine/core';
import { FaultyFileSystem, tempFolder } from '@engine/testing';
import { describe, expect, it } from 'vitest';
import { concatBytes, plainBytes } from './bytes.js';
import {
  atomicWrite,
  nodeFileSystem,
  replaceSymlink,
  SMALL_PIECE,
  writeSynced,
  type FileSystem,
} from './index.js';

const OLD = 'old content';
const NEW = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);

async function attempt(path: string, fs: FileSystem): Promise<unknown> {
  try {
    await atomicWrite(path, NEW, { fs });
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('atomicWrite', () => {
  it('writes, makes folders, and gives size and sha256', async () => {
    const path = join(await tempFolder(), 'a', 'b', 'file');
    const written = await atomicWrite(path, NEW);
    expect(new Uint8Array(await readFile(path))).toEqual(NEW);
    expect(written).toEqual({ bytes: 5000, sha256: createHash('sha256').update(NEW).digest('hex') });
  });

  it('lets two pieces of memory make a file of any size, small pieces in between', async () => {
    const path = join(await tempFolder(), 'file');
    const sizes = [
      3 * SMALL_PIECE,
      7,
      SMALL_PIECE,
      SMALL_PIECE - 1,
      2 * SMALL_PIECE,
      900,
      5 * SMALL_PIECE,
      1,
    ];
    const large = [new Uint8Array(5 * SMALL_PIECE), new Uint8Array(5 * SMALL_PIECE)];
    const small = new Uint8Array(SMALL_PIECE);
    let turn = 0;
    const pieces = function* (): Generator<Uint8Array> {
      for (const [i, size] of [...sizes, ...sizes, ...sizes].entries()) {
        const memory = size < SMALL_PIECE ? small : large[(turn = 1 - turn)]!;
        yield memory.subarray(0, size).fill(i + 1);
      }
    };
    // The disk takes its time and looks at the bytes when it is done.
    const slow: FileSystem = {
      ...nodeFileSystem,
      create: async (name) => {
        const file = await nodeFileSystem.create(name);
        return {
          ...file,
          write: async (bytes) => {
            await new Promise((resolve) => setTimeout(resolve, 1));
            return file.write(bytes.subarray(0, 2 * SMALL_PIECE + 5));
          },
        };
      },
    };
    const { bytes, sha256 } = await writeSynced(slow, path, pieces());
    const expected = concatBytes(
      [...sizes, ...sizes, ...sizes].map((size, i) => new Uint8Array(size).fill(i + 1)),
    );
    const digest = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
    expect(digest(plainBytes(await readFile(path)))).toBe(digest(expected));
    expect({ bytes, sha256 }).toEqual({ bytes: expected.byteLength, sha256: digest(expected) });
  });

  it('fails where sending on to the device fails, since the system tells of that once', async () => {
    const path = join(await tempFolder(), 'file');
    let flushes = 0;
    const failing: FileSystem = {
      ...nodeFileSystem,
      create: async (name) => {
        const file = await nodeFileSystem.create(name);
        const flush = (): Promise<void> => {
          flushes++;
          return Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }));
        };
        return { ...file, flush };
      },
    };
    const piece = new Uint8Array(10 << 20);
    await expect(atomicWrite(path, [piece, piece, piece, piece], { fs: failing })).rejects.toThrow(
      'E_IO_DEVICE',
    );
    expect(flushes).toBe(1);
  });

  it('takes text, pieces and asynchronous pieces', async () => {
    const dir = await tempFolder();
    await atomicWrite(join(dir, 'text'), 'Straße');
    await atomicWrite(join(dir, 'pieces'), [NEW.subarray(0, 100), NEW.subarray(100)]);
    const later = (async function* () {
      yield NEW.subarray(0, 1);
      await Promise.resolve();
      yield NEW.subarray(1);
    })();
    const { bytes } = await atomicWrite(join(dir, 'later'), later);
    expect(bytes).toBe(5000);
    expect(await readFile(join(dir, 'text'), 'utf8')).toBe('Straße');
    expect(new Uint8Array(await readFile(join(dir, 'pieces')))).toEqual(NEW);
    expect(new Uint8Array(await readFile(join(dir, 'later')))).toEqual(NEW);
  });

  it('goes on after short writes', async () => {
    const path = join(await tempFolder(), 'file');
    await atomicWrite(path, NEW, { fs: new FaultyFileSystem({ shortWrites: 7 }) });
    expect(new Uint8Array(await readFile(path))).toEqual(NEW);
  });

  it.each([
    ['ENOSPC', { capacity: 1234 }, 'E_IO_NO_SPACE'],
    ['EIO on write', { faults: [{ operation: 'write', code: 'EIO' }] }, 'E_IO_DEVICE'],
    ['EIO on sync', { faults: [{ operation: 'sync', code: 'EIO' }] }, 'E_IO_DEVICE'],
    ['EIO on rename', { faults: [{ operation: 'rename', code: 'EIO' }] }, 'E_IO_DEVICE'],
    ['EIO on close', { faults: [{ operation: 'close', code: 'EIO' }] }, 'E_IO_DEVICE'],
    ['EACCES', { faults: [{ operation: 'create', code: 'EACCES' }] }, 'E_IO_PERMISSION'],
    ['EROFS', { faults: [{ operation: 'create', code: 'EROFS' }] }, 'E_IO_PERMISSION'],
    ['EMFILE', { faults: [{ operation: 'create', code: 'EMFILE' }] }, 'E_IO_FAILED'],
  ] as const)(
    'turns %s into a house error, keeps the old file and leaves nothing behind',
    async (_, options, code) => {
      const dir = await tempFolder();
      const path = join(dir, 'file');
      await writeFile(path, OLD);
      const error = await attempt(path, new FaultyFileSystem(options));
      expect(error).toBeInstanceOf(EngineError);
      expect((error as EngineError).code).toBe(code);
      expect((error as EngineError).message).toContain(`'${path}'`);
      expect((error as EngineError).message).toContain('5000 bytes');
      expect((error as EngineError).cause).toBeInstanceOf(Error);
      expect(await readFile(path, 'utf8')).toBe(OLD);
      expect(await readdir(dir)).toEqual(['file']);
    },
  );

  it('says how much space is left', async () => {
    const path = join(await tempFolder(), 'file');
    const error = await attempt(path, new FaultyFileSystem({ capacity: 0 }));
    expect((error as EngineError).message).toContain('5000 bytes needed, 0 bytes are free');
  });

  it('passes on an error of the code that makes the content', async () => {
    const dir = await tempFolder();
    const mine = new TypeError('mine');
    const content = (function* (): Generator<Uint8Array> {
      yield NEW;
      throw mine;
    })();
    await expect(atomicWrite(join(dir, 'file'), content)).rejects.toBe(mine);
    expect(await readdir(dir)).toEqual([]);
  });

  it.each([false, true])(
    'holds the old or the new content after a crash anywhere (power loss: %s)',
    async (losesUnsynced) => {
      const trial = new FaultyFileSystem();
      await atomicWrite(join(await tempFolder(), 'file'), NEW, { fs: trial });
      const total = trial.operations.length;
      expect(total).toBeGreaterThanOrEqual(6);
      const seen = new Set<string>();
      for (let crashAt = 0; crashAt <= total; crashAt++) {
        const path = join(await tempFolder(), 'file');
        await writeFile(path, OLD);
        await attempt(path, new FaultyFileSystem({ crashAt, losesUnsynced }));
        const content = await readFile(path);
        const state = content.equals(NEW) ? 'new' : content.toString() === OLD ? 'old' : 'torn';
        seen.add(state);
      }
      expect([...seen].sort()).toEqual(['new', 'old']);
    },
  );

  it('serves two writers of one file at a time', async () => {
    const dir = await tempFolder();
    const path = join(dir, 'file');
    await Promise.all(Array.from({ length: 8 }, (_, i) => atomicWrite(path, String(i).repeat(1000))));
    expect(await readFile(path, 'utf8')).toMatch(/^(\d)\1{999}$/);
    expect(await readdir(dir)).toEqual(['file']);
  });
});

describe('replaceSymlink', () => {
  it('makes and replaces a link, which is never missing', async () => {
    const dir = await tempFolder();
    const link = join(dir, 'last');
    await replaceSymlink(link, 'step_1');
    expect(await readlink(link)).toBe('step_1');
    for (let crashAt = 0; crashAt < 5; crashAt++) {
      await replaceSymlink(link, 'step_2', { fs: new FaultyFileSystem({ crashAt }) }).catch(() => undefined);
      expect(['step_1', 'step_2']).toContain(await readlink(link));
    }
    await replaceSymlink(link, 'step_3');
    expect(await readlink(link)).toBe('step_3');
    expect(await readdir(dir)).toEqual(['last']);
  });

  it('has a house error for a folder that cannot be written', async () => {
    const link = join(await tempFolder(), 'last');
    const fs = new FaultyFileSystem({ faults: [{ operation: 'symlink', code: 'EPERM' }] });
    await expect(replaceSymlink(link, 'x', { fs })).rejects.toMatchObject({ code: 'E_IO_PERMISSION' });
  });
});
