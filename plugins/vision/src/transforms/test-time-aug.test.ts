import { hostArray, type HostArray } from '@engine/core';
import { sampleContext } from '@engine/data';
import { describe, expect, it } from 'vitest';
import { TestTimeAug } from './index.js';

const image = (): HostArray => hostArray(Float32Array.of(1, 2, 3, 4, 5, 6), [1, 2, 3]);
const flips = [
  { type: 'RandomFlip', prob: 0 },
  { type: 'RandomFlip', prob: 1 },
];
const context = sampleContext(0);

describe('TestTimeAug', () => {
  it('gives every combination of the choices, key by key, and leaves the sample alone', () => {
    const sample = { img: image(), gtLabel: 3 };
    const scale = (by: number) => (given: { img: HostArray }) => ({
      ...given,
      img: hostArray(
        (given.img.data as Float32Array).map((value) => value * by),
        given.img.shape,
      ),
    });
    const aug = new TestTimeAug({
      transforms: [[scale(1), scale(10)], flips, [{ type: 'PackInputs' }]] as never,
    });
    const views = aug.transform(sample, context) as { inputs: HostArray[]; gtLabels: number[] };
    expect(views.gtLabels).toEqual([3, 3, 3, 3]);
    expect(views.inputs.map(({ data }) => [...(data as Float32Array)])).toEqual([
      [1, 2, 3, 4, 5, 6],
      [4, 5, 6, 1, 2, 3],
      [10, 20, 30, 40, 50, 60],
      [40, 50, 60, 10, 20, 30],
    ]);
    expect(sample).toEqual({ img: image(), gtLabel: 3 });
  });

  it('waits for transforms that do, and drops a sample of which a view is dropped', async () => {
    const later = new TestTimeAug({ transforms: [[(given: object) => Promise.resolve(given)]] as never });
    expect(await later.transform({ a: 1 }, context)).toEqual({ a: [1] });
    const dropping = new TestTimeAug({ transforms: [[(given: object) => given, () => null]] as never });
    expect(dropping.transform({ a: 1 }, context)).toBeNull();
  });

  it('refuses what is no list of choices', () => {
    for (const transforms of [undefined, [], [[]], [{ type: 'RandomFlip' }]]) {
      expect(() => new TestTimeAug({ transforms } as never)).toThrow(/TestTimeAug\.transforms/);
    }
  });
});
