import {
  createRunContainer,
  DATA_SAMPLERS,
  DATASETS,
  LOGGER,
  Logger,
  provide,
  withScope,
} from '@engine/core';
import { describe, expect, it, vi } from 'vitest';
import { buildDataloader, type DataloaderConfig } from './build-dataloader.js';
import type { DataLoader } from './data-loader.js';
import type { Dataset } from './dataset.js';
import { DefaultSampler } from './default-sampler.js';
import { InfiniteSampler } from './infinite-sampler.js';
import { prepareData } from './prepare-data.js';

class Numbers implements Dataset {
  static prepared: unknown[] = [];
  readonly length: number;
  readonly notes: string | undefined;
  initialised = 0;

  constructor({ size = 10, note }: { size?: number; note?: string } = {}) {
    this.length = size;
    this.notes = note;
  }

  static prepare(options: object): Promise<void> {
    Numbers.prepared.push(options);
    return Promise.resolve();
  }

  fullInit(): void {
    this.initialised++;
  }

  getItem(index: number): number {
    return index;
  }

  notice(): string | undefined {
    return this.notes;
  }
}

DATASETS.add('BuildTestNumbers', Numbers);

const dataset = { type: 'BuildTestNumbers' };

async function indices(loader: DataLoader): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const batch of loader) seen.push(...(batch as unknown[]));
  return seen;
}

describe('buildDataloader', () => {
  it('builds dataset, sampler and loader with the seed and the part of the rank', () => {
    const loader = buildDataloader(
      { dataset, batchSize: 2, sampler: { type: 'DefaultSampler', shuffle: false } },
      { seed: 11, rank: 1, worldSize: 2 },
    );
    expect(loader.dataset).toBeInstanceOf(Numbers);
    expect((loader.dataset as Numbers).initialised).toBe(1);
    expect(loader.sampler).toMatchObject({ shuffle: false, seed: 11, rank: 1, worldSize: 2 });
    expect(loader).toMatchObject({ length: 3, batchSize: 2, seed: 11 });
  });

  it('keeps the order common and the augmentation apart with diffRankSeed', () => {
    const of = (diffRankSeed: boolean): DataLoader =>
      buildDataloader({ dataset, shuffle: true }, { seed: 11, rank: 3, worldSize: 4, diffRankSeed });
    expect(of(true)).toMatchObject({ seed: 14, sampler: { seed: 11 } });
    expect(of(false)).toMatchObject({ seed: 11, sampler: { seed: 11 } });
  });

  it('lets the config of a sampler say its own seed', () => {
    const loader = buildDataloader({ dataset, sampler: { type: 'InfiniteSampler', seed: 5 } }, { seed: 11 });
    expect(loader.sampler).toBeInstanceOf(InfiniteSampler);
    expect(loader.sampler).toMatchObject({ seed: 5 });
  });

  it('takes parts and loaders that are built already', async () => {
    const numbers = new Numbers({ size: 3 });
    const sampler = new DefaultSampler(numbers, { shuffle: false });
    const loader = buildDataloader({ dataset: numbers, sampler });
    expect(loader).toMatchObject({ dataset: numbers, sampler });
    expect(await indices(loader)).toEqual([0, 1, 2]);
    expect(buildDataloader(loader)).toBe(loader);
  });

  it('builds batch samplers with the batch size', async () => {
    const loader = buildDataloader({
      dataset,
      batchSize: 4,
      dropLast: true,
      batchSampler: { type: 'BatchSampler' },
    });
    expect(await indices(loader)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    class Backwards {
      readonly length = 1;
      constructor(
        readonly sampler: Iterable<number>,
        readonly options: object,
      ) {}
      batches(): Iterator<number[]> {
        return [[...this.sampler].reverse()].values();
      }
      [Symbol.iterator](): Iterator<number[]> {
        return this.batches();
      }
    }
    DATA_SAMPLERS.add('BuildTestBackwards', Backwards as never, { force: true });
    const other = buildDataloader({
      dataset,
      batchSize: 4,
      sampler: { type: 'DefaultSampler', shuffle: false },
      batchSampler: { type: 'BuildTestBackwards' },
    });
    expect(await indices(other)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(other.batchSampler).toMatchObject({ options: { batchSize: 4, dropLast: false } });
  });

  it('limits an epoch to numBatchPerEpoch batches on every rank', async () => {
    const parts = [0, 1].map((rank) =>
      buildDataloader({ dataset, batchSize: 2, numBatchPerEpoch: 2, shuffle: false }, { rank, worldSize: 2 }),
    );
    expect(parts.map(({ length }) => length)).toEqual([2, 2]);
    expect(await Promise.all(parts.map(indices))).toEqual([
      [0, 2, 4, 6],
      [1, 3, 5, 7],
    ]);
    expect(() => buildDataloader({ dataset, shuffle: true, numBatchPerEpoch: 0 })).toThrow(
      /numBatchPerEpoch = 0/,
    );
  });

  it('says what is wrong with a config, and where', () => {
    const build = (config: object) => () =>
      buildDataloader(config as DataloaderConfig, { path: 'trainDataloader' });
    expect(build({ dataset, batch_size: 2, shuffle: true })).toThrow(/trainDataloader\.batch_size = 2/);
    expect(build({ dataset, batchSiz: 2, shuffle: true })).toThrow(/did you mean 'batchSize'\?/);
    expect(build({ dataset })).toThrow(/trainDataloader\.sampler[^]*add sampler: \{ type: 'DefaultSampler'/);
    expect(build({ dataset, shuffle: true, sampler: { type: 'DefaultSampler' } })).toThrow(
      /trainDataloader\.shuffle/,
    );
    expect(build({ shuffle: true })).toThrow(/trainDataloader\.dataset/);
    expect(build({ dataset, sampler: { type: 'DefaultSample' } })).toThrow(
      /trainDataloader\.sampler\.type = 'DefaultSample'[^]*did you mean 'DefaultSampler'/,
    );
    expect(build({ dataset, sampler: { type: 'BatchSampler', batchSize: 1 } })).toThrow(
      /trainDataloader\.sampler/,
    );
    expect(build([])).toThrow(/trainDataloader = \[\]/);
  });

  it('tells what a dataset wants said through the logger of the run', () => {
    const lines: string[] = [];
    const container = createRunContainer();
    provide(
      container,
      LOGGER,
      new Logger({ console: { write: (text: string) => lines.push(text) }, color: false }),
    );
    const noted = { ...dataset, note: 'these data are made up' };
    buildDataloader({ dataset: noted, shuffle: true }, { container });
    expect(lines.join('')).toContain('WARNING - these data are made up');
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    buildDataloader({ dataset: noted, shuffle: true });
    expect(warn).toHaveBeenCalledWith('these data are made up', expect.anything());
    warn.mockRestore();
  });
});

describe('prepareData', () => {
  it('awaits the datasets of a config, wrapped ones included', async () => {
    Numbers.prepared = [];
    await prepareData({
      dataset: { type: 'RepeatDataset', times: 2, dataset: { ...dataset, size: 4 } },
      batchSize: 2,
    });
    await prepareData({ type: 'ConcatDataset', datasets: [{ type: Numbers, size: 5 }, dataset] });
    await withScope('other', () => prepareData(dataset));
    await prepareData(new Numbers());
    await prepareData(undefined);
    expect(Numbers.prepared).toEqual([{ size: 4 }, { size: 5 }, {}, {}]);
    DATASETS.add(
      'BuildTestAbsent',
      class {
        static prepare(): Promise<void> {
          return Promise.reject(new Error('not to be had'));
        }
      },
    );
    await expect(prepareData({ dataset: { type: 'BuildTestAbsent' } })).rejects.toThrow('not to be had');
  });
});
