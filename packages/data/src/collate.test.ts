import { COLLATE_FUNCTIONS, hostArray, isHostArray, type HostArray } from '@engine/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveCollate } from './collate.js';
import { defaultCollate } from './default-collate.js';
import { ownedBuffers } from './owned-buffers.js';
import { pseudoCollate } from './pseudo-collate.js';

class Element {
  constructor(readonly id: number) {}
}

describe('defaultCollate', () => {
  it('stacks arrays and numbers, and lists the rest', () => {
    const elements = [new Element(0), new Element(1)];
    const sample = (i: number): object => ({
      inputs: hostArray(Uint8Array.of(i, 10 + i), [1, 2]),
      label: i,
      score: i + 0.5,
      good: i === 1,
      name: `n${i}`,
      boxes: [i, [i * 2, 'x']],
      typed: Float32Array.of(i),
      element: elements[i],
      nothing: null,
      nested: { at: { deep: i } },
    });
    expect(defaultCollate([sample(0), sample(1)])).toEqual({
      inputs: hostArray(Uint8Array.of(0, 10, 1, 11), [2, 1, 2]),
      label: hostArray(Int32Array.of(0, 1), [2]),
      score: hostArray(Float32Array.of(0.5, 1.5), [2]),
      good: hostArray(Uint8Array.of(0, 1), [2], 'bool'),
      name: ['n0', 'n1'],
      boxes: [hostArray(Int32Array.of(0, 1), [2]), [hostArray(Int32Array.of(0, 2), [2]), ['x', 'x']]],
      typed: hostArray(Float32Array.of(0, 1), [2, 1]),
      element: elements,
      nothing: [null, null],
      nested: { at: { deep: hostArray(Int32Array.of(0, 1), [2]) } },
    });
  });

  it('makes integers int32 only if all of them are', () => {
    const dtype = (batch: number[]): string => (defaultCollate(batch) as HostArray).dtype;
    expect(dtype([1, -2, 2147483647])).toBe('int32');
    expect(dtype([1, 2.5])).toBe('float32');
    expect(dtype([1, 2147483648])).toBe('float32');
    expect(dtype([NaN, 1])).toBe('float32');
    expect(dtype([-0, 1])).toBe('float32');
  });

  it('keeps every element in its place', () => {
    const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 6 }), (shape, count) => {
        const size = shape.reduce((a, b) => a * b, 1);
        const batch = Array.from({ length: count }, (_, b) =>
          hostArray(
            Float32Array.from({ length: size }, (_, i) => b * 1000 + i),
            shape,
          ),
        );
        const stacked = defaultCollate(batch) as HostArray;
        expect(stacked.shape).toEqual([count, ...shape]);
        expect([...(stacked.data as Float32Array)]).toEqual(
          batch.flatMap((item) => [...(item.data as Float32Array)]),
        );
      }),
    );
  });

  it('names the place and the shapes when samples are unlike', () => {
    const image = (h: number): object => ({ a: { img: hostArray(new Uint8Array(h * 2), [h, 2]) } });
    expect(() => defaultCollate([image(3), image(3), image(4)])).toThrow(
      /at 'a\.img'.*\n.*uint8 \[4, 2\] in sample 2\n.*uint8 \[3, 2\], as in sample 0/,
    );
    expect(() => defaultCollate([{ x: 1 }, { y: 1 }])).toThrow(/at 'x'.*\n.*sample 1 with the keys y/);
    expect(() => defaultCollate([[1, 2], [1]])).toThrow(/unequal length/);
    expect(() => defaultCollate([1, 'a'])).toThrow(/'a' in sample 1/);
    expect(() => defaultCollate([true, 1])).toThrow(/1 in sample 1/);
    expect(() =>
      defaultCollate([hostArray(new Uint8Array(1), [1]), hostArray(new Int32Array(1), [1])]),
    ).toThrow(/int32 \[1\]/);
  });

  it('owns the memory of what it stacks, and of nothing else', () => {
    const mine = new Float32Array(4);
    const batch = defaultCollate([{ x: hostArray(mine, [4]), n: 1 }]) as Record<string, HostArray>;
    expect(new Set(ownedBuffers(batch))).toEqual(new Set([batch['x']!.data.buffer, batch['n']!.data.buffer]));
    expect(ownedBuffers(pseudoCollate([{ x: hostArray(mine, [4]) }]))).toEqual([]);
  });
});

describe('pseudoCollate', () => {
  it('collects without stacking', () => {
    const array = hostArray(Uint8Array.of(1), [1]);
    const big = hostArray(Uint8Array.of(1, 2), [2]);
    expect(
      pseudoCollate([
        { x: array, t: [1, 'a'], s: 'p' },
        { x: big, t: [2, 'b'], s: 'q' },
      ]),
    ).toEqual({
      x: [array, big],
      t: [
        [1, 2],
        ['a', 'b'],
      ],
      s: ['p', 'q'],
    });
    expect(pseudoCollate([1, 2])).toEqual([1, 2]);
  });

  it('transposes: place i, sample b of the result is sample b, place i', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer(), { minLength: 3, maxLength: 3 }), { minLength: 1 }),
        (batch) => {
          const collated = pseudoCollate(batch) as number[][];
          batch.forEach((sample, b) => sample.forEach((value, i) => expect(collated[i]![b]).toBe(value)));
        },
      ),
    );
    expect(() => pseudoCollate([[1], [1, 2]])).toThrow(/unequal length/);
  });
});

describe('resolveCollate', () => {
  it('finds functions by either spelling of their names, binds options, takes functions', () => {
    expect(resolveCollate('default_collate').run).toBe(defaultCollate);
    expect(resolveCollate({ type: 'pseudo_collate' }).run).toBe(pseudoCollate);
    expect(resolveCollate(defaultCollate).portable?.name).toBe('engine.defaultCollate');
    const scaled = (batch: readonly unknown[], options?: { by?: number }): number =>
      batch.length * (options?.by ?? 1);
    COLLATE_FUNCTIONS.add('collateTestScaled', scaled);
    expect(resolveCollate({ type: 'collateTestScaled', by: 4 }).run([1, 2])).toBe(8);
    expect(resolveCollate((batch) => batch).portable).toBeUndefined();
    expect(() => resolveCollate('defaultColate' as never)).toThrow(/did you mean 'defaultCollate'\?/);
    expect(() => resolveCollate(5 as never)).toThrow(/collateFn = 5/);
    expect(isHostArray(resolveCollate('defaultCollate').run([1]))).toBe(true);
  });
});
