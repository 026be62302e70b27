import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FaultyFileSystem, SimulatedCrash, tempFolder } from './index.js';

const bytes = Uint8Array.from({ length: 10 }, (_, i) => i);

describe('FaultyFileSystem', () => {
  it('writes up to its capacity and is full then', async () => {
    const path = join(await tempFolder(), 'file');
    const fs = new FaultyFileSystem({ capacity: 6 });
    const file = await fs.create(path);
    expect(await file.write(bytes)).toBe(6);
    await expect(file.write(bytes.subarray(6))).rejects.toMatchObject({ code: 'ENOSPC' });
    await file.close();
    expect(await readFile(path)).toHaveLength(6);
    expect(await fs.freeBytes(path)).toBe(0);
  });

  it('fails the call that is named, once or from there on', async () => {
    const dir = await tempFolder();
    const once = new FaultyFileSystem({ faults: [{ operation: 'mkdir', nth: 2, code: 'EIO', once: true }] });
    await once.mkdir(join(dir, 'a'));
    await expect(once.mkdir(join(dir, 'b'))).rejects.toMatchObject({ code: 'EIO' });
    await once.mkdir(join(dir, 'b'));
    const always = new FaultyFileSystem({ faults: [{ operation: 'mkdir', code: 'EIO' }] });
    for (let i = 0; i < 2; i++)
      await expect(always.mkdir(join(dir, 'c'))).rejects.toMatchObject({ code: 'EIO' });
  });

  it('does nothing any more after a crash, which may tear a write in two', async () => {
    const dir = await tempFolder();
    const path = join(dir, 'file');
    const fs = new FaultyFileSystem({ crashAt: 1 });
    const file = await fs.create(path);
    await expect(file.write(bytes)).rejects.toBeInstanceOf(SimulatedCrash);
    await file.close();
    expect(await readFile(path)).toHaveLength(5);
    await expect(fs.remove(path)).rejects.toBeInstanceOf(SimulatedCrash);
    await expect(fs.rename(path, join(dir, 'other'))).rejects.toBeInstanceOf(SimulatedCrash);
    expect(existsSync(path)).toBe(true);
    expect(fs.operations).toEqual([`create ${path}`]);
  });

  it('loses what was not synced when the power fails, wherever it was renamed to', async () => {
    const dir = await tempFolder();
    const fs = new FaultyFileSystem({ crashAt: 8, losesUnsynced: true });
    for (const name of ['synced', 'not']) {
      const file = await fs.create(join(dir, name));
      await file.write(bytes);
      if (name === 'synced') await file.sync();
      await file.close();
    }
    await fs.rename(join(dir, 'not'), join(dir, 'renamed'));
    await expect(fs.mkdir(join(dir, 'x'))).rejects.toBeInstanceOf(SimulatedCrash);
    expect(await readFile(join(dir, 'synced'))).toHaveLength(10);
    expect(await readFile(join(dir, 'renamed'))).toHaveLength(0);
  });
});
