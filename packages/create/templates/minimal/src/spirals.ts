import { badValue, DATASETS, hostArray, RandomStream, register } from '@engine/core';
import { BaseDataset, type BaseDatasetOptions } from '@engine/data';

export interface SpiralsOptions extends BaseDatasetOptions {
  /** Number of points. */
  count: number;
  /** Two seeds give other points; 0. */
  seed?: number;
}

declare module '@engine/core' {
  interface DatasetTypes {
    Spirals: SpiralsOptions;
  }
}

/** Points of two arms of a spiral, to be told apart. */
@register(DATASETS)
export class Spirals extends BaseDataset {
  static override METAINFO = { classes: ['first', 'second'] };
  private readonly count: number;
  private readonly seed: number;

  constructor({ count, seed = 0, ...options }: SpiralsOptions) {
    super(options);
    if (!Number.isInteger(count) || count < 1)
      throw badValue('Spirals.count', count, 'a whole number above 0');
    this.count = count;
    this.seed = seed;
  }

  protected override loadDataList() {
    return Array.from({ length: this.count }, (_, index) => {
      const gtLabel = index % 2;
      const stream = RandomStream.of(this.seed, 'spirals', index);
      const radius = stream.uniform(0.1, 1);
      const angle = 3 * radius + gtLabel * Math.PI + stream.uniform(-0.2, 0.2);
      const point = Float32Array.of(radius * Math.cos(angle), radius * Math.sin(angle));
      return { gtLabels: gtLabel, inputs: hostArray(point, [2]) };
    });
  }
}
