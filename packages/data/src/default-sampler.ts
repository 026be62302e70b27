import { badValue, checkKeys, DATA_SAMPLERS, RandomStream, register } from '@engine/core';
import { checkSamplerOptions, PositionIterator } from './sampler-support.js';
import type { Sampler, SamplerOptions, Sized } from './sampler.js';

export interface DefaultSamplerOptions extends SamplerOptions {
  /** A new permutation every epoch. Default true. */
  shuffle?: boolean;
  /** Repeat the first samples so that every rank has ceil(N / worldSize). Default true. */
  roundUp?: boolean;
}

/**
 * One pass over the dataset per epoch, dealt to the ranks one sample at a time: rank r gets positions r, r + worldSize,
 * … of an order that is the same on all ranks, a permutation drawn from (seed, epoch).
 */
@register(DATA_SAMPLERS, { from: '@engine/data' })
export class DefaultSampler implements Sampler {
  readonly shuffle: boolean;
  readonly roundUp: boolean;
  readonly seed: number;
  readonly rank: number;
  readonly worldSize: number;
  private readonly dataset: Sized;
  private currentEpoch = 0;
  private cached: { epoch: number; size: number; order: Uint32Array } | undefined;

  constructor(dataset: Sized, options: DefaultSamplerOptions = {}) {
    checkKeys('DefaultSampler', options, ['shuffle', 'roundUp', 'seed', 'rank', 'worldSize']);
    ({
      seed: this.seed,
      rank: this.rank,
      worldSize: this.worldSize,
    } = checkSamplerOptions('DefaultSampler', options));
    this.dataset = dataset;
    this.shuffle = options.shuffle ?? true;
    this.roundUp = options.roundUp ?? true;
  }

  get length(): number {
    const size = this.dataset.length;
    return this.roundUp
      ? Math.ceil(size / this.worldSize)
      : Math.max(0, Math.ceil((size - this.rank) / this.worldSize));
  }

  get epoch(): number {
    return this.currentEpoch;
  }

  setEpoch(epoch: number): void {
    if (!Number.isSafeInteger(epoch) || epoch < 0)
      throw badValue('DefaultSampler.epoch', epoch, 'an integer >= 0');
    this.currentEpoch = epoch;
  }

  indices(start = 0): IterableIterator<number> {
    const size = this.dataset.length;
    const order = this.shuffle ? this.order(size) : undefined;
    const { rank, worldSize } = this;
    return new PositionIterator(start, this.length, (position) => {
      const place = (position * worldSize + rank) % size;
      return order ? order[place]! : place;
    });
  }

  [Symbol.iterator](): IterableIterator<number> {
    return this.indices();
  }

  private order(size: number): Uint32Array {
    if (this.cached?.epoch !== this.currentEpoch || this.cached.size !== size) {
      const order = RandomStream.of(this.seed, 'order', this.currentEpoch).permutation(size);
      this.cached = { epoch: this.currentEpoch, size, order };
    }
    return this.cached.order;
  }
}

declare module '@engine/core' {
  interface SamplerTypes {
    DefaultSampler: DefaultSamplerOptions;
  }
}
