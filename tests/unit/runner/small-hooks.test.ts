import { hostArray } from '@engine/core';
import { DataLoader, DefaultSampler } from '@engine/data';
import { restoreImage, Runner, type RunnerOptions } from '@engine/runner';
import { Visualizer } from '@engine/visualizer';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder, ToyDataset, toyOptions, toyVal, trained } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
afterAll(() => folders.forEach((dispose) => dispose()));

const values = (runner: Runner, key: string): number[] => [
  ...runner.messageHub.getScalar(key).history.values,
];

describe('DistSamplerSeedHook', () => {
  const order = async (hooks: RunnerOptions['defaultHooks']): Promise<number[][]> => {
    const dataset = new ToyDataset(6);
    const seen: number[][] = [];
    const sampler = new DefaultSampler(dataset, { shuffle: true, seed: 4 });
    const spied = vi.spyOn(dataset, 'getItem');
    const trainDataloader = new DataLoader({ dataset, sampler, batchSize: 3, collateFn: 'defaultCollate' });
    await trained(
      toyOptions(workDir, {
        trainDataloader: trainDataloader as never,
        defaultHooks: hooks,
        customHooks: [
          {
            afterTrainEpoch: () => {
              seen.push(spied.mock.calls.map(([index]) => index));
              spied.mockClear();
            },
          },
        ],
      }),
    );
    return seen;
  };

  it('gives every epoch the order of its own number', async () => {
    const dataset = new ToyDataset(6);
    const sampler = new DefaultSampler(dataset, { shuffle: true, seed: 4 });
    const expected = [0, 1, 2].map((epoch) => {
      sampler.setEpoch(epoch);
      return [...sampler.indices()];
    });
    expect(new Set(expected.map(String)).size).toBe(3);
    expect(await order({})).toEqual(expected);
    expect(await order({ samplerSeed: null })).toEqual([expected[0], expected[0], expected[0]]);
  });
});

describe('IterTimerHook', () => {
  it('measures iterations and the wait for data, and estimates what is left', async () => {
    let clock = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => clock);
    const etas: unknown[] = [];
    const tick = (milliseconds: number) => () => void (clock += milliseconds);
    await using(
      new Runner(
        toyOptions(workDir, {
          ...toyVal([1]),
          trainCfg: { maxEpochs: 2 },
          customHooks: [
            // 100 ms for data, 300 ms for the step, a second for validation, half of it per batch.
            { priority: 'HIGHEST', beforeTrainIter: tick(100), afterTrainIter: tick(300) },
            { priority: 'HIGHEST', beforeValIter: tick(50), afterValIter: tick(200) },
            { priority: 'LOWEST', afterTrainIter: (run) => void etas.push(run.messageHub.getInfo('eta')) },
          ],
        }),
      ),
      async (runner) => {
        await runner.train();
        expect(values(runner, 'train/data_time')).toEqual(new Array(8).fill(0.1));
        values(runner, 'train/time').forEach((time) => expect(time).toBeCloseTo(0.4, 9));
        values(runner, 'val/data_time').forEach((time) => expect(time).toBeCloseTo(0.05, 9));
        values(runner, 'val/time').forEach((time) => expect(time).toBeCloseTo(0.25, 9));
        etas.forEach((eta, i) => expect(eta).toBeCloseTo(0.4 * (7 - i), 9));
      },
    );
  });
});

describe('SystemMonitorHook', () => {
  it('records cores, memory and the graphics cards that nvidia-smi tells of', async () => {
    const tool = join(workDir, 'nvidia-smi');
    writeFileSync(tool, '#!/bin/sh\necho "37, 1024, 55"\necho "0, [N/A], 40"\n');
    chmodSync(tool, 0o755);
    vi.stubEnv('PATH', `${workDir}:${process.env.PATH}`);
    const runner = await trained(
      toyOptions(workDir, { customHooks: [{ type: 'SystemMonitorHook', interval: 0 } as never] }),
    );
    for (const value of values(runner, 'train/system_memory_percent')) {
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThanOrEqual(100);
    }
    expect(new Set(values(runner, 'train/gpu0_percent'))).toEqual(new Set([37]));
    expect(values(runner, 'train/gpu0_mb')[0]).toBe(1024);
    expect(values(runner, 'train/gpu1_celsius')[0]).toBe(40);
    expect(runner.messageHub.logScalars.has('train/gpu1_mb')).toBe(false);
  });

  it('does without where there is none', async () => {
    vi.stubEnv('PATH', workDir);
    const runner = await trained(
      toyOptions(workDir, { customHooks: [{ type: 'SystemMonitorHook', interval: 0 } as never] }),
    );
    expect([...runner.messageHub.logScalars.keys()].filter((key) => key.includes('gpu'))).toEqual([]);
    expect(values(runner, 'train/system_memory_percent')).toHaveLength(12);
  });
});

describe('NaiveVisualizationHook', () => {
  interface Shown {
    name: string;
    shape: readonly number[];
    sample: unknown;
    options: unknown;
  }

  it('shows the samples of every so many batches, by the name of their files', async () => {
    const shown: Shown[] = [];
    const visualizer = new Visualizer();
    vi.spyOn(visualizer, 'addDatasample').mockImplementation((name, image, sample, options) => {
      shown.push({ name, shape: image.shape, sample, options });
    });
    const { NaiveVisualizationHook } = await import('@engine/runner');
    const hook = new NaiveVisualizationHook({ interval: 2, drawGt: false });
    const run = { visualizer, iter: 7 } as never;
    const batch = {
      inputs: [1, 2].map(() => hostArray(new Uint8Array(12), [2, 2, 3])),
      dataSamples: [{ imgPath: '/data/cat.png', oriShape: [4, 6] }, {}],
    };
    for (const batchIdx of [0, 1]) {
      hook.afterTestIter(run, { batchIdx, dataBatch: batch, outputs: ['first', 'second'] });
    }
    const options = { drawGt: false, drawPred: true, step: 7 };
    expect(shown).toEqual([
      { name: 'cat.png', shape: [4, 6, 3], sample: 'first', options },
      { name: 'test_1_1', shape: [2, 2, 3], sample: 'second', options },
    ]);
    const stacked = {
      inputs: hostArray(new Float32Array(2 * 4 * 4), [2, 4, 4, 1]),
      imgPath: ['a/x.png', 'a/y.png'],
    };
    hook.afterTestIter(run, { batchIdx: 1, dataBatch: stacked, outputs: 'whole' });
    expect(shown.slice(2).map(({ name, shape }) => [name, ...shape])).toEqual([
      ['x.png', 4, 4, 1],
      ['y.png', 4, 4, 1],
    ]);
    expect(() => new NaiveVisualizationHook({ interval: 0 })).toThrow(/interval/);
  });

  it('undoes normalisation, padding and resizing', () => {
    const pixels = Float32Array.from([0, 1, 9, 2, 3, 9, 9, 9, 9]);
    const image = hostArray(pixels, [3, 3, 1]);
    const facts = { imgNormCfg: { mean: [10], std: [20] }, imgShape: [2, 2], oriShape: [2, 2] } as const;
    expect([...restoreImage(image, facts).data]).toEqual([10, 30, 50, 70]);
    // Twice as wide: pixel centres fall at -0.25, 0.25, 0.75, 1.25 of the two columns.
    const wide = restoreImage(image, { ...facts, oriShape: [1, 4] } as never);
    expect([...wide.data]).toEqual([30, 35, 45, 50]);
  });
});

async function using(runner: Runner, body: (runner: Runner) => Promise<void>): Promise<void> {
  try {
    await body(runner);
  } finally {
    await runner.close();
  }
}
