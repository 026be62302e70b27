import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { COLLATE_FUNCTIONS, type HostArray } from '@engine/core';
import { afterEach, describe, expect, it } from 'vitest';
import { buildDataloader, type DataloaderConfig } from './build-dataloader.js';
import { DataLoader } from './data-loader.js';
import type { WorkerPool } from './worker-pool.js';
import './index.js';
import { CountingDataset } from './worker.fixture.js';

type Batch = Record<string, HostArray>;

const open: DataLoader[] = [];

afterEach(async () => {
  for (const loader of open.splice(0)) await loader.close();
});

interface Options extends Omit<Partial<DataloaderConfig>, 'dataset'> {
  size?: number;
  pipeline?: object[];
}

function build({ size = 23, pipeline = [{ type: 'AddNoise' }], ...rest }: Options = {}): DataLoader<Batch> {
  const config = {
    dataset: { type: 'CountingDataset', size, pipeline },
    batchSize: 4,
    collateFn: 'defaultCollate',
    ...(rest.sampler ? {} : { shuffle: true }),
    ...rest,
  } as DataloaderConfig;
  const loader = buildDataloader(config, { seed: 3 });
  open.push(loader);
  return loader as DataLoader<Batch>;
}

async function take(iterator: AsyncIterator<Batch>, most = Infinity): Promise<number[][]> {
  const batches: number[][] = [];
  while (batches.length < most) {
    const step = await iterator.next();
    if (step.done) break;
    batches.push([...(step.value['x']!.data as Float32Array)]);
  }
  return batches;
}

function poolOf(loader: DataLoader): WorkerPool {
  return (loader as unknown as { pool: WorkerPool }).pool;
}

async function failure(iterator: AsyncIterator<unknown>): Promise<Error & { code: string; cause: Error }> {
  try {
    for (let step = await iterator.next(); !step.done; step = await iterator.next());
  } catch (error) {
    return error as Error & { code: string; cause: Error };
  }
  throw new Error('the iteration did not fail');
}

/** Waits until something outside of this thread has happened. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('DataLoader with workers', () => {
  it('gives the same batches with 0, 1 and 3 workers, in every epoch and from the middle', async () => {
    const here = build();
    const expected: number[][][] = [];
    for (const epoch of [0, 1, 5]) {
      here.setEpoch(epoch);
      expected.push(await take(here.iterate()));
    }
    expect(expected[0]).toHaveLength(6);
    expect(expected[0]).not.toEqual(expected[1]);
    for (const numWorkers of [1, 3]) {
      const loader = build({ numWorkers });
      for (const [i, epoch] of [0, 1, 5].entries()) {
        loader.setEpoch(epoch);
        expect(await take(loader.iterate())).toEqual(expected[i]);
        expect(await take(loader.iterate(4))).toEqual(expected[i]!.slice(4));
      }
      expect(await take(loader.iterate(6))).toEqual([]);
    }
  });

  it('gives the same endless stream, also from far inside', async () => {
    const sampler = { type: 'InfiniteSampler' };
    const [here, there] = [build({ sampler }), build({ sampler, numWorkers: 2 })];
    for (const start of [0, 250_000_000]) {
      const [a, b] = [here.iterate(start), there.iterate(start)];
      expect(await take(b, 20)).toEqual(await take(a, 20));
      await b.return?.();
    }
  });

  it('gives the same when the pipeline drops samples or is asynchronous', async () => {
    const pipeline = [{ type: 'FailAt', index: 7, how: 'drop' }, { type: 'Slow' }, { type: 'AddNoise' }];
    const expected = await take(build({ pipeline }).iterate());
    expect(expected).toHaveLength(6);
    expect(await take(build({ pipeline, numWorkers: 2 }).iterate())).toEqual(expected);
  });

  it('gives the same for subsets, slices and wrapped datasets', async () => {
    const toy = { type: 'CountingDataset', size: 9, pipeline: [{ type: 'AddNoise' }] };
    const datasets = [
      { type: 'RepeatDataset', dataset: toy, times: 2 },
      { type: 'ConcatDataset', datasets: [toy, { ...toy, indices: [2, 0] }] },
      { type: 'ClassBalancedDataset', dataset: toy, oversampleThr: 1 },
      { ...toy, serializeData: false },
      { ...toy, type: CountingDataset },
    ];
    for (const dataset of datasets) {
      const of = (numWorkers: number): DataLoader<Batch> => {
        const loader = buildDataloader(
          {
            dataset,
            batchSize: 2,
            shuffle: true,
            collateFn: 'defaultCollate',
            numWorkers,
            numBatchPerEpoch: 3,
          },
          { seed: 1 },
        );
        open.push(loader);
        return loader as DataLoader<Batch>;
      };
      const batches = await take(of(0).iterate());
      expect(batches).toHaveLength(3);
      expect(await take(of(1).iterate())).toEqual(batches);
    }
    const whole = build({ size: 9 }).dataset as CountingDataset;
    const subset = whole.getSubset([8, 1, 4]);
    const loader = new DataLoader<Batch>({ dataset: subset, numWorkers: 1, collateFn: 'defaultCollate' });
    open.push(loader);
    expect((await take(loader.iterate())).map(([value]) => value)).toEqual([8, 1, 4]);
  });

  it('reads the data once, and shares them', async () => {
    CountingDataset.loads = 0;
    const cells = new Int32Array(new SharedArrayBuffer(8));
    const loader = build({ numWorkers: 2, pipeline: [{ type: 'CountCalls', cells }, { type: 'AddNoise' }] });
    expect(await take(loader.iterate())).toHaveLength(6);
    expect(CountingDataset.loads).toBe(1);
    expect(cells[0]).toBe(23);
    expect(cells[1]).toBeGreaterThan(0);
  });

  it('collates in this thread when workers do not know the function', async () => {
    const sum = (batch: readonly unknown[]): number =>
      batch.reduce<number>((a, b) => a + (b as { label: number }).label, 0);
    const sums = async (numWorkers: number): Promise<unknown[]> => {
      const found: unknown[] = [];
      for await (const batch of build({ numWorkers, collateFn: sum })) found.push(batch);
      return found;
    };
    expect(await sums(2)).toEqual(await sums(0));
    const broken = build({
      numWorkers: 1,
      collateFn: () => {
        throw new RangeError('collate is broken');
      },
    });
    await expect(take(broken.iterate())).rejects.toThrow('collate is broken');
  });

  it('bounds what is loaded ahead', async () => {
    const cells = new Int32Array(new SharedArrayBuffer(8));
    const loader = build({
      size: 400,
      numWorkers: 2,
      prefetchFactor: 2,
      pipeline: [{ type: 'CountCalls', cells }, { type: 'AddNoise' }],
    });
    const iterator = loader.iterate();
    await iterator.next();
    // One batch taken, and two per worker ahead of it.
    await until(() => Atomics.load(cells, 0) >= 20);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(Atomics.load(cells, 0)).toBe(20);
    await iterator.return?.();
  });

  it('stops the workers when an iteration is left early, and uses them again', async () => {
    const cells = new Int32Array(new SharedArrayBuffer(8));
    const pipeline = [{ type: 'CountCalls', cells }, { type: 'Slow' }, { type: 'AddNoise' }];
    const loader = build({ size: 4000, batchSize: 1000, numWorkers: 2, prefetchFactor: 2, pipeline });
    const left = loader.iterate();
    const waiting = left.next();
    await until(() => Atomics.load(cells, 0) > 0);
    await left.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await left.next()).toEqual({ done: true, value: undefined });
    expect(poolOf(loader).running).toBe(2);
    const small = build({ size: 8, numWorkers: 2, pipeline });
    expect(await take(small.iterate())).toHaveLength(2);
    for await (const batch of small) {
      expect(batch['x']!.shape).toEqual([4, 5]);
      break;
    }
    expect(await take(small.iterate())).toHaveLength(2);
    await loader.close();
    expect(await take(small.iterate(1))).toHaveLength(1);
  });

  it.each([
    ['hang', "on sample 9 in the transform 'FailAt'"],
    ['wait', 'while loading the samples 8, 9, 10, 11'],
  ])('gives up a worker that hangs (%s), and goes on with another', async (how, where) => {
    const pipeline = [{ type: 'FailAt', index: 9, how }, { type: 'AddNoise' }];
    const loader = build({ shuffle: false, numWorkers: 1, timeout: 2, pipeline });
    const iterator = loader.iterate();
    expect(await take(iterator, 2)).toHaveLength(2);
    const error = await failure(iterator);
    expect(error.code).toBe('E_DATA_WORKER_TIMEOUT');
    expect(error.message).toContain(`Data worker 0 has given nothing for 2 s ${where}.`);
    expect(poolOf(loader).running).toBe(0);
    // The batches after the bad one, by a new thread.
    expect(await take(loader.iterate(3))).toHaveLength(3);
    expect(poolOf(loader).running).toBe(1);
  });

  it('does not count the time between batches', async () => {
    const loader = build({
      size: 16,
      numWorkers: 1,
      prefetchFactor: 1,
      timeout: 5,
      pipeline: [{ type: 'Slow' }, { type: 'AddNoise' }],
    });
    const whole = await take(build({ size: 16, pipeline: [{ type: 'AddNoise' }] }).iterate());
    expect(await take(loader.iterate())).toEqual(whole);
    for (const timeout of [-1, Number.NaN, 1e9])
      expect(() => build({ timeout })).toThrow(/DataLoader\.timeout/);
  });

  it('lets several iterations run at a time', async () => {
    const loader = build({ numWorkers: 2 });
    const [a, b] = [loader.iterate(), loader.iterate(2)];
    const firstOfA = await take(a, 2);
    const firstOfB = await take(b, 1);
    expect(firstOfB[0]).not.toEqual(firstOfA[0]);
    await a.return?.();
    const whole = await take(build().iterate());
    expect([...firstOfB, ...(await take(b))]).toEqual(whole.slice(2));
    expect(firstOfA).toEqual(whole.slice(0, 2));
  });

  it('answers calls of next that overlap in order', async () => {
    const loader = build({ numWorkers: 2 });
    const iterator = loader.iterate();
    const steps = await Promise.all(Array.from({ length: 8 }, () => iterator.next()));
    expect(steps.map(({ done }) => done ?? false)).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
    const whole = await take(build().iterate());
    expect(steps.slice(0, 6).map((step) => [...((step.value as Batch)['x']!.data as Float32Array)])).toEqual(
      whole,
    );
  });

  it('ends its threads with the epoch unless they are persistent', async () => {
    const loader = build({ numWorkers: 2, persistentWorkers: false });
    expect(await take(loader.iterate())).toEqual(await take(build().iterate()));
    expect(poolOf(loader)).toBeUndefined();
    const kept = build({ numWorkers: 2 });
    await take(kept.iterate(5));
    const pool = poolOf(kept);
    await take(kept.iterate(5));
    expect(poolOf(kept)).toBe(pool);
    expect(pool.running).toBe(2);
    await kept.close();
    expect(pool.running).toBe(0);
    expect(await take(kept.iterate(5))).toHaveLength(1);
  });

  it('names the sample and the transform when one throws in a worker, after the batches before it', async () => {
    const pipeline = [{ type: 'FailAt', index: 9, how: 'throw' }, { type: 'AddNoise' }];
    const loader = build({ numWorkers: 2, pipeline, shuffle: false });
    const iterator = loader.iterate();
    expect((await take(iterator, 2)).map(([value]) => value)).toEqual([0, 4]);
    const error = await failure(iterator);
    expect(error.code).toBe('E_DATA_WORKER');
    expect(error.message).toMatch(/Data worker \d failed on sample 9 in the transform 'FailAt'\./);
    expect(error.message).toContain('RangeError: sample 9 is bad');
    expect(error.cause).toMatchObject({
      code: 'E_DATA_TRANSFORM',
      cause: { name: 'RangeError', message: 'sample 9 is bad' },
    });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    // The workers live on.
    expect(await take(loader.iterate(3))).toHaveLength(3);
  });

  it.each([
    ['exit', /exited with code 7 on sample 9 in the transform 'FailAt'/],
    [
      'uncaught',
      // Batches that were ready may get lost with the thread, so that an earlier one is named.
      /threw outside of a transform while loading the samples (0, 1, 2, 3|4, 5, 6, 7|8, 9, 10, 11)\.[^]*TypeError: thrown outside of any call/,
    ],
  ])('reports a worker that ends by %s, and replaces it', async (how, message) => {
    const pipeline = [{ type: 'FailAt', index: 9, how }, { type: 'AddNoise' }];
    const loader = build({ numWorkers: 2, pipeline, shuffle: false });
    const iterator = loader.iterate();
    expect((await take(iterator, 2)).map(([value]) => value)).toEqual([0, 4]);
    const error = await failure(iterator);
    expect(error.code).toBe('E_DATA_WORKER');
    expect(error.message).toMatch(message);
    expect(await take(loader.iterate(3))).toHaveLength(3);
    expect(poolOf(loader).running).toBe(2);
  });

  it('says why a worker cannot start', async () => {
    const unknown = build({ numWorkers: 1, workerModules: ['/nowhere/plugin.mjs'] });
    const error = await failure(unknown.iterate());
    expect(error.code).toBe('E_DATA_WORKER');
    expect(error.message).toMatch(/Data worker 0 could not start/);
    expect(error.message).toContain('/nowhere/plugin.mjs');
  });

  it('reports a batch that cannot be sent', async () => {
    const pipeline = [{ type: 'FailAt', index: 9, how: 'function' }];
    const loader = build({
      numWorkers: 1,
      pipeline,
      shuffle: false,
      collateFn: 'pseudoCollate',
      batchSize: 1,
    });
    const error = await failure(loader.iterate(9));
    expect(error).toMatchObject({ code: 'E_DATA_WORKER', cause: { name: 'DataCloneError' } });
  });

  it('refuses what cannot be sent to a worker', () => {
    const closure = build({ numWorkers: 1, pipeline: [{ type: 'AddNoise' }, ((x: unknown) => x) as never] });
    expect(() => closure.iterate()).toThrow(/'dataset\.pipeline\.1'[^]*register the class or function/);
    const direct = new DataLoader({ dataset: new CountingDataset({ size: 3 }), numWorkers: 1 });
    expect(() => direct.iterate()).toThrow(/was not built from a config/);
  });

  it('registers user collate functions in workers through workerModules only', async () => {
    COLLATE_FUNCTIONS.add('onlyHere', (batch: readonly unknown[]) => batch.length, { force: true });
    const error = await failure(build({ numWorkers: 1, collateFn: { type: 'onlyHere' } }).iterate());
    expect(error.message).toContain("'engine.onlyHere' is not in the registry COLLATE_FUNCTIONS");
  });

  it('does not keep the process alive, but does while a batch is awaited', () => {
    const script = `
      const { buildDataloader } = await import('./index.ts');
      await import('./worker.fixture.ts');
      const loader = buildDataloader({
        dataset: { type: 'CountingDataset', size: 40, pipeline: [{ type: 'AddNoise' }] },
        batchSize: 4, shuffle: true, numWorkers: 2,
      });
      let count = 0;
      for await (const batch of loader) if (++count === 3) break;
      console.log('taken', count);
    `;
    const run = spawnSync(
      process.execPath,
      ['--conditions=@engine/source', '--import', 'tsx', '--input-type=module', '-e', script],
      { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8', timeout: 25_000 },
    );
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe('taken 3\n');
    expect(run.status).toBe(0);
  });
});
