import { DATA_SAMPLERS } from '@engine/core';
import '@engine/data';
import type { Sampler } from '@engine/data';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.js';

interface SamplerCase {
  sampler: 'DefaultSampler' | 'InfiniteSampler';
  size: number;
  world: number;
  rank: number;
  round_up?: boolean;
  length?: number;
  take?: number;
  expected: number[];
}

const { cases } = readGolden<{ cases: SamplerCase[] }>('samplers.json');

describe('samplers as in the reference engine', () => {
  it('has cases', () => {
    expect(cases.length).toBeGreaterThan(0);
  });

  it.each(cases)('$sampler of $size, rank $rank of $world, round_up $round_up', (given) => {
    const { sampler: type, size, world: worldSize, rank, expected } = given;
    const roundUp = given.round_up === undefined ? {} : { roundUp: given.round_up };
    const sampler = DATA_SAMPLERS.build<Sampler>({ type, shuffle: false, ...roundUp } as never, {
      args: [{ length: size }],
      defaults: { seed: 0, rank, worldSize },
    });
    if (given.length !== undefined) expect(sampler.length).toBe(given.length);
    const take = given.take ?? expected.length;
    const indices = sampler.indices();
    const seen = Array.from({ length: take }, () => indices.next().value as number);
    expect(seen).toEqual(expected);
    if (given.take === undefined) expect(indices.next().done).toBe(true);
    // Entered in the middle, the order is the same.
    const later = sampler.indices(Math.floor(take / 2));
    expect(later.next().value).toEqual(expected[Math.floor(take / 2)]);
  });
});
