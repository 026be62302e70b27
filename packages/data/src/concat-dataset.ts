import { isDeepStrictEqual } from 'node:util';
import {
  badValue,
  checkKeys,
  configOf,
  DATASETS,
  EngineError,
  register,
  show,
  type ComponentConfig,
} from '@engine/core';
import { asDataset, type Dataset, type Metainfo } from './dataset.js';
import { resolveIndex } from './item-store.js';
import type { SampleContext } from './sample-context.js';

export interface ConcatDatasetOptions {
  /** One or more datasets, in order. */
  datasets: readonly (Dataset | ComponentConfig)[];
  /** Do not read the data yet. Default false. */
  lazyInit?: boolean;
  /** Keys of `metainfo` that may differ between the datasets. Default none. */
  ignoreKeys?: string | readonly string[];
}

/** Datasets one behind the other. Its `metainfo` is that of the first; the others must agree with it. */
@register(DATASETS, { from: '@engine/data' })
export class ConcatDataset implements Dataset {
  readonly datasets: readonly Dataset[];
  private readonly lazyInit: boolean;
  private readonly ignoreKeys: readonly string[];
  /** Where each dataset ends. */
  private ends: readonly number[] | undefined;

  constructor(options: ConcatDatasetOptions) {
    checkKeys('ConcatDataset', options, ['datasets', 'lazyInit', 'ignoreKeys']);
    const { datasets, ignoreKeys = [] } = options;
    if (!Array.isArray(datasets) || datasets.length === 0) {
      throw badValue('ConcatDataset.datasets', datasets, 'a list of at least one dataset');
    }
    this.datasets = datasets.map((given: unknown, i) => asDataset(`ConcatDataset.datasets.${i}`, given));
    this.lazyInit = options.lazyInit ?? false;
    this.ignoreKeys = typeof ignoreKeys === 'string' ? [ignoreKeys] : ignoreKeys;
  }

  get length(): number {
    return this.bounds().at(-1)!;
  }

  get metainfo(): Metainfo {
    if (!this.lazyInit) this.fullInit();
    return this.datasets[0]!.metainfo ?? {};
  }

  /** @throws E_DATA_METAINFO when two datasets contradict each other */
  fullInit(): void {
    if (this.ends) return;
    for (const dataset of this.datasets) dataset.fullInit?.();
    this.compareMetainfo();
    this.measure();
  }

  getItem(index: number, context: SampleContext): unknown {
    const [dataset, at] = this.find(index);
    return dataset.getItem(at, context);
  }

  getDataInfo(index: number): Record<string, unknown> {
    const [dataset, at] = this.find(index);
    return dataset.getDataInfo?.(at) ?? {};
  }

  getCatIds(index: number): readonly number[] {
    const [dataset, at] = this.find(index);
    return dataset.getCatIds?.(at) ?? [];
  }

  workerConfig(): ComponentConfig | undefined {
    return configOf(this);
  }

  exportShared(): unknown {
    return this.datasets.map((dataset) => dataset.exportShared?.());
  }

  importShared(state: unknown): void {
    (state as unknown[]).forEach((part, i) => {
      const dataset = this.datasets[i]!;
      if (part === undefined) dataset.fullInit?.();
      else dataset.importShared?.(part);
    });
    this.measure();
  }

  notice(): string | undefined {
    const notices = new Set(
      this.datasets.map((dataset) => dataset.notice?.()).filter((text) => text !== undefined),
    );
    return notices.size ? [...notices].join(' ') : undefined;
  }

  private bounds(): readonly number[] {
    if (!this.ends) this.fullInit();
    return this.ends!;
  }

  private measure(): void {
    let end = 0;
    this.ends = this.datasets.map((dataset) => (end += dataset.length));
  }

  /** The dataset that holds an index (negative from the end), and the index there. */
  private find(index: number): [Dataset, number] {
    const ends = this.bounds();
    const at = resolveIndex('ConcatDataset', index, ends.at(-1)!);
    const which = ends.findIndex((end) => at < end);
    return [this.datasets[which]!, at - (which === 0 ? 0 : ends[which - 1]!)];
  }

  private compareMetainfo(): void {
    const without = (info: Metainfo): Metainfo =>
      Object.fromEntries(Object.entries(info).filter(([key]) => !this.ignoreKeys.includes(key)));
    const first = without(this.datasets[0]!.metainfo ?? {});
    this.datasets.forEach((dataset, i) => {
      const other = without(dataset.metainfo ?? {});
      for (const key of new Set([...Object.keys(first), ...Object.keys(other)])) {
        if (isDeepStrictEqual(first[key], other[key])) continue;
        throw new EngineError({
          code: 'E_DATA_METAINFO',
          what: `The datasets of a ConcatDataset disagree about metainfo.${key}.`,
          received: `${show(other[key])} in dataset ${i}`,
          expected: `${show(first[key])}, as in dataset 0`,
          fix: `use datasets that agree, or ignoreKeys: ['${key}']`,
        });
      }
    });
  }
}

declare module '@engine/core' {
  interface DatasetTypes {
    ConcatDataset: ConcatDatasetOptions;
  }
}
