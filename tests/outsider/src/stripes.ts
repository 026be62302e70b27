import { badValue, RandomStream, register } from '@engine/core';
import { BaseDataset, type BaseDatasetOptions } from '@engine/data';
import { DATASETS } from './registry.js';

export interface StripesOptions extends BaseDatasetOptions {
  /** Number of images. */
  count: number;
  /** Two seeds give other images; 0. */
  seed?: number;
}

declare module '@engine/core' {
  interface DatasetTypes {
    'outsider.Stripes': StripesOptions;
  }
}

/** What an image is drawn from. */
export interface StripeSample {
  /** 0 for stripes that lie, 1 for stripes that stand. */
  gtLabel: number;
  /** Where the first stripe begins, in radians. */
  phase: number;
}

/** Images of stripes that lie or stand. */
@register(DATASETS, { from: 'outsider' })
export class Stripes extends BaseDataset {
  static override METAINFO = { classes: ['lying', 'standing'] };
  static readonly workerModule = import.meta.url;
  private readonly count: number;
  private readonly seed: number;

  constructor({ count, seed = 0, ...options }: StripesOptions) {
    super(options);
    if (!Number.isInteger(count) || count < 1)
      throw badValue('Stripes.count', count, 'a whole number above 0');
    this.count = count;
    this.seed = seed;
  }

  protected override loadDataList() {
    return Array.from({ length: this.count }, (_, index) => ({
      gtLabel: index % 2,
      phase: RandomStream.of(this.seed, 'stripes', index).uniform(0, 2 * Math.PI),
    }));
  }
}
