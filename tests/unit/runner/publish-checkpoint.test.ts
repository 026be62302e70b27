import { readCheckpoint, type Runner } from '@engine/runner';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, toyOptions, toyVal, trained } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

const published = (runner: Runner): string[] => readdirSync(runner.directory.path('published')).sort();
const saving = (options: Record<string, unknown>, scores = [1, 9, 3]) =>
  toyOptions(workDir, {
    ...toyVal(scores),
    defaultHooks: { checkpoint: { type: 'CheckpointHook', saveBest: 'test/acc', ...options } as never },
  });

describe('publishedKeys', () => {
  it('copies the last and the best checkpoint with a hash of their weights and the parts asked for', async () => {
    const runner = await trained(saving({ publishedKeys: ['hooks'] }));
    const names = published(runner);
    expect(names.map((name) => name.replace(/-[0-9a-f]{8}$/, ''))).toEqual(['step_000008', 'step_000012']);
    const copy = await readCheckpoint(runner.directory.path('published', names[0]!));
    const whole = await readCheckpoint(runner.checkpoints.folderOf({ epoch: 2, iter: 8 }));
    expect(copy.model).toEqual(whole.model);
    expect(copy.hooks).toEqual(whole.hooks);
    expect([copy.optimWrapper, copy.loop, copy.messageHub]).toEqual([undefined, undefined, undefined]);
  });

  it('names equal weights equally, and publishes one checkpoint once', async () => {
    const first = await trained(saving({ publishedKeys: ['model'] }, [1, 2, 3]));
    const second = await trained(saving({ publishedKeys: [] }, [1, 2, 3]));
    expect(published(first)).toEqual(published(second));
    expect(published(first)).toHaveLength(1);
    expect(existsSync(join(workDir, 'published'))).toBe(false);
  });

  it.each([[['model', 'model']], [['weights']]])('refuses %j', async (publishedKeys) => {
    await expect(trained(saving({ publishedKeys }))).rejects.toThrow(/CheckpointHook\.publishedKeys/);
  });
});
