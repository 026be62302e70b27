import { hostArray, type HostArray } from '@engine/core';
import { clearFileBackends, dumpTo, put } from '@engine/fileio';
import {
  CHECKPOINT_FORMAT,
  inspectCheckpoint,
  loadCheckpoint,
  migrationNames,
  readCheckpoint,
  registerCheckpointMigration,
  type CheckpointDocuments,
} from '@engine/runner';
import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, ToyModel, toyOptions, trained, weights } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

const FORMAT_1 = fileURLToPath(new URL('../../fixtures/checkpoint-format-1', import.meta.url));
const WEIGHTS = {
  'linear.weight': hostArray(Float32Array.of(3, 4), [1, 2]),
  'linear.bias': hostArray(Float32Array.of(5), [1]),
};

async function newModel(): Promise<ToyModel> {
  await trained(toyOptions(join(workDir, 'unused'), { trainCfg: { maxEpochs: 0 } }));
  return new ToyModel({} as never);
}

function save(name: string, tensors: Record<string, HostArray>): string {
  const path = join(workDir, name);
  writeFileSync(path, dumpTo('safetensors', tensors) as Uint8Array);
  return path;
}

describe('checkpoints of older formats', () => {
  it('are migrated when they are read, step by step by name', async () => {
    const migrated: unknown[] = [];
    const content = await readCheckpoint(FORMAT_1, {
      onMigrated: (names, format) => migrated.push(format, ...names),
    });
    expect(migrated).toEqual([1, 'hub-in-own-file']);
    expect(content.meta.format).toBe(CHECKPOINT_FORMAT);
    expect(content.loop).toEqual({ epoch: 0, iter: 5, pass: 0, batch: 5, stage: 'batches' });
    expect(Object.keys((content.messageHub as { logScalars: object }).logScalars)).toContain('train/loss');
    expect(content.model['first.weight']!.shape).toEqual([8, 4]);
  });

  it('of a library go through its own migrations once', async () => {
    const renamed: string[] = [];
    registerCheckpointMigration({
      name: 'test/rename-linear',
      migrate: ({ tensors, state }: CheckpointDocuments) => {
        renamed.push(String((state['meta'] as { iter: number }).iter));
        const { 'first.weight': weight, ...rest } = tensors['model']!;
        if (weight) tensors['model'] = { ...rest, 'renamed.weight': weight };
      },
    });
    expect(() =>
      registerCheckpointMigration({ name: 'test/rename-linear', migrate: () => undefined }),
    ).toThrow('E_CHECKPOINT_MIGRATION');
    expect(Object.keys((await readCheckpoint(FORMAT_1)).model)).toContain('renamed.weight');
    const runner = await trained(toyOptions(workDir));
    const own = await readCheckpoint(join(runner.directory.checkpoints, 'last'));
    expect(own.meta.migrations).toEqual(migrationNames());
    expect(renamed).toEqual(['5']);
  });

  it('of a newer engine are refused, saying what to do', async () => {
    const copy = join(workDir, 'newer');
    cpSync(FORMAT_1, copy, { recursive: true });
    const state = readFileSync(join(copy, 'state.json'), 'utf8').replace('"format": 1', '"format": 9');
    writeFileSync(join(copy, 'state.json'), state);
    // Its checksum is no longer that of the manifest, which is another matter.
    await expect(readCheckpoint(copy)).rejects.toThrow(
      /E_CHECKPOINT_CORRUPT.*state\.json has another sha256/s,
    );
    const { createHash } = await import('node:crypto');
    const commit = readFileSync(join(copy, 'COMMIT'), 'utf8');
    const files = (JSON.parse(commit) as { files: Record<string, { sha256: string }> }).files;
    const sum = createHash('sha256').update(state).digest('hex');
    writeFileSync(join(copy, 'COMMIT'), commit.replace(files['state.json']!.sha256, sum));
    await expect(readCheckpoint(copy)).rejects.toThrow(
      /E_CHECKPOINT_FORMAT.*format 9.*format 2 or lower.*upgrade/s,
    );
  });
});

describe('damaged and foreign checkpoints', () => {
  it('give way to the newest whole one', async () => {
    const whole = await trained(
      toyOptions(workDir, {
        defaultHooks: { checkpoint: { type: 'CheckpointHook', every: '4it' } as never },
      }),
    );
    const steps = ['step_000012', 'step_000008'].map((name) => join(whole.directory.checkpoints, name));
    truncateSync(join(steps[0]!, 'optim.safetensors'), 10);
    writeFileSync(join(steps[1]!, 'COMMIT'), '{');
    const again = await trained(toyOptions(workDir, { resume: true }));
    expect(weights(again)).toEqual(weights(whole));
    await expect(readCheckpoint(steps[0]!)).rejects.toThrow(
      /E_CHECKPOINT_CORRUPT.*optim\.safetensors has 10 bytes/s,
    );
    await expect(readCheckpoint(steps[1]!)).rejects.toThrow(/COMMIT is not JSON/);
  });

  it.each([
    [
      'model.pth',
      [0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0],
      /E_CHECKPOINT_FOREIGN.*torch\.save.*safetensors\.torch/s,
    ],
    ['model.pkl', [0x80, 2, 0x7d, 0x71, 0, 0x2e, 0, 0, 0], /E_CHECKPOINT_FOREIGN.*pickle/s],
    ['model.safetensors', [9, 0, 0, 0, 0, 0, 0, 0, 1], /E_CHECKPOINT_CORRUPT.*ends inside the header/s],
  ])('%s is refused by what it is', async (name, bytes, message) => {
    writeFileSync(join(workDir, name), Uint8Array.from(bytes));
    await expect(readCheckpoint(join(workDir, name))).rejects.toThrow(message);
  });

  it('without anything of a checkpoint in them are named', async () => {
    await expect(readCheckpoint(workDir)).rejects.toThrow('E_CHECKPOINT_FOREIGN');
  });
});

describe('loadCheckpoint', () => {
  it('takes weights from a file or a foreign folder, and tells what does not fit', async () => {
    const model = await newModel();
    save('model.safetensors', { ...WEIGHTS, other: hostArray(Float32Array.of(1), [1]) });
    const report = await loadCheckpoint(model, workDir);
    expect(report).toEqual({ missing: [], unexpected: ['other'], mismatched: [] });
    expect([...model.stateDict()['linear.weight']!.dataSync()]).toEqual([3, 4]);
    const strict = loadCheckpoint(model, join(workDir, 'model.safetensors'), { strict: true });
    await expect(strict).rejects.toThrow(/E_STATE_DICT.*unexpected other/s);
  });

  it('rewrites names: `module.` unless told, else by the patterns, in order', async () => {
    const model = await newModel();
    const prefixed = (head: string): Record<string, HostArray> =>
      Object.fromEntries(Object.entries(WEIGHTS).map(([name, array]) => [head + name, array]));
    const wrapped = save('wrapped.safetensors', prefixed('module.'));
    expect((await loadCheckpoint(model, wrapped)).missing).toEqual([]);
    expect((await loadCheckpoint(model, wrapped, { reviseKeys: [] })).missing).toHaveLength(2);
    const renamed = save('renamed.safetensors', prefixed('net.old_'));
    const reviseKeys = [[/^net\./, ''] as const, ['old_', ''] as const];
    expect((await loadCheckpoint(model, renamed, { reviseKeys })).missing).toEqual([]);
  });

  it('takes what lies below a prefix', async () => {
    const model = await newModel();
    const path = save('whole.safetensors', {
      'backbone.linear.weight': WEIGHTS['linear.weight'],
      'backbone.linear.bias': WEIGHTS['linear.bias'],
      'head.weight': WEIGHTS['linear.bias'],
    });
    expect(await loadCheckpoint(model, path, { prefix: 'backbone' })).toEqual({
      missing: [],
      unexpected: [],
      mismatched: [],
    });
    await expect(loadCheckpoint(model, path, { prefix: 'backbon' })).rejects.toThrow(
      /E_CHECKPOINT_PREFIX.*did you mean 'backbone'/s,
    );
  });

  it('reports a weight of another rank instead of turning it', async () => {
    const model = await newModel();
    const path = save('rank.safetensors', {
      ...WEIGHTS,
      'linear.weight': hostArray(Float32Array.of(3, 4), [1, 2, 1, 1]),
    });
    expect((await loadCheckpoint(model, path)).mismatched.map(({ name }) => name)).toEqual(['linear.weight']);
  });

  it('reads from any storage that a prefix names', async () => {
    clearFileBackends();
    await put(dumpTo('safetensors', WEIGHTS) as Uint8Array, 'memory://zoo/toy.safetensors');
    const model = await newModel();
    expect((await loadCheckpoint(model, 'memory://zoo/toy.safetensors')).missing).toEqual([]);
    await expect(loadCheckpoint(model, 'memory://zoo/none')).rejects.toThrow('E_CHECKPOINT_MISSING');
    await expect(loadCheckpoint(model, 'memorie://zoo/toy')).rejects.toThrow(/E_STORAGE_PREFIX.*memory/s);
  });
});

describe('inspectCheckpoint', () => {
  it('tells files, tensors and the run, and what is not whole', async () => {
    const runner = await trained(toyOptions(workDir));
    const folder = join(runner.directory.checkpoints, 'step_000012');
    const report = await inspectCheckpoint(folder);
    expect(report.meta).toMatchObject({ format: CHECKPOINT_FORMAT, iter: 12, epoch: 3 });
    expect(report.files.find(({ name }) => name === 'model.safetensors')!.tensors).toEqual([
      { name: 'linear.bias', dtype: 'float32', shape: [1], bytes: 4 },
      { name: 'linear.weight', dtype: 'float32', shape: [1, 2], bytes: 8 },
    ]);
    expect(report.problems).toEqual([]);
    truncateSync(join(folder, 'optim.safetensors'), 3);
    expect((await inspectCheckpoint(folder)).problems).toEqual([
      expect.stringMatching(/^optim\.safetensors has 3 bytes/),
    ]);
  });

  it('reads foreign weights', async () => {
    const { meta, files } = await inspectCheckpoint(save('foreign.safetensors', WEIGHTS));
    expect(meta).toBeUndefined();
    expect(files[0]!.tensors).toHaveLength(2);
  });
});
