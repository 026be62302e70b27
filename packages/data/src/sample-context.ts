import { RandomStream } from '@engine/core';

/** What a transform may know beside the sample itself. */
export interface SampleContext {
  /** The sample's own random stream: a function of seed, epoch and index, not of who loads it. */
  readonly rng: RandomStream;
  /** Index in the dataset that the loader asked for. */
  readonly index: number;
  /** Epoch, or the number of the pass for an endless sampler. */
  readonly epoch: number;
  /** Told by a pipeline which of its transforms runs now, for error messages. */
  enter?(part: string): void;
}

/** The context that loaders make. The stream is seeded on first use, so samples without augmentation pay nothing. */
export class StreamContext implements SampleContext {
  readonly seed: number;
  readonly epoch: number;
  readonly index: number;
  private stream: RandomStream | undefined;

  constructor(seed: number, epoch: number, index: number) {
    this.seed = seed;
    this.epoch = epoch;
    this.index = index;
  }

  get rng(): RandomStream {
    return (this.stream ??= RandomStream.of(this.seed, 'augment', this.epoch, this.index));
  }
}

/** The context of one sample outside a loader; a loader with the same seed and epoch gives the same numbers. */
export function sampleContext(index: number, of: { seed?: number; epoch?: number } = {}): SampleContext {
  return new StreamContext(of.seed ?? 0, of.epoch ?? 0, index);
}
