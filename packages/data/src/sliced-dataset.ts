import type { ComponentConfig } from '@engine/core';
import { configOf } from '@engine/core';
import { DatasetWrapper } from './dataset-wrapper.js';
import type { Dataset } from './dataset.js';

/** The first items of a dataset. Worker threads build the whole one: the indices are the same. */
export class SlicedDataset extends DatasetWrapper {
  private readonly limit: number;

  constructor(dataset: Dataset, limit: number) {
    super(dataset);
    this.limit = limit;
  }

  get length(): number {
    return Math.min(this.limit, this.dataset.length);
  }

  override workerConfig(): ComponentConfig | undefined {
    return this.dataset.workerConfig ? this.dataset.workerConfig() : configOf(this.dataset);
  }

  protected place(index: number): number {
    return index;
  }
}
