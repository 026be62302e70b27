import { checkKeys, DATA_SAMPLERS, RandomStream, register } from '@engine/core';
import { checkSamplerOptions, PositionIterator } from './sampler-support.js';
import type { Sampler, SamplerOptions, Sized } from './sampler.js';

export interface InfiniteSamplerOptions extends SamplerOptions {
  /** A new permutation every pass. Default true. */
  shuffle?: boolean;
}

/**
 * Endless passes over the dataset for iteration-based training. The passes form one stream, dealt to the ranks one
 * sample at a time; pass k is a permutation drawn from (seed, k), so any position is reached by arithmetic.
 * `length` is that of the dataset, not of the rank's part; `setEpoch` does nothing.
 */
@register(DATA_SAMPLERS, { from: '@engine/data' })
export class InfiniteSampler implements Sampler {
  readonly shuffle: boolean;
  readonly seed: number;
  readonly rank: number;
  readonly worldSize: number;
  private readonly dataset: Sized;

  constructor(dataset: Sized, options: InfiniteSamplerOptions = {}) {
    checkKeys('InfiniteSampler', options, ['shuffle', 'seed', 'rank', 'worldSize']);
    ({
      seed: this.seed,
      rank: this.rank,
      worldSize: this.worldSize,
    } = checkSamplerOptions('InfiniteSampler', options));
    this.dataset = dataset;
    this.shuffle = options.shuffle ?? true;
  }

  get length(): number {
    return this.dataset.length;
  }

  setEpoch(): void {}

  epochAt(position: number): number {
    return Math.floor((position * this.worldSize + this.rank) / this.dataset.length);
  }

  indices(start = 0): IterableIterator<number> {
    const size = this.dataset.length;
    const { rank, worldSize, seed, shuffle } = this;
    let pass = -1;
    let order: Uint32Array | undefined;
    return new PositionIterator(start, size === 0 ? 0 : Number.MAX_SAFE_INTEGER, (position) => {
      const place = position * worldSize + rank;
      const offset = place % size;
      if (!shuffle) return offset;
      const current = (place - offset) / size;
      if (current !== pass || !order) {
        pass = current;
        order = RandomStream.of(seed, 'order', pass).permutation(size);
      }
      return order[offset]!;
    });
  }

  [Symbol.iterator](): IterableIterator<number> {
    return this.indices();
  }
}

declare module '@engine/core' {
  interface SamplerTypes {
    InfiniteSampler: InfiniteSamplerOptions;
  }
}
