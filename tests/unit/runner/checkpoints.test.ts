import { readCheckpoint, Runner, writeCheckpoint, type RunnerOptions } from '@engine/runner';
import { FaultyFileSystem } from '@engine/testing';
import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
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

const checkpoint = (options: Record<string, unknown>): Partial<RunnerOptions> => ({
  defaultHooks: { checkpoint: { type: 'CheckpointHook', ...options } as never },
});
const steps = (runner: Runner): string[] =>
  readdirSync(runner.directory.checkpoints)
    .filter((name) => name.startsWith('step_'))
    .sort();
const named = (...iters: number[]): string[] => iters.map((iter) => `step_${String(iter).padStart(6, '0')}`);

// Appendix A of the behaviour reference: 11 epochs (of 4 iterations here).
describe('which checkpoints are kept', () => {
  it('saves every interval and the last', async () => {
    const runner = await trained(
      toyOptions(workDir, { trainCfg: { maxEpochs: 11 }, ...checkpoint({ interval: 2 }) }),
    );
    expect(steps(runner)).toEqual(named(...[2, 4, 6, 8, 10, 11].map((epoch) => epoch * 4)));
  });

  it('keeps the newest', async () => {
    const runner = await trained(
      toyOptions(workDir, { trainCfg: { maxEpochs: 11 }, ...checkpoint({ interval: 1, maxKeepCkpts: 3 }) }),
    );
    expect(steps(runner)).toEqual(named(36, 40, 44));
    expect(readlinkSync(join(runner.directory.checkpoints, 'last'))).toBe('step_000044');
  });

  it('begins where it is told', async () => {
    const runner = await trained(
      toyOptions(workDir, { trainCfg: { maxEpochs: 11 }, ...checkpoint({ interval: 2, saveBegin: 5 }) }),
    );
    expect(steps(runner)).toEqual(named(20, 28, 36, 44));
  });

  it('saves the best whatever the interval, links to it and does not let it go', async () => {
    const runner = await trained(
      toyOptions(workDir, {
        trainCfg: { maxEpochs: 6 },
        ...toyVal([1, 2, 9, 3, 3, 3]),
        ...checkpoint({ interval: 2, saveBest: 'test/acc', maxKeepCkpts: 1 }),
      }),
    );
    expect(steps(runner)).toEqual(named(12, 24));
    expect(readlinkSync(join(runner.directory.checkpoints, 'best_test_acc'))).toBe('step_000012');
    const best = await readCheckpoint(join(runner.directory.checkpoints, 'best_test_acc'));
    expect([best.meta.epoch, best.meta.iter]).toEqual([3, 12]);
  });

  it('lets the previous best go when it was kept for nothing else', async () => {
    const runner = await trained(
      toyOptions(workDir, {
        trainCfg: { maxEpochs: 5 },
        ...toyVal([1, 2, 3, 4, 0]),
        ...checkpoint({ interval: 100, saveBest: 'auto' }),
      }),
    );
    expect(steps(runner)).toEqual(named(16, 20));
    expect(readlinkSync(join(runner.directory.checkpoints, 'best_test_acc'))).toBe('step_000016');
  });

  it('saves as often as it validates when there are no epochs', async () => {
    const runner = await trained(
      toyOptions(workDir, { trainCfg: { maxIters: 25, valInterval: 10 }, defaultHooks: {} }),
    );
    expect(steps(runner)).toEqual(named(10, 20, 25));
  });

  it('takes less for better when told', async () => {
    const runner = await trained(
      toyOptions(workDir, {
        ...toyVal([3, 1, 2]),
        ...checkpoint({ interval: -1, saveBest: 'test/acc', rule: 'less' }),
      }),
    );
    expect(readlinkSync(join(runner.directory.checkpoints, 'best_test_acc'))).toBe('step_000008');
  });

  it('names the metric that was meant', async () => {
    const options = toyOptions(workDir, { ...toyVal([1]), ...checkpoint({ saveBest: 'test/ac' }) });
    await expect(trained(options)).rejects.toThrow(/did you mean 'test\/acc'/);
  });

  it.each([
    [{ interval: 0 }, /interval/],
    [{ every: '2ep', interval: 1 }, /not both/],
    [{ saveBest: ['a', 'auto'] }, /saveBest/],
    [{ rule: 'bigger' }, /rule/],
    [{ saveBest: ['a'], rule: ['less', 'less'] }, /one for each/],
    [{ every: '2 weeks' }, /E_DURATION/],
  ])('%j is refused', async (options, message) => {
    await expect(trained(toyOptions(workDir, checkpoint(options)))).rejects.toThrow(message);
  });
});

describe('resuming', () => {
  const stopAt = (iter: number): Partial<RunnerOptions> => ({
    customHooks: [{ afterTrainIter: (run) => (run.iter + 1 === iter ? run.requestStop('test') : undefined) }],
  });
  const variants: [string, Partial<RunnerOptions>][] = [
    ['by epochs', {}],
    ['by iterations over a finite loader', { trainCfg: { maxIters: 12, valInterval: 5 } }],
    [
      'by iterations over an endless loader',
      {
        trainCfg: { maxIters: 12 },
        trainDataloader: toyLoader({ infinite: true }) as never,
      },
    ],
    [
      'with accumulated gradients',
      {
        optimWrapper: {
          optimizer: { type: 'AdamW', lr: 0.05 },
          accumulativeCounts: 5,
          clipGrad: { maxNorm: 1 },
        },
      },
    ],
    [
      'with schedulers',
      {
        paramScheduler: [
          { type: 'LinearLR', startFactor: 0.1, byEpoch: false, begin: 0, end: 5 } as never,
          { type: 'CosineAnnealingLR', byEpoch: false, begin: 5 } as never,
          { type: 'MultiStepLR', milestones: [2], gamma: 0.5 } as never,
        ],
      },
    ],
  ];

  it.each(variants)('%s, at any iteration, ends with the same bits', async (_, changes) => {
    const whole = weights(await trained(toyOptions(join(workDir, 'whole'), { ...toyVal([1]), ...changes })));
    for (let iter = 1; iter <= 12; iter++) {
      const dir = join(workDir, `cut${iter}`);
      await trained(toyOptions(dir, { ...toyVal([1]), ...changes, ...stopAt(iter) }));
      const resumed = await trained(toyOptions(dir, { ...toyVal([1]), ...changes, resume: true }));
      expect(weights(resumed), `cut at ${iter}`).toEqual(whole);
      expect(resumed.iter).toBe(12);
    }
  });

  it('keeps the state of hooks that hear an event after the checkpoint hook', async () => {
    class Late {
      priority = 'LOWEST' as const;
      stateKey = 'late';
      iters = 0;
      vals = 0;
      stateDict = () => ({ iters: this.iters, vals: this.vals });
      loadStateDict = (state: unknown) => void Object.assign(this, state);
      afterTrainIter = () => void this.iters++;
      afterValEpoch = () => void this.vals++;
    }
    const late = { every: '1it', saveBest: 'auto' };
    // Killed, not stopped: what was written last is all there is.
    const crash = {
      afterTrainIter: (run: { iter: number }) => {
        if (run.iter === 9) throw new Error('crash');
      },
    };
    const first = new Runner(
      toyOptions(workDir, { ...toyVal([1, 2, 3]), ...checkpoint(late), customHooks: [crash, new Late()] }),
    );
    await expect(first.train()).rejects.toThrow('crash');
    const hook = new Late();
    await trained(
      toyOptions(workDir, { ...toyVal([1, 2, 3]), ...checkpoint(late), customHooks: [hook], resume: true }),
    );
    expect([hook.iters, hook.vals]).toEqual([12, 3]);
  });

  it('links to the best checkpoint of the launch it continues', async () => {
    const scores = toyVal([5, 1, 1]);
    await trained(toyOptions(workDir, { ...scores, ...checkpoint({ saveBest: 'auto' }), ...stopAt(6) }));
    const next = await trained(
      toyOptions(workDir, { ...toyVal([1]), ...checkpoint({ interval: 1, saveBest: 'auto' }), resume: true }),
    );
    const best = await readCheckpoint(realpathSync(join(next.directory.checkpoints, 'best_test_acc')));
    expect(best.meta.iter).toBe(4);
  });

  it('refuses other data in the middle of an epoch', async () => {
    await trained(toyOptions(workDir, stopAt(6)));
    const other = toyOptions(workDir, {
      resume: true,
      trainDataloader: toyLoader({ batchSize: 2 }) as never,
    });
    await expect(trained(other)).rejects.toThrow(/E_RESUME_DATA/);
  });

  it('takes the seed of the checkpoint when none is configured', async () => {
    const first = await trained(toyOptions(workDir, { randomness: {}, ...stopAt(6) }));
    const second = await trained(toyOptions(workDir, { randomness: {}, resume: true }));
    expect(second.seed).toBe(first.seed);
  });

  it('starts from the beginning where there is nothing to resume', async () => {
    expect((await trained(toyOptions(workDir, { resume: true }))).iter).toBe(12);
  });

  it('does nothing but validate what is owed when the run had ended', async () => {
    const whole = weights(await trained(toyOptions(workDir)));
    const again = await trained(toyOptions(workDir, { resume: true }));
    expect(weights(again)).toEqual(whole);
  });

  it('loads weights only with loadFrom', async () => {
    const first = await trained(toyOptions(workDir));
    const second = new Runner(
      toyOptions(join(workDir, 'next'), {
        loadFrom: realpathSync(join(first.directory.checkpoints, 'last')),
        trainCfg: { maxEpochs: 0 },
      }),
    );
    await second.train();
    await second.close();
    expect(weights(second)).toEqual(weights(first));
    expect([second.epoch, second.iter]).toEqual([0, 0]);
  });

  it('works after the work dir was moved', async () => {
    const { renameSync } = await import('node:fs');
    const whole = weights(await trained(toyOptions(join(workDir, 'whole'))));
    await trained(toyOptions(join(workDir, 'here'), stopAt(7)));
    renameSync(join(workDir, 'here'), join(workDir, 'there'));
    expect(weights(await trained(toyOptions(join(workDir, 'there'), { resume: true })))).toEqual(whole);
  });
});

describe('a disk that fails', () => {
  it('leaves the old checkpoint whole and nothing half-written, whatever the byte', async () => {
    const runner = await trained(toyOptions(workDir));
    const folder = realpathSync(join(runner.directory.checkpoints, 'last'));
    const content = await readCheckpoint(folder);
    for (const bytes of [0, 1, 100, 500, 1000, 2000]) {
      const fs = new FaultyFileSystem({ capacity: bytes });
      await expect(writeCheckpoint(folder, content, { fs })).rejects.toThrow(/E_IO_NO_SPACE[\s\S]*bytes/);
      expect((await readCheckpoint(folder)).meta).toEqual(content.meta);
      expect(readdirSync(runner.directory.checkpoints).filter((name) => name.includes('.tmp-'))).toEqual([]);
      expect(existsSync(folder)).toBe(true);
    }
  });
});
