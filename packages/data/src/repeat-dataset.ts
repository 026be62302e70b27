import { badValue, checkKeys, DATASETS, register, type ComponentConfig } from '@engine/core';
import { DatasetWrapper } from './dataset-wrapper.js';
import type { Dataset } from './dataset.js';

export interface RepeatDatasetOptions {
  dataset: Dataset | ComponentConfig;
  /** How often the dataset comes in one epoch. */
  times: number;
  /** Do not read the data yet. Default false. */
  lazyInit?: boolean;
}

/** A dataset several times over, for datasets so small that epochs end too soon. */
@register(DATASETS, { from: '@engine/data' })
export class RepeatDataset extends DatasetWrapper {
  readonly times: number;

  constructor(options: RepeatDatasetOptions) {
    checkKeys('RepeatDataset', options, ['dataset', 'times', 'lazyInit']);
    super(options.dataset);
    if (!Number.isSafeInteger(options.times) || options.times < 1) {
      throw badValue('RepeatDataset.times', options.times, 'an integer >= 1');
    }
    this.times = options.times;
  }

  get length(): number {
    return this.dataset.length * this.times;
  }

  protected place(index: number): number {
    return index % this.dataset.length;
  }
}

declare module '@engine/core' {
  interface DatasetTypes {
    RepeatDataset: RepeatDatasetOptions;
  }
}
