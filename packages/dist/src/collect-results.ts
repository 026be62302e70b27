import { EngineError } from '@engine/core';
import type { ProcessGroup } from './process-group.js';

/**
 * Puts results of samplers that deal samples out in turn back into the order of the data: first of rank 0, first of
 * rank 1, …, second of rank 0, … Missing ones (null, undefined) are left out, and what goes beyond `size`, which
 * samplers repeat to give every rank the same number, is cut off.
 */
export function interleaveResults<T>(parts: readonly (readonly T[])[], size: number): T[] {
  const all: T[] = [];
  const longest = Math.max(0, ...parts.map((part) => part.length));
  for (let i = 0; i < longest && all.length < size; i++) {
    for (const part of parts) {
      const item = part[i];
      if (item !== undefined && item !== null && all.length < size) all.push(item);
    }
  }
  return all;
}

/**
 * Brings the results of all ranks to rank 0, in the order of the data.
 * @param results one per sample of this rank, plain data
 * @param size number of samples of the data set
 * @returns the list on rank 0, undefined on the others
 */
export async function collectResults<T>(
  results: readonly T[],
  size: number,
  group: ProcessGroup,
): Promise<T[] | undefined> {
  const parts = await group.gatherObject(results);
  return parts && interleaveResults(parts, size);
}

/** Collects results, computes something of them on rank 0, and gives the outcome to every rank. */
export type GatherResults = <T, R>(
  results: readonly T[],
  size: number,
  compute: (all: T[]) => R | Promise<R>,
) => Promise<R>;

/**
 * What an evaluator needs to work over the processes of a group. An error of `compute` on rank 0 ends the call on
 * every rank.
 */
export function gatherThrough(group: ProcessGroup): GatherResults {
  return async <T, R>(
    results: readonly T[],
    size: number,
    compute: (all: T[]) => R | Promise<R>,
  ): Promise<R> => {
    const all = await collectResults(results, size, group);
    let failure: unknown;
    let outcome: { value: R } | { error: string } | undefined;
    if (all !== undefined) {
      try {
        outcome = { value: await compute(all) };
      } catch (error) {
        failure = error;
        outcome = { error: String(error) };
      }
    }
    const shared = (await group.broadcastObject(outcome))!;
    if ('value' in shared) return shared.value;
    if (all !== undefined) throw failure;
    throw new EngineError({
      code: 'E_DIST_RANK0',
      what: 'Rank 0 failed while the others waited.',
      received: shared.error,
    });
  };
}
