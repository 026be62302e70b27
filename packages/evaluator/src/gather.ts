import { serviceToken } from '@engine/core';

/**
 * Brings the results of all processes together in the order of the data, cuts them to `size`, computes something of
 * them once, and gives the outcome to every process.
 */
export type Gather = <T, R>(
  results: readonly T[],
  size: number,
  compute: (all: T[]) => R | Promise<R>,
) => Promise<R>;

/** How metrics gather in this run; `gatherThrough(group)` of the dist package fits. */
export const GATHER = serviceToken<Gather>('gather');

/** Gathering of a run that has one process. */
export const gatherLocally: Gather = async (results, size, compute) => compute(results.slice(0, size));
