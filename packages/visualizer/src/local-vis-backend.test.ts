import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostArray, VISBACKENDS } from '@engine/core';
import { load } from '@engine/fileio';
import { tempFolder, visBackendSuite, type ScalarRow } from '@engine/testing';
import { describe, expect, it } from 'vitest';
import { LocalVisBackend } from './index.js';

const rows = async (file: string): Promise<ScalarRow[]> =>
  (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ScalarRow);

visBackendSuite({
  name: 'LocalVisBackend',
  create: (saveDir) => new LocalVisBackend({ saveDir }),
  readScalars: (saveDir) => rows(join(saveDir, 'scalars.json')),
});

describe('LocalVisBackend', () => {
  it('writes the lines that MMEngine writes', async () => {
    const saveDir = await tempFolder();
    const backend = new LocalVisBackend({ saveDir });
    backend.addScalars({ map: 0.7, acc: 0.9 }, { step: 0 });
    backend.addScalars({ map: 0.8, acc: 0.8 }, { step: 1 });
    backend.close();
    expect(await readFile(join(saveDir, 'scalars.json'), 'utf8')).toBe(
      '{"map": 0.7, "acc": 0.9, "step": 0}\n{"map": 0.8, "acc": 0.8, "step": 1}\n',
    );
  });

  it('keeps a step among the scalars, reads tensors, and has names for what is not finite', async () => {
    const saveDir = await tempFolder();
    const backend = new LocalVisBackend({ saveDir });
    const tensor = { dataSync: () => Float32Array.of(0.5), dispose: () => undefined, size: 1 };
    backend.addScalars(
      { step: 7, loss: NaN, up: Infinity, onDevice: tensor, tag: 'x', list: [1] },
      { step: 1 },
    );
    backend.close();
    expect(await readFile(join(saveDir, 'scalars.json'), 'utf8')).toBe(
      '{"step": 7, "loss": "NaN", "up": "Infinity", "onDevice": 0.5, "tag": "x", "list": [1]}\n',
    );
  });

  it('writes a second file on demand, which must be another .json inside the folder', async () => {
    const saveDir = await tempFolder();
    const backend = new LocalVisBackend({ saveDir });
    backend.addScalars({ a: 1 }, { step: 1, filePath: 'run.json' });
    backend.addScalars({ a: 2 }, { step: 2 });
    backend.close();
    expect(await rows(join(saveDir, 'run.json'))).toHaveLength(1);
    expect(await rows(join(saveDir, 'scalars.json'))).toHaveLength(2);
    for (const filePath of ['scalars.json', 'x.txt', '../x.json', './scalars.json']) {
      expect(() => backend.addScalars({ a: 1 }, { filePath }), filePath).toThrow(/E_CONFIG_VALUE/);
    }
    expect(await rows(join(saveDir, 'scalars.json'))).toHaveLength(2);
  });

  it('appends to what an earlier process wrote', async () => {
    const saveDir = await tempFolder();
    await writeFile(join(saveDir, 'scalars.json'), '{"a": 1, "step": 1}\n');
    const backend = new LocalVisBackend({ saveDir });
    backend.addScalar('a', 2, 2);
    backend.close();
    expect(await rows(join(saveDir, 'scalars.json'))).toEqual([
      { a: 1, step: 1 },
      { a: 2, step: 2 },
    ]);
  });

  it('writes the config as YAML or JSON, or as the text it is given', async () => {
    const saveDir = await tempFolder();
    const config = { model: { type: 'Net' }, lr: 0.1 };
    new LocalVisBackend({ saveDir }).addConfig(config);
    new LocalVisBackend({ saveDir, configSaveFile: 'c.json' }).addConfig(config);
    new LocalVisBackend({ saveDir, configSaveFile: 't.yaml' }).addConfig('# mine\nlr: 1\n');
    expect(await load(join(saveDir, 'config.yaml'))).toEqual(config);
    expect(await load(join(saveDir, 'c.json'))).toEqual(config);
    expect(await readFile(join(saveDir, 't.yaml'), 'utf8')).toBe('# mine\nlr: 1\n');
  });

  it('writes images by name and step, also in folders, never outside', async () => {
    const saveDir = await tempFolder();
    const backend = new LocalVisBackend({ saveDir });
    const image = hostArray(new Uint8Array(12), [2, 2, 3]);
    backend.addImage('cat', image, 3);
    backend.addImage('val/dog', image);
    expect(await readdir(join(saveDir, 'vis_image'), { recursive: true })).toEqual(
      expect.arrayContaining(['cat_3.png', join('val', 'dog_0.png')]),
    );
    expect(() => backend.addImage('../../x', image)).toThrow(/E_CONFIG_VALUE/);
  });

  it('writes nothing before it is used', async () => {
    const saveDir = join(await tempFolder(), 'later');
    new LocalVisBackend({ saveDir }).close();
    expect(existsSync(saveDir)).toBe(false);
  });

  it('keeps lines that could not be written, for the next attempt', async () => {
    const saveDir = await tempFolder();
    await mkdir(join(saveDir, 'scalars.json'));
    const backend = new LocalVisBackend({ saveDir });
    expect(() => backend.addScalar('a', 1, 1)).toThrow(/E_IO_IS_DIRECTORY/);
    await rmdir(join(saveDir, 'scalars.json'));
    backend.close();
    expect(await rows(join(saveDir, 'scalars.json'))).toEqual([{ a: 1, step: 1 }]);
  });

  it('writes what waits when the process exits', async () => {
    const saveDir = await tempFolder();
    const program = `
      import { LocalVisBackend } from '@engine/visualizer';
      const backend = new LocalVisBackend({ saveDir: process.argv[1] });
      for (let i = 0; i < 5; i++) backend.addScalar('a', i, i);
      process.exit(3);`;
    const args = [
      '--conditions=@engine/source',
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      program,
      saveDir,
    ];
    const result = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('.', import.meta.url)),
    });
    expect([result.status, result.stderr]).toEqual([3, '']);
    expect(await rows(join(saveDir, 'scalars.json'))).toHaveLength(5);
  });

  it('is built by name and checks its options', () => {
    expect(VISBACKENDS.build({ type: 'LocalVisBackend', saveDir: 'x' })).toBeInstanceOf(LocalVisBackend);
    const build = (options: object): unknown =>
      VISBACKENDS.build({ type: 'LocalVisBackend', saveDir: 'x', ...options });
    expect(() => build({ saveDirr: 'x' })).toThrow(/did you mean 'saveDir'/);
    expect(() => build({ saveDir: undefined })).toThrow(/LocalVisBackend\.saveDir/);
    expect(() => build({ configSaveFile: 'config.py' })).toThrow(
      /LocalVisBackend\.configSaveFile = 'config\.py'/,
    );
    expect(() => build({ scalarSaveFile: 'scalars.csv' })).toThrow(/LocalVisBackend\.scalarSaveFile/);
  });
});
