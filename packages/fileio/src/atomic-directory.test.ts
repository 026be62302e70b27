import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '@engine/core';
import { FaultyFileSystem, SimulatedCrash, tempFolder } from '@engine/testing';
import { describe, expect, it } from 'vitest';
import {
  cleanStaleTemps,
  readManifest,
  verifyDirectory,
  writeDirectoryAtomically,
  type FileSystem,
  type Manifest,
} from './index.js';

const content = (version: string): Record<string, string> => ({
  'model.safetensors': `${version} weights `.repeat(50),
  'optim/part.safetensors': `${version} moments `.repeat(20),
  'state.json': `{"version":"${version}"}`,
});

function write(target: string, version: string, fs?: FileSystem): Promise<Manifest> {
  return writeDirectoryAtomically(
    target,
    async (dir) => {
      for (const [name, text] of Object.entries(content(version))) await dir.write(name, text);
    },
    { fs },
  );
}

/** Which version a folder holds as a whole; 'torn' for anything else. */
async function versionOf(target: string): Promise<string> {
  const problems = await verifyDirectory(target);
  if (problems.length > 0)
    return problems[0] === 'the folder does not exist' ? 'none' : `torn: ${problems.join()}`;
  const { version } = JSON.parse(await readFile(join(target, 'state.json'), 'utf8')) as { version: string };
  for (const [name, text] of Object.entries(content(version))) {
    if ((await readFile(join(target, name), 'utf8')) !== text) return 'torn';
  }
  return version;
}

describe('writeDirectoryAtomically', () => {
  it('writes all files and a manifest that verifies', async () => {
    const parent = await tempFolder();
    const target = join(parent, 'deep', 'step_1');
    const manifest = await write(target, 'new');
    expect(await versionOf(target)).toBe('new');
    expect(await readManifest(target)).toEqual(manifest);
    expect(Object.keys(manifest.files).sort()).toEqual(Object.keys(content('new')).sort());
    expect(await readdir(join(parent, 'deep'))).toEqual(['step_1']);
  });

  it('lists files that were put into the folder by other means', async () => {
    const target = join(await tempFolder(), 'step_1');
    const manifest = await writeDirectoryAtomically(target, (dir) =>
      writeFile(join(dir.path, 'foreign'), 'abc'),
    );
    // sha256 of 'abc', FIPS 180-2 example B.1.
    const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(manifest.files).toEqual({ foreign: { bytes: 3, sha256 } });
  });

  it('replaces an existing folder and leaves nothing of it', async () => {
    const parent = await tempFolder();
    const target = join(parent, 'step_1');
    await write(target, 'old');
    await appendFile(join(target, 'left-over'), 'x');
    await write(target, 'new');
    expect(await versionOf(target)).toBe('new');
    expect(await readdir(target)).not.toContain('left-over');
    expect(await readdir(parent)).toEqual(['step_1']);
  });

  it.each([
    ['a full disk', { capacity: 900 }, 'E_IO_NO_SPACE'],
    ['EIO while syncing', { faults: [{ operation: 'sync', nth: 3, code: 'EIO' }] }, 'E_IO_DEVICE'],
    [
      'EIO at the first rename',
      { faults: [{ operation: 'rename', code: 'EIO', once: true }] },
      'E_IO_DEVICE',
    ],
    [
      'EIO at the second rename',
      { faults: [{ operation: 'rename', nth: 2, code: 'EIO', once: true }] },
      'E_IO_DEVICE',
    ],
    [
      'a folder that cannot be made',
      { faults: [{ operation: 'mkdir', nth: 2, code: 'EACCES' }] },
      'E_IO_PERMISSION',
    ],
  ] as const)('keeps the old folder and nothing else after %s', async (_, options, code) => {
    const parent = await tempFolder();
    const target = join(parent, 'step_1');
    await write(target, 'old');
    const error: unknown = await write(target, 'new', new FaultyFileSystem(options)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).code).toBe(code);
    expect((error as EngineError).message).toContain(`'${target}'`);
    expect(await versionOf(target)).toBe('old');
    expect(await readdir(parent)).toEqual(['step_1']);
  });

  it('names the bytes needed when the caller knows them', async () => {
    const target = join(await tempFolder(), 'step_1');
    const fs = new FaultyFileSystem({ capacity: 10 });
    const failed = writeDirectoryAtomically(
      target,
      async (dir) => void (await dir.write('a', 'x'.repeat(11))),
      {
        fs,
        bytes: 123456,
      },
    );
    await expect(failed).rejects.toThrow(/123456 bytes needed, 0 bytes are free/);
  });

  it('passes on an error of the callback and leaves nothing', async () => {
    const parent = await tempFolder();
    const mine = new Error('mine');
    await expect(writeDirectoryAtomically(join(parent, 'x'), () => Promise.reject(mine))).rejects.toBe(mine);
    expect(await readdir(parent)).toEqual([]);
  });

  it.each(['COMMIT', '../x', 'a//b', '', '/x', 'a/..'])('refuses the file name %j', async (name) => {
    const target = join(await tempFolder(), 'x');
    const failed = writeDirectoryAtomically(target, async (dir) => void (await dir.write(name, 'x')));
    await expect(failed).rejects.toMatchObject({ code: 'E_IO_NAME' });
  });

  for (const losesUnsynced of [false, true]) {
    for (const before of ['none', 'old']) {
      const title = `is complete after a crash at any operation (before: ${before}, power loss: ${losesUnsynced})`;
      it(title, async () => {
        const trial = new FaultyFileSystem();
        const first = join(await tempFolder(), 'step_1');
        if (before === 'old') await write(first, 'old');
        await write(first, 'new', trial);
        const total = trial.operations.length;
        expect(total).toBeGreaterThan(15);
        const states: string[] = [];
        for (let crashAt = 0; crashAt < total; crashAt++) {
          const parent = await tempFolder();
          const target = join(parent, 'step_1');
          if (before === 'old') await write(target, 'old');
          const fs = new FaultyFileSystem({ crashAt, losesUnsynced });
          const error: unknown = await write(target, 'new', fs).catch((e: unknown) => e);
          // A crash while the old copy is being removed is swallowed: the new one is in place.
          if (error !== undefined && !(error instanceof SimulatedCrash))
            expect(error).toHaveProperty('version', 1);
          await cleanStaleTemps(parent);
          const state = await versionOf(target);
          expect([before, 'new'], `crash at ${crashAt}: ${trial.operations[crashAt]}`).toContain(state);
          expect(await readdir(parent)).toEqual(state === 'none' ? [] : ['step_1']);
          states.push(state);
        }
        // Once new, always new: there is one point of no return.
        expect(states.join(' ')).toMatch(new RegExp(`^(${before} )+new( new)*$`));
      });
    }
  }
});

describe('cleanStaleTemps', () => {
  it('leaves alone what is being written, by this process or a living one', async () => {
    const parent = await tempFolder();
    let during: string[] = [];
    await mkdir(join(parent, `other.tmp-${process.ppid}`));
    await writeDirectoryAtomically(join(parent, 'step_1'), async (dir) => {
      await dir.write('a', 'x');
      await cleanStaleTemps(parent);
      during = (await readdir(parent)).sort();
    });
    expect(during).toEqual([`other.tmp-${process.ppid}`, `step_1.tmp-${process.pid}`]);
  });

  it('removes what a dead process left, files too, and nothing else', async () => {
    const parent = await tempFolder();
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await mkdir(join(parent, `step_1.tmp-${dead}`, 'deep'), { recursive: true });
    await writeFile(join(parent, `state.json.tmp-${dead}-2`), 'x');
    await writeFile(join(parent, 'my.tmp-file'), 'x');
    const result = await cleanStaleTemps(parent);
    expect(result.removed.sort()).toEqual([`state.json.tmp-${dead}-2`, `step_1.tmp-${dead}`]);
    expect(await readdir(parent)).toEqual(['my.tmp-file']);
  });

  it('puts the old folder back when the new one was not complete', async () => {
    const parent = await tempFolder();
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await write(join(parent, 'step_1'), 'old');
    await rename(join(parent, 'step_1'), join(parent, `step_1.old-${dead}`));
    await write(join(parent, 'new'), 'new');
    await unlink(join(parent, 'new', 'COMMIT'));
    await rename(join(parent, 'new'), join(parent, `step_1.tmp-${dead}`));
    expect((await cleanStaleTemps(parent)).recovered).toEqual(['step_1']);
    expect(await versionOf(join(parent, 'step_1'))).toBe('old');
    expect(await readdir(parent)).toEqual(['step_1']);
  });

  it('has nothing to do in a folder that does not exist', async () => {
    expect(await cleanStaleTemps(join(await tempFolder(), 'none'))).toEqual({ removed: [], recovered: [] });
  });
});

describe('verifyDirectory', () => {
  const damages: [string, (target: string) => Promise<void>, RegExp][] = [
    ['a missing COMMIT', (t) => unlink(join(t, 'COMMIT')), /COMMIT is missing/],
    ['a COMMIT that is no JSON', (t) => writeFile(join(t, 'COMMIT'), '{'), /COMMIT is not JSON/],
    [
      'a COMMIT of the future',
      (t) => writeFile(join(t, 'COMMIT'), '{"version":2}'),
      /version 2, 1 is expected/,
    ],
    [
      'a COMMIT that leads outside',
      (t) => writeFile(join(t, 'COMMIT'), '{"version":1,"files":{"../x":{"bytes":1,"sha256":""}}}'),
      /bad entry for '\.\.\/x'/,
    ],
    ['a missing file', (t) => unlink(join(t, 'state.json')), /state\.json is missing/],
    [
      'a longer file',
      (t) => appendFile(join(t, 'state.json'), ' '),
      /state\.json has 18 bytes, 17 are expected/,
    ],
    [
      'a flipped bit',
      async (t) => {
        const file = join(t, 'model.safetensors');
        const bytes = Uint8Array.from(await readFile(file));
        bytes[100]! ^= 1;
        await writeFile(file, bytes);
      },
      /model\.safetensors has another sha256/,
    ],
  ];

  it.each(damages)('finds %s', async (_, damage, expected) => {
    const target = join(await tempFolder(), 'step_1');
    await write(target, 'new');
    expect(await verifyDirectory(target)).toEqual([]);
    await damage(target);
    const problems = await verifyDirectory(target);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  it('compares sizes only when told so', async () => {
    const target = join(await tempFolder(), 'step_1');
    await write(target, 'new');
    await writeFile(join(target, 'state.json'), '{"version":"NEW"}');
    expect(await verifyDirectory(target, { hash: false })).toEqual([]);
    expect(await verifyDirectory(target)).toHaveLength(1);
  });
});
