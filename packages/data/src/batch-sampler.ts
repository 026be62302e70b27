import { badValue, checkKeys, DATA_SAMPLERS, register } from '@engine/core';
import type { Sampler } from './sampler.js';

export interface BatchSamplerOptions {
  /** Samples per batch. */
  batchSize: number;
  /** Leave out a last batch with fewer samples. Default false. */
  dropLast?: boolean;
}

/**
 * Groups samples into batches. Registered in DATA_SAMPLERS like samplers, but built as `new X(sampler, options)` with
 * `batchSize` and `dropLast` among the options.
 */
export interface BatchSource extends Iterable<readonly number[]> {
  /** Batches of one epoch on this rank. */
  readonly length: number;
  readonly epoch?: number | undefined;
  setEpoch?(epoch: number): void;
  /** Batches of dataset indices from batch `start` on, without visiting those before it. */
  batches(start?: number): Iterator<readonly number[]>;
  /** For endless samplers: the pass that a sample of a batch belongs to. */
  epochAt?: ((batch: number, offset: number) => number) | undefined;
}

/** Consecutive samples of a sampler, `batchSize` at a time. */
@register(DATA_SAMPLERS, { from: '@engine/data' })
export class BatchSampler implements BatchSource {
  readonly sampler: Sampler;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly epochAt: ((batch: number, offset: number) => number) | undefined;

  constructor(sampler: Sampler, options: BatchSamplerOptions) {
    checkKeys('BatchSampler', options, ['batchSize', 'dropLast']);
    const { batchSize, dropLast = false } = options;
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw badValue('BatchSampler.batchSize', batchSize, 'an integer >= 1');
    }
    this.sampler = sampler;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
    this.epochAt = sampler.epochAt
      ? (batch, offset) => sampler.epochAt!(batch * batchSize + offset)
      : undefined;
  }

  get length(): number {
    const batches = this.sampler.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  get epoch(): number | undefined {
    return this.sampler.epoch;
  }

  setEpoch(epoch: number): void {
    this.sampler.setEpoch?.(epoch);
  }

  batches(start = 0): Iterator<readonly number[]> {
    const indices = this.sampler.indices(start * this.batchSize);
    const { batchSize, dropLast } = this;
    return {
      next(): IteratorResult<readonly number[]> {
        const batch: number[] = [];
        for (let i = 0; i < batchSize; i++) {
          const step = indices.next();
          if (step.done) break;
          batch.push(step.value);
        }
        if (batch.length === 0 || (dropLast && batch.length < batchSize))
          return { done: true, value: undefined };
        return { done: false, value: batch };
      },
    };
  }

  *[Symbol.iterator](): IterableIterator<readonly number[]> {
    const batches = this.batches();
    for (let step = batches.next(); !step.done; step = batches.next()) yield step.value;
  }
}

declare module '@engine/core' {
  interface SamplerTypes {
    BatchSampler: BatchSamplerOptions;
  }
}
