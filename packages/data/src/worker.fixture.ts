import { DATASETS, hostArray, register, TRANSFORMS, type HostArray } from '@engine/core';
import { threadId } from 'node:worker_threads';
import { BaseDataset, type BaseDatasetOptions } from './base-dataset.js';
import type { SampleContext } from './sample-context.js';
import type { DataInfo } from './item-store.js';

interface Sample {
  x: HostArray;
  label: number;
}

export interface CountingOptions extends BaseDatasetOptions {
  size: number;
}

/** Items 0..size-1, each with an array that says where it comes from. */
@register(DATASETS)
export class CountingDataset extends BaseDataset {
  static readonly workerModule = import.meta.url;
  /** Lists loaded in this thread. */
  static loads = 0;
  private readonly size: number;

  constructor({ size, ...options }: CountingOptions) {
    super(options);
    this.size = size;
  }

  protected override loadDataList(): DataInfo[] {
    CountingDataset.loads++;
    return Array.from({ length: this.size }, (_, i) => ({ value: i, label: i % 3 }));
  }

  override getCatIds(index: number): readonly number[] {
    return [this.getDataInfo(index)['label'] as number];
  }
}

/** Adds noise from the sample's stream. */
@register(TRANSFORMS)
export class AddNoise {
  static readonly workerModule = import.meta.url;
  transform(info: { value: number; label: number }, { rng, index, epoch }: SampleContext): Sample {
    return {
      x: hostArray(Float32Array.of(info.value, rng.float(), rng.normal(), index, epoch), [5]),
      label: info.label,
    };
  }
}

export interface FailAtOptions {
  index: number;
  how: 'hang' | 'wait' | 'throw' | 'exit' | 'uncaught' | 'drop' | 'function';
}

/** Does something bad on one sample. */
@register(TRANSFORMS)
export class FailAt {
  static readonly workerModule = import.meta.url;
  private readonly options: FailAtOptions;

  constructor(options: FailAtOptions) {
    this.options = options;
  }

  transform(results: { value: number }, { index }: SampleContext): unknown {
    if (results.value !== this.options.index) return results;
    switch (this.options.how) {
      case 'hang':
        for (;;);
      case 'wait':
        return new Promise(() => undefined);
      case 'throw':
        throw new RangeError(`sample ${index} is bad`);
      case 'exit':
        process.exit(7);
        break;
      case 'uncaught':
        return new Promise(() => {
          setImmediate(() => {
            throw new TypeError('thrown outside of any call');
          });
        });
      case 'drop':
        return null;
      case 'function':
        return { ...results, unsendable: () => 1 };
    }
    return results;
  }
}

/** Takes its time, so that an iteration can be left while a worker is busy. */
@register(TRANSFORMS)
export class Slow {
  static readonly workerModule = import.meta.url;
  transform(results: unknown): Promise<unknown> {
    return new Promise((resolve) => setTimeout(resolve, 5, results));
  }
}

/** Counts what this thread has loaded into shared memory given by the test. */
@register(TRANSFORMS)
export class CountCalls {
  static readonly workerModule = import.meta.url;
  private readonly cells: Int32Array;

  constructor({ cells }: { cells: Int32Array }) {
    this.cells = cells;
  }

  transform(results: unknown): unknown {
    Atomics.add(this.cells, 0, 1);
    Atomics.store(this.cells, 1, threadId);
    return results;
  }
}

declare module '@engine/core' {
  interface DatasetTypes {
    CountingDataset: CountingOptions;
  }
  interface TransformTypes {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    AddNoise: {};
    FailAt: FailAtOptions;
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    Slow: {};
    CountCalls: { cells: Int32Array };
  }
}
