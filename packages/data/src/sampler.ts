/**
 * Gives the order of samples as a pure function of its options, the epoch and the position, so that an order can be
 * entered at any point. Registered in DATA_SAMPLERS; built as `new X(dataset, options)`, where the options always
 * include `seed`, `rank` and `worldSize`.
 */
export interface Sampler extends Iterable<number> {
  /** Samples of one epoch on this rank. */
  readonly length: number;
  /** Epoch in force, where the order depends on it. */
  readonly epoch?: number;
  setEpoch?(epoch: number): void;
  /** Dataset indices from position `start` on, without visiting those before it. Endless for an endless sampler. */
  indices(start?: number): IterableIterator<number>;
  /** For an endless sampler: the number of the pass over the data that a position belongs to. */
  epochAt?(position: number): number;
}

/** What a sampler needs to know of a dataset. */
export interface Sized {
  readonly length: number;
}

export interface SamplerOptions {
  /** The same on every rank. Default 0. */
  seed?: number | null;
  /** This process among `worldSize`. Default 0. */
  rank?: number;
  /** Number of processes that share the data. Default 1. */
  worldSize?: number;
}
