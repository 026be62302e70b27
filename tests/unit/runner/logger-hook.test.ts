import { getFileBackend } from '@engine/fileio';
import type { Runner, RunnerOptions } from '@engine/runner';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, toyLoader, toyOptions, toyVal, trained, weights } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

const logged = (options: Record<string, unknown>, changes: Partial<RunnerOptions> = {}): RunnerOptions =>
  toyOptions(workDir, {
    logLevel: 'INFO',
    defaultHooks: { logger: { type: 'LoggerHook', ...options } as never },
    ...changes,
  });
const linesOf = (runner: Runner): string[] =>
  readFileSync(runner.directory.logFile, 'utf8')
    .split('\n')
    .flatMap((line) => /(?:Epoch|Iter)\(train\) +(.*?\]) {2}/.exec(line)?.[1] ?? []);

describe('LoggerHook', () => {
  it('writes a line every interval, and the rest of an epoch when asked', async () => {
    expect(linesOf(await trained(logged({ interval: 3 })))).toEqual(['[1][3/4]', '[2][3/4]', '[3][3/4]']);
    expect(linesOf(await trained(logged({ interval: 3, ignoreLast: false })))).toHaveLength(6);
  });

  it('always shows an epoch that is no longer than the interval', async () => {
    expect(linesOf(await trained(logged({ interval: 10 })))).toEqual(['[1][4/4]', '[2][4/4]', '[3][4/4]']);
  });

  it.each([
    ['a loader shorter than the interval', { length: 12 }],
    ['an endless loader', { infinite: true }],
  ])('counts iterations of the whole run where there are no epochs: %s', async (_, loader) => {
    const lines = async (options: object, maxIters = 7): Promise<string[]> =>
      linesOf(
        await trained(
          logged(
            { interval: 5, ...options },
            { trainCfg: { maxIters }, trainDataloader: toyLoader(loader) as never },
          ),
        ),
      );
    expect(await lines({})).toEqual(['[5/7]']);
    expect(await lines({ ignoreLast: false })).toEqual(['[5/7]', '[7/7]']);
    expect(await lines({ ignoreLast: false }, 10)).toEqual(['[ 5/10]', '[10/10]']);
    expect(await lines({ interval: 9 })).toEqual(['[7/7]']);
  });

  it('reminds of the experiment at its interval and at the end of an epoch', async () => {
    const runner = await trained(logged({ intervalExpName: 5 }, { experimentName: 'toy' }));
    const log = readFileSync(runner.directory.logFile, 'utf8');
    expect(log.match(/Exp name: toy_/g)).toHaveLength(3 + 2);
  });

  it('sends validation metrics with the epoch or the iteration as their step', async () => {
    for (const [logMetricByEpoch, steps] of [
      [true, [1, 2, 3]],
      [false, [4, 8, 12]],
    ] as const) {
      const runner = await trained(logged({ logMetricByEpoch }, toyVal([1])));
      const rows = readFileSync(join(runner.directory.visData, 'scalars.json'), 'utf8').trim().split('\n');
      const parsed = rows.map((row) => JSON.parse(row) as Record<string, number>);
      expect(parsed.filter((row) => 'test/acc' in row).map((row) => row.step)).toEqual(steps);
    }
  });

  it('copies the files of the launch, checkpoints excepted, and removes them here when told', async () => {
    const out = join(workDir, 'out');
    const kept = await trained(logged({ outDir: out }, { workDir: join(workDir, 'kept') }));
    const at = join(out, 'kept', kept.directory.timestamp);
    const files = readdirSync(at, { recursive: true }).map(String);
    expect(files).toContain(basename(kept.directory.logFile));
    expect(files).toContain(join('vis_data', 'scalars.json'));
    expect(files.filter((file) => file.includes('step_'))).toEqual([]);
    expect(readFileSync(join(at, basename(kept.directory.logFile)), 'utf8')).toContain('Epoch(train)');
    expect(existsSync(kept.directory.logFile)).toBe(true);

    const moved = await trained(
      logged({ outDir: out, keepLocal: false }, { workDir: join(workDir, 'moved') }),
    );
    expect(existsSync(moved.directory.logFile)).toBe(false);
    expect(existsSync(join(moved.directory.checkpoints, 'last'))).toBe(true);
    expect(existsSync(join(out, 'moved', moved.directory.timestamp))).toBe(true);
  });

  it('copies to any storage', async () => {
    const memory = getFileBackend('memory://logs', {}, true);
    const runner = await trained(logged({ outDir: 'memory://logs' }));
    const path = `memory://logs/${basename(workDir)}/${runner.directory.timestamp}/vis_data/scalars.json`;
    expect(await memory.getText(path)).toContain('"loss"');
  });

  it('refuses to remove what it copies nowhere', async () => {
    await expect(trained(logged({ keepLocal: false }))).rejects.toThrow(/LoggerHook\.keepLocal/);
  });
});

it('logs the norm of the gradients without clipping them', async () => {
  const plain = await trained(toyOptions(join(workDir, 'plain')));
  const optimizer = { type: 'SGD', lr: 0.05, momentum: 0.9 };
  const options = { optimWrapper: { optimizer, clipGrad: { maxNorm: Infinity } } as never };
  const runner = await trained(toyOptions(join(workDir, 'norm'), options));
  expect(weights(runner)).toEqual(weights(plain));
  const norms = [...runner.messageHub.getScalar('train/grad_norm').history.values];
  expect(norms).toHaveLength(12);
  for (const norm of norms) expect(norm).toBeGreaterThan(0);
});
