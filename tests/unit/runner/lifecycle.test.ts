import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { OptimWrapper } from '@engine/optim';
import { Runner } from '@engine/runner';
import { spy, temporaryFolder, toyLoader, toyOptions, toyVal, trained } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

// Telling cases of mmengine's own runner tests: 4 batches an epoch, 3 epochs.
describe('counters seen by hooks', () => {
  it('move after the hooks of their stage', async () => {
    const { log, hook } = spy(['beforeTrainEpoch', 'beforeTrainIter', 'afterTrainIter', 'afterTrainEpoch']);
    const runner = await trained(toyOptions(workDir, { customHooks: [hook] }));
    const iters = [...Array(12).keys()];
    expect(log.filter((line) => line.startsWith('afterTrainIter'))).toEqual(
      iters.map((i) => `afterTrainIter e${Math.floor(i / 4)} i${i} b${i % 4}`),
    );
    expect(log.filter((line) => line.includes('TrainEpoch'))).toEqual(
      [0, 1, 2].flatMap((e) => [`beforeTrainEpoch e${e} i${e * 4}`, `afterTrainEpoch e${e} i${e * 4 + 4}`]),
    );
    expect([runner.epoch, runner.iter]).toEqual([3, 12]);
    expect((runner.optimWrapper as OptimWrapper).innerCount).toBe(12);
  });

  it('count the whole run as one epoch when training by iterations', async () => {
    const { log, hook } = spy(['beforeTrainEpoch', 'afterTrainEpoch', 'afterTrainIter', 'beforeVal']);
    const options = toyOptions(workDir, {
      customHooks: [hook],
      trainCfg: { maxIters: 10, valInterval: 4 },
      ...toyVal([1]),
    });
    await trained(options);
    expect(log.filter((line) => line.includes('TrainEpoch'))).toEqual([
      'beforeTrainEpoch e0 i0',
      'afterTrainEpoch e0 i10',
    ]);
    expect(log.filter((line) => line.startsWith('beforeVal'))).toEqual([
      'beforeVal e0 i4',
      'beforeVal e0 i8',
      'beforeVal e0 i10',
    ]);
    expect(log.at(-2)).toBe('afterTrainIter e0 i9 b9'.replace('afterTrainIter e0 i9 b9', 'beforeVal e0 i10'));
  });
});

describe('validation', () => {
  it('starts at valBegin and comes every interval', async () => {
    const { log, hook } = spy(['beforeValEpoch', 'afterValEpoch']);
    await trained(
      toyOptions(workDir, { customHooks: [hook], trainCfg: { maxEpochs: 3, valBegin: 2 }, ...toyVal([1]) }),
    );
    expect(log.filter((line) => line.startsWith('before'))).toEqual([
      'beforeValEpoch e2 i8',
      'beforeValEpoch e3 i12',
    ]);
  });
});

describe('stopping', () => {
  it('ends after the step in progress, saves, and says so', async () => {
    const runner = new Runner(
      toyOptions(workDir, {
        customHooks: [{ afterTrainIter: (run) => (run.iter === 5 ? run.requestStop('test') : undefined) }],
      }),
    );
    expect(await runner.train()).toBe('stopped');
    await runner.close();
    expect(runner.iter).toBe(6);
    const last = join(runner.directory.checkpoints, 'last');
    expect(readlinkSync(last)).toBe('step_000006');
  });

  it('ends after the epoch when a hook sets stopTraining, with a last checkpoint', async () => {
    const runner = await trained(
      toyOptions(workDir, {
        customHooks: [{ afterTrainIter: (run) => void (run.trainLoop!.stopTraining = run.iter >= 4) }],
        defaultHooks: { checkpoint: { type: 'CheckpointHook' } as never },
      }),
    );
    expect([runner.epoch, runner.iter]).toEqual([2, 8]);
    expect(readdirSync(runner.directory.checkpoints).sort()).toEqual(['last', 'step_000008']);
  });
});

describe('a stop when nothing is left to do', () => {
  it.each([
    ['in the last epoch end', 'afterTrainEpoch', { trainCfg: { maxEpochs: 1 } }],
    ['in the last iteration of a run by iterations', 'afterTrainIter', { trainCfg: { maxIters: 4 } }],
    ['after the last validation', 'afterVal', { trainCfg: { maxEpochs: 1 }, ...toyVal([1]) }],
  ] as const)('%s still saves what was reached', async (_, event, changes) => {
    const hook = {
      [event]: (run: { iter: number; requestStop: (reason: string) => void }) => {
        if (event !== 'afterTrainIter' || run.iter === 3) run.requestStop('test');
      },
    };
    const runner = new Runner(
      toyOptions(workDir, {
        ...changes,
        customHooks: [hook],
        defaultHooks: { checkpoint: { type: 'CheckpointHook', interval: -1 } as never },
      }),
    );
    await runner.train();
    await runner.close();
    expect(readlinkSync(join(runner.directory.checkpoints, 'last'))).toBe('step_000004');
  });
});

describe('options', () => {
  it.each([
    [{ trainCfg: undefined }, /E_CONFIG_GROUP/],
    [{ trainCfg: {} }, /maxEpochs or maxIters/],
    [{ trainCfg: { maxEpochs: 1.5 } }, /whole number of epochs/],
    [{ workDir: '' }, /workDir/],
    [{ randomness: { seed: -1 } }, /randomness\.seed/],
    [{ defaultHooks: { loger: null } }, /defaultHooks\.loger/],
    [{ autoScaleLr: { enable: true } }, /autoScaleLr\.baseBatchSize/],
    [{ trainCfg: { maxEpochs: 1, valInterval: 0 } }, /trainCfg\.valInterval/],
    [{ customHooks: {} }, /customHooks/],
    [{ device: 3 }, /device = 3/],
    [{ model: 5 }, /model = 5/],
    [{ loadFrom: 5 }, /loadFrom = 5/],
    [{ plugins: 'abc' }, /plugins = 'abc'/],
    [{ randomness: 5 }, /randomness = 5/],
    [{ randomness: { deterministic: 'maybe' } }, /randomness\.deterministic/],
    [{ experimentName: 'a/b' }, /experimentName/],
    [{ resume: 7 }, /resume = 7/],
    [{ trainCfg: { maxEpochs: NaN } }, /maxEpochs = NaN/],
    [{ logProcessor: { numDigits: 200 } }, /numDigits/],
    [{ logProcessor: { meanPattern: '(' } }, /meanPattern/],
    [{ trainDataloader: toyLoader({ length: 0 }) }, /at least one batch/],
    [{ defaultHooks: { checkpoint: { type: 'CheckpointHook', maxKeepCkpts: 'abc' } } }, /maxKeepCkpts/],
  ])('%j is refused', async (changes, message) => {
    await expect(async () => trained(toyOptions(workDir, changes as never))).rejects.toThrow(message);
  });

  it('scales the learning rate to the batch size, counting accumulation', async () => {
    const runner = await trained(
      toyOptions(workDir, {
        autoScaleLr: { enable: true, baseBatchSize: 24 },
        optimWrapper: { optimizer: { type: 'SGD', lr: 0.1 }, accumulativeCounts: 2 },
      }),
    );
    expect((runner.optimWrapper as OptimWrapper).paramGroups[0]!.lr).toBeCloseTo(0.1 * ((3 * 2) / 24), 12);
  });

  it('removes, replaces and adds hooks by key', async () => {
    const runner = await trained(
      toyOptions(workDir, {
        defaultHooks: {
          checkpoint: null,
          timer: null,
          extra: { type: 'IterTimerHook', priority: 'LOWEST' } as never,
        },
      }),
    );
    expect(runner.hooks.map((hook) => hook.constructor.name)).toEqual([
      'RuntimeInfoHook',
      'DistSamplerSeedHook',
      'LoggerHook',
      'ParamSchedulerHook',
      'IterTimerHook',
    ]);
  });

  it('needs a sampler with an end to count epochs', async () => {
    const options = toyOptions(workDir, { trainDataloader: toyLoader({ infinite: true }) as never });
    await expect(trained(options)).rejects.toThrow(/trainCfg \{ byEpoch: false, maxIters \}/);
  });
});
