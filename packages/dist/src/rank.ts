import type { ProcessGroup } from './process-group.js';

/** Rank and number of the run's processes. */
export interface DistInfo {
  rank: number;
  worldSize: number;
}

/** Place of this process in a group; rank 0 of 1 without one. */
export function getDistInfo(group?: ProcessGroup): DistInfo {
  return { rank: group?.rank ?? 0, worldSize: group?.worldSize ?? 1 };
}

/** True on rank 0, and without a group. */
export function isMainProcess(group?: ProcessGroup): boolean {
  return getDistInfo(group).rank === 0;
}

/** A function that runs on rank 0 only and returns undefined on the others. */
export function masterOnly<A extends unknown[], R>(
  fn: (...args: A) => R,
  group?: ProcessGroup,
): (...args: A) => R | undefined {
  return (...args) => (isMainProcess(group) ? fn(...args) : undefined);
}
