import { EngineError } from '@engine/core';
import type { Tensor } from '@engine/tensor';
import type { ProcessGroup, ReduceOp } from './process-group.js';
import { parseReduceOp, reduceTensors } from './reduce.js';

/**
 * A process group made of two primitives: every rank gives a value and gets those of all. Groups that can do better
 * for one collective override it.
 */
export abstract class GatheringGroup implements ProcessGroup {
  abstract readonly backend: string;
  abstract readonly rank: number;
  abstract readonly worldSize: number;

  abstract allGatherObject<V>(value: V): Promise<V[]>;
  abstract allGather<T extends Tensor>(tensor: T): Promise<T[]>;

  async allReduce<T extends Tensor>(tensor: T, op: ReduceOp = 'sum'): Promise<T> {
    const name = parseReduceOp(op);
    const all = await this.allGather(tensor);
    try {
      return await reduceTensors(all, name);
    } finally {
      for (const each of all) each.dispose();
    }
  }

  async gather<T extends Tensor>(tensor: T, dst = 0): Promise<T[]> {
    this.checkRank(dst);
    const all = await this.allGather(tensor);
    if (this.rank === dst) return all;
    for (const each of all) each.dispose();
    return [];
  }

  async broadcast<T extends Tensor>(tensor: T, src = 0): Promise<T> {
    this.checkRank(src);
    const all = await this.allGather(tensor);
    all.forEach((each, rank) => {
      if (rank !== src) each.dispose();
    });
    return all[src]!;
  }

  async broadcastObject<V>(value: V, src = 0): Promise<V> {
    this.checkRank(src);
    return (await this.allGatherObject(value))[src]!;
  }

  async gatherObject<V>(value: V, dst = 0): Promise<V[] | undefined> {
    this.checkRank(dst);
    const all = await this.allGatherObject(value);
    return this.rank === dst ? all : undefined;
  }

  async barrier(): Promise<void> {
    await this.allGatherObject(null);
  }

  async destroy(): Promise<void> {}

  /** @throws E_DIST_RANK for a rank that the group does not have */
  protected checkRank(rank: number): void {
    if (Number.isInteger(rank) && rank >= 0 && rank < this.worldSize) return;
    throw new EngineError({
      code: 'E_DIST_RANK',
      what: `The process group has no rank ${rank}.`,
      received: String(rank),
      expected: `a whole number from 0 to ${this.worldSize - 1}`,
    });
  }
}
