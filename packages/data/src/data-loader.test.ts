import { DATASETS, type HostArray } from '@engine/core';
import { afterEach, describe, expect, it } from 'vitest';
import { buildDataloader, type DataloaderConfig } from './build-dataloader.js';
import { DataLoader } from './data-loader.js';
import { InfiniteSampler } from './infinite-sampler.js';
import './index.js';
import { CountingDataset } from './worker.fixture.js';

const open: DataLoader[] = [];

afterEach(async () => {
  for (const loader of open.splice(0)) await loader.close();
});

function build(config: Partial<DataloaderConfig> & { size?: number }, seed = 3): DataLoader<Record<string, HostArray>> {
  const { size = 23, ...rest } = config;
  const loader = buildDataloader(
    {
      dataset: { type: 'CountingDataset', size, pipeline: [{ type: 'AddNoise' }] },
      batchSize: 4,
      shuffle: true,
      collateFn: 'defaultCollate',
      ...rest,
    } as DataloaderConfig,
    { seed },
  );
  open.push(loader);
  return loader as DataLoader<Record<string, HostArray>>;
}

async function take(iterator: AsyncIterator<Record<string, HostArray>>, most = Infinity): Promise<number[][]> {
  const batches: number[][] = [];
  while (batches.length < most) {
    const step = await iterator.next();
    if (step.done) break;
    batches.push([...(step.value['x']!.data as Float32Array)]);
  }
  return batches;
}

describe('DataLoader', () => {
  it('gives the same batches with 0, 1 and 3 workers, in every epoch and from the middle', async () => {
    const here = build({});
    const expected: number[][][] = [];
    for (const epoch of [0, 1, 5]) {
      here.setEpoch(epoch);
      expected.push(await take(here.iterate()));
    }
    expect(expected[0]).toHaveLength(6);
    expect(expected[0]).not.toEqual(expected[1]);
    for (const numWorkers of [0, 1, 3]) {
      const loader = build({ numWorkers });
      for (const [i, epoch] of [0, 1, 5].entries()) {
        loader.setEpoch(epoch);
        expect(await take(loader.iterate())).toEqual(expected[i]);
        expect(await take(loader.iterate(4))).toEqual(expected[i]!.slice(4));
      }
      expect(await take(loader.iterate(6))).toEqual([]);
      expect(await take(loader.iterate(60))).toEqual([]);
    }
  });
});
void DATASETS; void InfiniteSampler; void CountingDataset;
