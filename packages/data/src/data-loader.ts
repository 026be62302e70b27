import { badValue, checkKeys, currentScope, loadedPlugins, type ComponentConfig } from '@engine/core';
import { BatchSampler, type BatchSource } from './batch-sampler.js';
import { resolveCollate, type CollateConfig, type ResolvedCollate } from './collate.js';
import { asDataset, type Dataset } from './dataset.js';
import { DefaultSampler } from './default-sampler.js';
import { loadSamples, type BatchPlan } from './load-batch.js';
import { MainThreadIterator } from './main-thread-iterator.js';
import { portableDataset } from './portable-config.js';
import type { Sampler } from './sampler.js';
import { WorkerIterator } from './worker-iterator.js';
import { WorkerPool } from './worker-pool.js';

export interface DataLoaderOptions {
  dataset: Dataset | ComponentConfig;
  /** Order of the samples. Default: in sequence, once. */
  sampler?: Sampler;
  /** Groups samples into batches; replaces `sampler`, `batchSize` and `dropLast`. */
  batchSampler?: BatchSource;
  /** Samples per batch. Default 1. */
  batchSize?: number;
  /** Turns samples into a batch. Default `pseudoCollate`, as in the reference engine: nothing is stacked. */
  collateFn?: CollateConfig;
  /** Worker threads that load batches; 0 loads in this thread. Default 0. */
  numWorkers?: number;
  /** Batches per worker that may be loaded ahead. Default 2. */
  prefetchFactor?: number;
  /** Keep the threads between epochs. Default true. */
  persistentWorkers?: boolean;
  /** Seconds to wait for a batch before its worker is given up as hung; 0 waits for ever. Default 0. Of no effect without workers. */
  timeout?: number;
  /** Leave out a last batch with fewer samples. Default false. */
  dropLast?: boolean;
  /** Seed of the samples' random streams. Default 0. */
  seed?: number;
  /** Modules that worker threads import so that the dataset's parts are registered: absolute URLs, paths, packages. */
  workerModules?: readonly string[];
}

const OPTIONS = [
  'dataset',
  'sampler',
  'batchSampler',
  'batchSize',
  'collateFn',
  'numWorkers',
  'prefetchFactor',
  'persistentWorkers',
  'timeout',
  'dropLast',
  'seed',
  'workerModules',
] as const;

function count(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw badValue(`DataLoader.${name}`, value, `an integer >= ${least}`);
  return value;
}

/** A day, in seconds: Node's timers cannot wait much longer than three weeks. */
const MAX_TIMEOUT = 86_400;

/** Threads beyond this are a slip of the pen: each costs tens of megabytes and gains nothing. */
const MAX_WORKERS = 64;

/**
 * Batches of a dataset, as an async iterable. What a batch holds depends on the seed, the epoch and its number, never
 * on the number of workers or on where an iteration began.
 */
export class DataLoader<Batch = unknown> implements AsyncIterable<Batch> {
  readonly dataset: Dataset;
  readonly batchSampler: BatchSource;
  /** The sampler; undefined when a batch sampler without one was given. */
  readonly sampler: Sampler | undefined;
  /** Samples per batch; undefined when a batch sampler without one was given. */
  readonly batchSize: number | undefined;
  readonly numWorkers: number;
  readonly seed: number;
  private readonly collate: ResolvedCollate;
  private readonly prefetchFactor: number;
  private readonly persistentWorkers: boolean;
  private readonly timeout: number;
  private readonly workerModules: readonly string[];
  private readonly scope = currentScope();
  private ownEpoch = 0;
  private pool: WorkerPool | undefined;
  /** Pools in use that end with their iteration. */
  private shortLived: WorkerPool[] = [];

  constructor(options: DataLoaderOptions) {
    checkKeys('DataLoader', options, OPTIONS);
    this.dataset = asDataset('DataLoader.dataset', options.dataset);
    this.numWorkers = count('numWorkers', options.numWorkers ?? 0, 0);
    if (this.numWorkers > MAX_WORKERS) {
      throw badValue(
        'DataLoader.numWorkers',
        this.numWorkers,
        `at most ${MAX_WORKERS}; as many as there are cores is usually best`,
      );
    }
    if (options.dropLast !== undefined && typeof options.dropLast !== 'boolean') {
      throw badValue('DataLoader.dropLast', options.dropLast, 'true or false');
    }
    this.prefetchFactor = count('prefetchFactor', options.prefetchFactor ?? 2, 1);
    this.seed = options.seed ?? 0;
    if (!Number.isSafeInteger(this.seed)) throw badValue('DataLoader.seed', options.seed, 'an integer');
    this.persistentWorkers = options.persistentWorkers ?? true;
    this.timeout = options.timeout ?? 0;
    if (!(this.timeout >= 0 && this.timeout <= MAX_TIMEOUT))
      throw badValue('DataLoader.timeout', this.timeout, 'seconds from 0 (wait for ever) to a day');
    this.workerModules = options.workerModules ?? [];
    this.collate = resolveCollate(options.collateFn ?? 'pseudoCollate', 'DataLoader.collateFn');
    if (options.batchSampler) {
      for (const other of ['sampler', 'batchSize', 'dropLast'] as const) {
        if (options[other] === undefined) continue;
        throw badValue(`DataLoader.${other}`, options[other], 'nothing: the batch sampler decides it');
      }
      this.batchSampler = options.batchSampler;
    } else {
      this.batchSampler = new BatchSampler(
        options.sampler ?? new DefaultSampler(this.dataset, { shuffle: false }),
        {
          batchSize: count('batchSize', options.batchSize ?? 1, 1),
          dropLast: options.dropLast ?? false,
        },
      );
    }
    const { sampler, batchSize } = this.batchSampler as Partial<BatchSampler>;
    this.sampler = sampler;
    this.batchSize = batchSize;
  }

  /** Batches of an epoch (of a pass over the data, for an endless sampler). */
  get length(): number {
    return this.batchSampler.length;
  }

  /** The epoch that the next iteration belongs to. */
  get epoch(): number {
    return this.batchSampler.epoch ?? this.ownEpoch;
  }

  /** Sets the epoch of the iterations that begin from now on. */
  setEpoch(epoch: number): void {
    this.ownEpoch = epoch;
    this.batchSampler.setEpoch?.(epoch);
  }

  /**
   * Batches of the current epoch from batch `startBatch` on (endless for an endless sampler). Those before it cost
   * nothing: no data are loaded for them.
   *
   * @throws (its `next`) E_DATA_SAMPLE, E_DATA_TRANSFORM, E_DATA_COLLATE; E_DATA_WORKER around these with workers;
   * E_DATA_WORKER_TIMEOUT for a worker that gives nothing for `timeout` seconds, which is ended then
   */
  iterate(startBatch = 0): AsyncIterableIterator<Batch> {
    count('startBatch', startBatch, 0);
    const plans = this.plans(startBatch);
    if (this.numWorkers === 0) return new MainThreadIterator<Batch>(plans, this.loadHere);
    const pool = this.acquirePool();
    return new WorkerIterator<Batch>({
      pool,
      plans,
      capacity: this.numWorkers * this.prefetchFactor,
      finish: this.collate.portable ? undefined : (samples) => this.collate.run(samples as unknown[]),
      timeout: this.timeout,
      closePool: !this.persistentWorkers,
    });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Batch> {
    return this.iterate();
  }

  /** Ends the worker threads. The loader can be used again. */
  async close(): Promise<void> {
    const pools = [...this.shortLived, ...(this.pool ? [this.pool] : [])];
    this.pool = undefined;
    this.shortLived = [];
    await Promise.all(pools.map((pool) => pool.close()));
  }

  private readonly loadHere = (plan: BatchPlan): Batch | Promise<Batch> => {
    const samples = loadSamples(this.dataset, plan, this.seed);
    return samples instanceof Promise
      ? samples.then((loaded) => this.collate.run(loaded) as Batch)
      : (this.collate.run(samples) as Batch);
  };

  private plans(startBatch: number): Iterator<BatchPlan> {
    const batches = this.batchSampler.batches(startBatch);
    const { epochAt } = this.batchSampler;
    const { epoch } = this;
    let batch = startBatch;
    return {
      next(): IteratorResult<BatchPlan> {
        const step = batches.next();
        if (step.done) return { done: true, value: undefined };
        const indices = step.value;
        const number = batch++;
        const epochs = epochAt ? indices.map((_, offset) => epochAt(number, offset)) : epoch;
        return { done: false, value: { indices, epochs } };
      },
    };
  }

  private acquirePool(): WorkerPool {
    if (this.persistentWorkers) return (this.pool ??= this.createPool());
    const pool = this.createPool();
    this.shortLived = [...this.shortLived.filter((other) => !other.closed), pool];
    return pool;
  }

  private createPool(): WorkerPool {
    const portable = portableDataset(this.dataset);
    const { portable: collate } = this.collate;
    const plugins = portable.needsPlugins || collate?.builtIn === false ? loadedPlugins() : [];
    const setup = {
      dataset: portable.config,
      scope: this.scope,
      modules: [...portable.modules, ...plugins, ...this.workerModules],
      shared: this.dataset.exportShared?.(),
      collate,
      seed: this.seed,
    };
    return new WorkerPool(setup, this.numWorkers);
  }
}
