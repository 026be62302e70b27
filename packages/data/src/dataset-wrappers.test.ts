import { DATASETS, EngineError, register } from '@engine/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BaseDataset } from './base-dataset.js';
import { ClassBalancedDataset } from './class-balanced-dataset.js';
import { ConcatDataset } from './concat-dataset.js';
import type { Dataset } from './dataset.js';
import type { DataInfo } from './item-store.js';
import { RepeatDataset } from './repeat-dataset.js';
import { sampleContext } from './sample-context.js';

@register(DATASETS)
class WrapperToy extends BaseDataset {
  private readonly values: number[];
  constructor({ values, ...options }: { values: number[]; metainfo?: Record<string, unknown> }) {
    super(options);
    this.values = values;
  }
  protected override loadDataList(): DataInfo[] {
    return this.values.map((value) => ({ value }));
  }
  override getCatIds(index: number): readonly number[] {
    return [this.getDataInfo(index)['value'] as number];
  }
}

function toy(values: number[], metainfo: Record<string, unknown> = {}): WrapperToy {
  return new WrapperToy({ values, metainfo });
}

function values(dataset: Dataset): unknown[] {
  return Array.from(
    { length: dataset.length },
    (_, i) => (dataset.getItem(i, sampleContext(i)) as { value: number }).value,
  );
}

/** What a worker thread would have. */
function copyOf(dataset: Dataset, build: () => Dataset): Dataset {
  const copy = build();
  copy.importShared!(structuredClone(dataset.exportShared!()));
  return copy;
}

describe('ConcatDataset', () => {
  it('puts datasets one behind the other', () => {
    const dataset = new ConcatDataset({
      datasets: [toy([1, 2]), { type: 'WrapperToy', values: [] }, toy([3])],
    });
    expect(values(dataset)).toEqual([1, 2, 3]);
    expect(dataset.getDataInfo(-1)).toEqual({ value: 3, sampleIdx: 0 });
    expect(dataset.getCatIds(2)).toEqual([3]);
    expect(() => dataset.getItem(3, sampleContext(3))).toThrow(EngineError);
    expect(() => dataset.getItem(-4, sampleContext(0))).toThrow(EngineError);
  });

  it('wants metainfo to agree, except for ignored keys', () => {
    const a = toy([1], { classes: ['x'], from: 'a' });
    const b = toy([2], { classes: ['x'], from: 'b' });
    expect(() => new ConcatDataset({ datasets: [a, b] }).length).toThrow(/disagree about metainfo\.from/);
    const dataset = new ConcatDataset({ datasets: [a, b], ignoreKeys: 'from' });
    expect(dataset.metainfo).toEqual({ classes: ['x'], from: 'a' });
    expect(() => new ConcatDataset({ datasets: [a, toy([1])], ignoreKeys: ['from'] }).length).toThrow(
      /metainfo\.classes/,
    );
  });

  it('goes to worker threads', () => {
    const build = (): ConcatDataset => new ConcatDataset({ datasets: [toy([1, 2]), toy([3])] });
    const smaller = new ConcatDataset({ datasets: [toy([1, 2]).getSubset([1]), toy([3])] });
    expect(values(copyOf(smaller, build))).toEqual([2, 3]);
  });

  it('rejects what is no dataset', () => {
    expect(() => new ConcatDataset({ datasets: [] })).toThrow(/ConcatDataset\.datasets/);
    expect(() => new ConcatDataset({ datasets: [5 as never] })).toThrow(/ConcatDataset\.datasets\.0 = 5/);
  });
});

describe('RepeatDataset', () => {
  it('repeats', () => {
    const dataset = new RepeatDataset({ dataset: toy([1, 2]), times: 3 });
    expect(values(dataset)).toEqual([1, 2, 1, 2, 1, 2]);
    expect(() => new RepeatDataset({ dataset: toy([1]), times: 0 })).toThrow(/RepeatDataset\.times = 0/);
    expect(values(copyOf(dataset, () => new RepeatDataset({ dataset: toy([7, 7]), times: 3 })))).toEqual([
      1, 2, 1, 2, 1, 2,
    ]);
  });
});

describe('ClassBalancedDataset', () => {
  it('repeats a class that 1 % of the items have twice at a threshold of 0.04, one of 50 % not', () => {
    const classes = [0, ...new Array<number>(50).fill(1), ...new Array<number>(49).fill(2)];
    const dataset = new ClassBalancedDataset({ dataset: toy(classes), oversampleThr: 0.04 });
    expect(dataset.length).toBe(101);
    expect(values(dataset).slice(0, 3)).toEqual([0, 0, 1]);
    expect(
      values(copyOf(dataset, () => new ClassBalancedDataset({ dataset: toy([5]), oversampleThr: 1 }))),
    ).toEqual(values(dataset));
  });

  it('follows its formula', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4), { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (classes, oversampleThr) => {
          const dataset = new ClassBalancedDataset({ dataset: toy(classes), oversampleThr });
          const expected = classes.flatMap((id) => {
            const frequency = classes.filter((other) => other === id).length / classes.length;
            return new Array<number>(Math.ceil(Math.max(1, Math.sqrt(oversampleThr / frequency)))).fill(id);
          });
          expect(values(dataset)).toEqual(expected);
        },
      ),
    );
  });

  it('repeats by the rarest class of an item, and leaves items without classes', () => {
    const cats = [[0, 1], [1], [1], []];
    const many: Dataset = { length: 4, getItem: (value) => ({ value }), getCatIds: (index) => cats[index]! };
    // Class 0 is in a quarter of the items: √(0.5 / 0.25) rounds up to 2; class 1 in three quarters.
    expect(values(new ClassBalancedDataset({ dataset: many, oversampleThr: 0.5 }))).toEqual([0, 0, 1, 2, 3]);
    const none: Dataset = { length: 1, getItem: () => 0 };
    expect(() => new ClassBalancedDataset({ dataset: none, oversampleThr: 0.5 }).length).toThrow(/getCatIds/);
  });
});
