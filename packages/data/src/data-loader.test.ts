import { EngineError, isHostArray, type HostArray } from '@engine/core';
import { describe, expect, it } from 'vitest';
import { BatchSampler } from './batch-sampler.js';
import { DataLoader } from './data-loader.js';
import type { Dataset } from './dataset.js';
import { DefaultSampler } from './default-sampler.js';
import { InfiniteSampler } from './infinite-sampler.js';
import type { SampleContext } from './sample-context.js';

/** Items that say where they come from; counts what is asked for. */
class Probe implements Dataset {
  readonly length: number;
  readonly asked: number[] = [];
  constructor(length: number) {
    this.length = length;
  }
  getItem(index: number, { rng, epoch }: SampleContext): [number, number, number] {
    this.asked.push(index);
    return [index, epoch, rng.float()];
  }
}

const asIs = (batch: readonly unknown[]): unknown => batch;

async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

describe('DataLoader without workers', () => {
  it('goes through the data in sequence unless told otherwise', async () => {
    const loader = new DataLoader({ dataset: new Probe(5), batchSize: 2 });
    expect(loader).toMatchObject({ length: 3, batchSize: 2, numWorkers: 0, epoch: 0 });
    const batches = (await all(loader)) as number[][][];
    expect(batches.map(([indices]) => indices)).toEqual([[0, 1], [2, 3], [4]]);
    expect(await all(new DataLoader({ dataset: new Probe(5), batchSize: 2, dropLast: true }))).toHaveLength(
      2,
    );
    expect(await all(new DataLoader({ dataset: new Probe(0) }))).toEqual([]);
  });

  it('gives a sample the same stream wherever the iteration begins, another one in another epoch', async () => {
    const dataset = new Probe(10);
    const loader = new DataLoader<[number, number, number][]>({
      dataset,
      batchSize: 3,
      seed: 5,
      collateFn: asIs,
      sampler: new DefaultSampler(dataset, { seed: 5 }),
    });
    const first = await all(loader);
    dataset.asked.length = 0;
    expect(await all(loader.iterate(2))).toEqual(first.slice(2));
    expect(dataset.asked).toHaveLength(4);
    loader.setEpoch(1);
    const second = await all(loader);
    expect(second.flat().every(([, epoch]) => epoch === 1)).toBe(true);
    const noise = (batches: [number, number, number][][]): Map<number, number> =>
      new Map(batches.flat().map(([index, , value]) => [index, value]));
    for (const [index, value] of noise(second)) expect(value).not.toBe(noise(first).get(index));
  });

  it('takes the epoch from a sampler that was told directly', async () => {
    const dataset = new Probe(4);
    const sampler = new DefaultSampler(dataset);
    const loader = new DataLoader<[number, number, number][]>({ dataset, sampler, collateFn: asIs });
    sampler.setEpoch(7);
    expect((await all(loader)).flat().every(([, epoch]) => epoch === 7)).toBe(true);
  });

  it('reaches any point of an endless sampler without loading what is before it', async () => {
    const dataset = new Probe(7);
    const sampler = new InfiniteSampler(dataset, { seed: 1 });
    const loader = new DataLoader<[number, number, number][]>({
      dataset,
      sampler,
      batchSize: 4,
      collateFn: asIs,
    });
    expect(loader.length).toBe(2);
    const iterator = loader.iterate(250_000_000);
    const batch = (await iterator.next()).value as [number, number, number][];
    await iterator.return?.();
    expect(batch).toHaveLength(4);
    expect(dataset.asked.length).toBeLessThanOrEqual(8);
    // Position 1e9 of a stream over 7 items is in pass 142857142, at place 6; the next position opens a pass.
    expect(batch.map(([, epoch]) => epoch)).toEqual([142857142, 142857143, 142857143, 142857143]);
  });

  it('loads one batch ahead in idle time, not more, and none after the end', async () => {
    const dataset = new Probe(6);
    const loader = new DataLoader({ dataset, batchSize: 2, collateFn: asIs });
    const iterator = loader.iterate();
    expect(dataset.asked).toEqual([]);
    await iterator.next();
    expect(dataset.asked).toEqual([0, 1]);
    await idle();
    expect(dataset.asked).toEqual([0, 1, 2, 3]);
    await idle();
    expect(dataset.asked).toEqual([0, 1, 2, 3]);
    await iterator.next();
    await iterator.return?.();
    await idle();
    expect(dataset.asked).toEqual([0, 1, 2, 3]);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('waits for asynchronous datasets', async () => {
    const dataset: Dataset = { length: 4, getItem: (index) => (index % 2 ? Promise.resolve(index) : index) };
    const batches = await all(new DataLoader({ dataset, batchSize: 2, collateFn: 'defaultCollate' }));
    expect(batches.map((batch) => isHostArray(batch) && [...(batch.data as Int32Array)])).toEqual([
      [0, 1],
      [2, 3],
    ]);
    const failing: Dataset = {
      length: 4,
      getItem: (index) => (index === 3 ? Promise.reject(new Error('no')) : index),
    };
    await expect(all(new DataLoader({ dataset: failing, batchSize: 2 }))).rejects.toThrow(
      /failed on sample 3/,
    );
  });

  it('names the sample that fails, after the batches before it, and ends there', async () => {
    const dataset: Dataset = {
      length: 6,
      getItem: (index) => {
        if (index === 3) throw new RangeError('broken');
        return index;
      },
    };
    const iterator = new DataLoader({ dataset, batchSize: 2 }).iterate();
    expect(await iterator.next()).toEqual({ done: false, value: [0, 1] });
    await idle();
    const error = await iterator.next().then(
      () => undefined,
      (reason: unknown) => reason as EngineError,
    );
    expect(error).toMatchObject({ code: 'E_DATA_SAMPLE' });
    expect(error!.message).toContain('failed on sample 3');
    expect(error!.message).toContain('RangeError: broken');
    expect((await iterator.next()).done).toBe(true);
  });

  it('takes a batch sampler of its own', async () => {
    const dataset = new Probe(6);
    const batchSampler = new BatchSampler(new DefaultSampler(dataset, { shuffle: false }), { batchSize: 4 });
    const loader = new DataLoader({ dataset, batchSampler });
    expect(loader).toMatchObject({ length: 2, batchSize: 4, sampler: batchSampler.sampler });
    const pairs = { length: 1, batches: () => [[5, 0]].values(), [Symbol.iterator]: () => [[5, 0]].values() };
    const batches = (await all(new DataLoader({ dataset, batchSampler: pairs }))) as number[][][];
    expect(batches.map(([indices]) => indices)).toEqual([[5, 0]]);
    expect(() => new DataLoader({ dataset, batchSampler, batchSize: 4 })).toThrow(/DataLoader\.batchSize/);
  });

  it('checks its options', () => {
    const dataset = new Probe(1);
    expect(() => new DataLoader({ dataset, numWorker: 2 } as never)).toThrow(/did you mean 'numWorkers'\?/);
    expect(() => new DataLoader({ dataset, batchSize: 0 })).toThrow(/DataLoader\.batchSize = 0/);
    expect(() => new DataLoader({ dataset, numWorkers: -1 })).toThrow(/DataLoader\.numWorkers/);
    expect(() => new DataLoader({ dataset, prefetchFactor: 0 })).toThrow(/DataLoader\.prefetchFactor/);
    expect(() => new DataLoader({ dataset: {} as never })).toThrow(EngineError);
    expect(() => new DataLoader({ dataset }).iterate(-1)).toThrow(/DataLoader\.startBatch/);
  });

  it('hands out whatever the collate function gives', async () => {
    const nothing = new DataLoader({ dataset: new Probe(3), collateFn: () => undefined });
    expect(await all(nothing)).toEqual([undefined, undefined, undefined]);
  });

  it('does not seed streams that nobody uses', async () => {
    let contexts = 0;
    const dataset: Dataset = {
      length: 3,
      getItem: (_, context) => {
        contexts++;
        expect((context as { stream?: unknown }).stream).toBeUndefined();
        return 1;
      },
    };
    const batches = (await all(
      new DataLoader({ dataset, batchSize: 3, collateFn: 'defaultCollate' }),
    )) as HostArray[];
    expect(contexts).toBe(3);
    expect(batches[0]!.shape).toEqual([3]);
  });
});
