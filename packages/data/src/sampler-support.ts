import { badValue } from '@engine/core';
import type { SamplerOptions } from './sampler.js';

/** The common options of a sampler, checked and completed. */
export function checkSamplerOptions(
  owner: string,
  options: SamplerOptions,
): { seed: number; rank: number; worldSize: number } {
  const seed = options.seed ?? 0;
  const rank = options.rank ?? 0;
  const worldSize = options.worldSize ?? 1;
  if (!Number.isSafeInteger(seed)) throw badValue(`${owner}.seed`, seed, 'an integer');
  if (!Number.isSafeInteger(worldSize) || worldSize < 1) {
    throw badValue(`${owner}.worldSize`, worldSize, 'an integer >= 1');
  }
  if (!Number.isSafeInteger(rank) || rank < 0 || rank >= worldSize) {
    throw badValue(`${owner}.rank`, rank, `an integer from 0 to ${worldSize - 1} (worldSize - 1)`);
  }
  return { seed, rank, worldSize };
}

/** Iterates over a function of the position. */
export class PositionIterator implements IterableIterator<number> {
  private position: number;
  private readonly end: number;
  private readonly at: (position: number) => number;

  constructor(start: number, end: number, at: (position: number) => number) {
    if (!Number.isSafeInteger(start) || start < 0) throw badValue('start', start, 'an integer >= 0');
    this.position = start;
    this.end = end;
    this.at = at;
  }

  next(): IteratorResult<number> {
    if (this.position >= this.end) return { done: true, value: undefined };
    return { done: false, value: this.at(this.position++) };
  }

  [Symbol.iterator](): this {
    return this;
  }
}
