import { configOf, type ComponentConfig } from '@engine/core';
import { asDataset, type Dataset, type Metainfo } from './dataset.js';
import { resolveIndex } from './item-store.js';
import type { SampleContext } from './sample-context.js';

/** A dataset whose items are those of another one, at other places. */
export abstract class DatasetWrapper implements Dataset {
  readonly dataset: Dataset;

  constructor(dataset: unknown) {
    this.dataset = asDataset(`${new.target.name}.dataset`, dataset);
  }

  abstract get length(): number;

  /** The index in the wrapped dataset of the item at `index`, from 0 to length - 1. */
  protected abstract place(index: number): number;

  get metainfo(): Metainfo {
    return this.dataset.metainfo ?? {};
  }

  fullInit(): void {
    this.dataset.fullInit?.();
  }

  getItem(index: number, context: SampleContext): unknown {
    return this.dataset.getItem(this.innerIndex(index), context);
  }

  getDataInfo(index: number): Record<string, unknown> {
    return this.dataset.getDataInfo?.(this.innerIndex(index)) ?? {};
  }

  getCatIds(index: number): readonly number[] {
    return this.dataset.getCatIds?.(this.innerIndex(index)) ?? [];
  }

  workerConfig(): ComponentConfig | undefined {
    return configOf(this);
  }

  exportShared(): unknown {
    return this.dataset.exportShared?.();
  }

  importShared(state: unknown): void {
    if (state === undefined) this.dataset.fullInit?.();
    else this.dataset.importShared?.(state);
  }

  notice(): string | undefined {
    return this.dataset.notice?.();
  }

  private innerIndex(index: number): number {
    return this.place(resolveIndex(this.constructor.name, index, this.length));
  }
}
