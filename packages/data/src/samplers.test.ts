import { DATA_SAMPLERS, EngineError } from '@engine/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchSampler } from './batch-sampler.js';
import { DefaultSampler } from './default-sampler.js';
import { InfiniteSampler } from './infinite-sampler.js';

function take(indices: Iterator<number>, count: number): number[] {
  return Array.from({ length: count }, () => indices.next().value as number);
}

const world = fc
  .integer({ min: 1, max: 7 })
  .chain((worldSize) =>
    fc.record({ worldSize: fc.constant(worldSize), rank: fc.integer({ min: 0, max: worldSize - 1 }) }),
  );
const size = fc.integer({ min: 1, max: 60 });
const seed = fc.integer({ min: 0, max: 1e9 });

describe('DefaultSampler', () => {
  it('deals 100 items to rank 2 of 3, rounding up with the first ones', () => {
    const part = (roundUp: boolean): number[] => [
      ...new DefaultSampler({ length: 100 }, { shuffle: false, rank: 2, worldSize: 3, roundUp }),
    ];
    const dealt = Array.from({ length: 33 }, (_, i) => 3 * i + 2);
    expect(part(false)).toEqual(dealt);
    expect(part(true)).toEqual([...dealt, 1]);
  });

  it('gives every rank the same number of samples, and together every item, when it rounds up', () => {
    fc.assert(
      fc.property(
        size,
        seed,
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        (length, seed, worldSize, shuffle) => {
          const parts = Array.from({ length: worldSize }, (_, rank) => [
            ...new DefaultSampler({ length }, { seed, rank, worldSize, shuffle }),
          ]);
          expect(parts.every((part) => part.length === Math.ceil(length / worldSize))).toBe(true);
          // Interleaved and cut, the parts are a permutation: what an evaluator relies on.
          const order = parts[0]!.flatMap((_, i) => parts.map((part) => part[i]!));
          expect([...order.slice(0, length)].sort((a, b) => a - b)).toEqual(
            Array.from({ length }, (_, i) => i),
          );
          expect(order.slice(length)).toEqual(
            Array.from({ length: order.length - length }, (_, i) => order[i % length]),
          );
        },
      ),
    );
  });

  it('partitions the dataset when it does not round up', () => {
    fc.assert(
      fc.property(size, seed, fc.integer({ min: 1, max: 7 }), (length, seed, worldSize) => {
        const parts = Array.from({ length: worldSize }, (_, rank) => {
          const sampler = new DefaultSampler({ length }, { seed, rank, worldSize, roundUp: false });
          const part = [...sampler];
          expect(part).toHaveLength(sampler.length);
          return part;
        });
        expect(parts.flat().sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
      }),
    );
  });

  it('enters its order at any position', () => {
    fc.assert(
      fc.property(size, seed, world, fc.nat(70), (length, seed, ranks, start) => {
        const sampler = new DefaultSampler({ length }, { seed, ...ranks });
        sampler.setEpoch(3);
        expect([...sampler.indices(start)]).toEqual([...sampler].slice(start));
      }),
    );
  });

  it('gives another order in another epoch and for another seed, and the same one again', () => {
    const order = (seed: number, epoch: number): number[] => {
      const sampler = new DefaultSampler({ length: 50 }, { seed });
      sampler.setEpoch(epoch);
      return [...sampler];
    };
    expect(order(1, 0)).toEqual(order(1, 0));
    expect(order(1, 0)).not.toEqual(order(1, 1));
    expect(order(1, 0)).not.toEqual(order(2, 0));
    // Adding the epoch to the seed, as is often done, would make these two equal.
    expect(order(1, 1)).not.toEqual(order(2, 0));
  });

  it('keeps the order of an iteration that is under way when the epoch changes', () => {
    const sampler = new DefaultSampler({ length: 20 }, { seed: 1 });
    const first = [...sampler];
    const running = sampler.indices();
    const half = take(running, 10);
    sampler.setEpoch(1);
    expect([...half, ...running]).toEqual(first);
  });

  it('rejects options that make no sense', () => {
    const build = (options: object) => () =>
      DATA_SAMPLERS.build({ type: 'DefaultSampler', ...options } as never, { args: [{ length: 3 }] });
    expect(build({ suffle: true })).toThrow(/did you mean 'shuffle'\?/);
    expect(build({ rank: 2, worldSize: 2 })).toThrow(/DefaultSampler\.rank = 2/);
    expect(build({ seed: 0.5 })).toThrow(EngineError);
  });
});

describe('InfiniteSampler', () => {
  it('passes over the whole dataset again and again, in a new order each time', () => {
    const stream = take(new InfiniteSampler({ length: 9 }, { seed: 4 }).indices(), 27);
    const passes = [stream.slice(0, 9), stream.slice(9, 18), stream.slice(18)];
    for (const pass of passes) expect([...pass].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(new Set(passes.map(String)).size).toBe(3);
  });

  it('deals one stream to all ranks', () => {
    const whole = take(new InfiniteSampler({ length: 7 }, { seed: 4 }).indices(), 60);
    for (const rank of [0, 1, 2]) {
      const part = take(new InfiniteSampler({ length: 7 }, { seed: 4, rank, worldSize: 3 }).indices(), 20);
      expect(part).toEqual(whole.filter((_, i) => i % 3 === rank));
    }
  });

  it('enters its stream at any position, however far', () => {
    fc.assert(
      fc.property(size, seed, world, fc.nat(200), fc.boolean(), (length, seed, ranks, start, shuffle) => {
        const sampler = new InfiniteSampler({ length }, { seed, shuffle, ...ranks });
        expect(take(sampler.indices(start), 20)).toEqual(take(sampler.indices(), start + 20).slice(start));
      }),
    );
    const far = new InfiniteSampler({ length: 50_000 }, { seed: 4 });
    const start = 1_000_000_000;
    // Two entries into the same pass agree where they overlap.
    expect(take(far.indices(start), 100).slice(60)).toEqual(take(far.indices(start + 60), 40));
    expect(far.epochAt(start)).toBe(20_000);
  });

  it('has the length of the dataset on every rank, and begins anew with every iteration', () => {
    const sampler = new InfiniteSampler({ length: 10 }, { rank: 1, worldSize: 2 });
    expect(sampler.length).toBe(10);
    expect(take(sampler.indices(), 5)).toEqual(take(sampler.indices(), 5));
  });

  it('ends at once for an empty dataset', () => {
    expect([...new InfiniteSampler({ length: 0 }).indices()]).toEqual([]);
  });
});

describe('BatchSampler', () => {
  it('cuts the order into batches, the last one short or dropped', () => {
    fc.assert(
      fc.property(
        size,
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        fc.nat(8),
        (length, batchSize, dropLast, start) => {
          const sampler = new DefaultSampler({ length }, { seed: 2 });
          const batches = new BatchSampler(sampler, { batchSize, dropLast });
          const all = [...batches];
          expect(all).toHaveLength(batches.length);
          const order = [...sampler];
          expect(all.flat()).toEqual(dropLast ? order.slice(0, length - (length % batchSize)) : order);
          const later = batches.batches(start);
          const rest: number[][] = [];
          for (let step = later.next(); !step.done; step = later.next()) rest.push([...step.value]);
          expect(rest).toEqual(all.slice(start));
        },
      ),
    );
  });

  it('knows which pass each sample of a batch belongs to', () => {
    const batches = new BatchSampler(new InfiniteSampler({ length: 5 }), { batchSize: 3 });
    expect([0, 1, 2].map((offset) => batches.epochAt!(1, offset))).toEqual([0, 0, 1]);
  });
});
