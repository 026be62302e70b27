import { randomInt } from 'node:crypto';
import type { ProcessGroup } from './process-group.js';

/**
 * A seed that all ranks share: a fresh one of rank 0, below 2^31, or the one given there.
 * @param seed taken instead of a fresh one
 */
export async function syncRandomSeed(group?: ProcessGroup, seed?: number): Promise<number> {
  const own = seed ?? randomInt(2 ** 31);
  return group ? group.broadcastObject(own) : own;
}
