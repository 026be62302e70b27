import { sampleContext, type Dataset } from '@engine/data';
import { expect } from 'vitest';
import { describeChecks, type ConformanceCheck } from './conformance.js';

export interface DatasetSuiteOptions {
  /** Name of the class, for the test's title. */
  name: string;
  /** Makes a dataset; twice the same. */
  create(): Dataset;
}

/** What every dataset must do, one check at a time; {@link datasetSuite} makes tests of them. */
export function datasetChecks({ create }: DatasetSuiteOptions): ConformanceCheck[] {
  const ready = (): Dataset => {
    const dataset = create();
    dataset.fullInit?.();
    return dataset;
  };
  const item = async (dataset: Dataset, index: number): Promise<unknown> =>
    dataset.getItem(index, sampleContext(index, { seed: 3, epoch: 1 }));
  return [
    {
      title: 'has a length, a whole number above 0',
      run: () => {
        const { length } = ready();
        expect(Number.isInteger(length) && length > 0).toBe(true);
      },
    },
    {
      title: 'gives an item for the first, the middle and the last index',
      run: async () => {
        const dataset = ready();
        for (const index of [0, Math.floor(dataset.length / 2), dataset.length - 1])
          expect(await item(dataset, index)).toBeDefined();
      },
    },
    {
      title: 'gives the same item for the same index, seed and epoch, in whatever order it is asked',
      run: async () => {
        const dataset = ready();
        const last = dataset.length - 1;
        const [first, end] = [
          structuredClone(await item(dataset, 0)),
          structuredClone(await item(dataset, last)),
        ];
        const other = ready();
        expect(await item(other, last)).toEqual(end);
        expect(await item(other, 0)).toEqual(first);
        expect(await item(dataset, 0)).toEqual(first);
      },
    },
    {
      title: 'gives items that worker threads can send',
      run: async () => {
        const sent: unknown = structuredClone(await item(ready(), 0));
        expect(sent).toEqual(await item(ready(), 0));
      },
    },
    {
      title: 'can be initialised twice',
      run: () => {
        const dataset = ready();
        const { length } = dataset;
        dataset.fullInit?.();
        expect(dataset.length).toBe(length);
      },
    },
    {
      title: 'takes over in another thread what it shares',
      run: async () => {
        const dataset = ready();
        const shared = dataset.exportShared?.();
        if (shared === undefined) return;
        const other = create();
        other.importShared!(structuredClone(shared));
        expect(other.length).toBe(dataset.length);
        expect(await item(other, dataset.length - 1)).toEqual(await item(dataset, dataset.length - 1));
      },
    },
  ];
}

/** What every dataset must do. Call it at the top level of a test file. */
export function datasetSuite(options: DatasetSuiteOptions): void {
  describeChecks(`${options.name} as a dataset`, datasetChecks(options));
}
