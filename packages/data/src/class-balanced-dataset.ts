import { badValue, checkKeys, DATASETS, register, type ComponentConfig } from '@engine/core';
import { DatasetWrapper } from './dataset-wrapper.js';
import type { Dataset } from './dataset.js';

export interface ClassBalancedDatasetOptions {
  /** A dataset with `getCatIds`. */
  dataset: Dataset | ComponentConfig;
  /** Frequency, in (0, 1], below which a class's items are repeated. */
  oversampleThr: number;
  /** Do not read the data yet. Default false. */
  lazyInit?: boolean;
}

/**
 * Repeats items with rare classes. An item is repeated ceil(max over its classes c of max(1, √(thr / f(c)))) times,
 * where f(c) is the fraction of items that contain c; an item without classes comes once.
 *
 * @see Gupta, Dollár, Girshick, "LVIS: A Dataset for Large Vocabulary Instance Segmentation", https://arxiv.org/abs/1908.03195, section 4
 */
@register(DATASETS, { from: '@engine/data' })
export class ClassBalancedDataset extends DatasetWrapper {
  readonly oversampleThr: number;
  private places: Uint32Array | undefined;

  constructor(options: ClassBalancedDatasetOptions) {
    checkKeys('ClassBalancedDataset', options, ['dataset', 'oversampleThr', 'lazyInit']);
    super(options.dataset);
    const { oversampleThr } = options;
    if (!(oversampleThr > 0 && oversampleThr <= 1)) {
      throw badValue('ClassBalancedDataset.oversampleThr', oversampleThr, 'a number in (0, 1]');
    }
    this.oversampleThr = oversampleThr;
  }

  get length(): number {
    return this.repeated().length;
  }

  override fullInit(): void {
    super.fullInit();
    this.repeated();
  }

  override exportShared(): unknown {
    const places = new Uint32Array(new SharedArrayBuffer(this.length * Uint32Array.BYTES_PER_ELEMENT));
    places.set(this.repeated());
    return { places, inner: super.exportShared() };
  }

  override importShared(state: unknown): void {
    const { places, inner } = state as { places: Uint32Array; inner: unknown };
    this.places = places;
    super.importShared(inner);
  }

  protected place(index: number): number {
    return this.repeated()[index]!;
  }

  private repeated(): Uint32Array {
    return (this.places ??= Uint32Array.from(repeatedPlaces(this.dataset, this.oversampleThr)));
  }
}

function repeatedPlaces(dataset: Dataset, threshold: number): number[] {
  if (!dataset.getCatIds) {
    throw badValue(
      'ClassBalancedDataset.dataset',
      dataset.constructor.name,
      'a dataset with getCatIds(index)',
    );
  }
  const classes = Array.from({ length: dataset.length }, (_, index) => new Set(dataset.getCatIds!(index)));
  const counts = new Map<number, number>();
  for (const item of classes) for (const id of item) counts.set(id, (counts.get(id) ?? 0) + 1);
  return classes.flatMap((item, index) => {
    let factor = 1;
    for (const id of item)
      factor = Math.max(factor, Math.sqrt(threshold / (counts.get(id)! / classes.length)));
    return new Array<number>(Math.ceil(factor)).fill(index);
  });
}

declare module '@engine/core' {
  interface DatasetTypes {
    ClassBalancedDataset: ClassBalancedDatasetOptions;
  }
}
