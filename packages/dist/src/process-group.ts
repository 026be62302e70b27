import { serviceToken } from '@engine/core';
import type { Tensor } from '@engine/tensor';

/** How values of all ranks become one; `band`, `bor` and `bxor` work on the bits of int32 tensors. */
export type ReduceOp = 'sum' | 'mean' | 'product' | 'min' | 'max' | 'band' | 'bor' | 'bxor';

/**
 * Processes that work on one run, as one of them sees it. Every rank must make the same calls in the same order.
 *
 * Tensor results are new tensors outside any scope: the caller disposes them, and keeps the ones it gave. Objects
 * travel as structured clones.
 */
export interface ProcessGroup {
  /** Kind of group, its name in PROCESS_GROUPS: `single`. */
  readonly backend: string;
  /** This process, from 0. */
  readonly rank: number;
  readonly worldSize: number;
  /** Element-wise reduction over the ranks, of the tensor's shape and dtype; the same result on every rank. */
  allReduce<T extends Tensor>(tensor: T, op?: ReduceOp): Promise<T>;
  /** The tensors of all ranks in rank order. */
  allGather<T extends Tensor>(tensor: T): Promise<T[]>;
  /** {@link allGather} on rank `dst`; an empty list on the others. */
  gather<T extends Tensor>(tensor: T, dst?: number): Promise<T[]>;
  /** The tensor of rank `src`; `tensor` elsewhere gives shape and dtype. */
  broadcast<T extends Tensor>(tensor: T, src?: number): Promise<T>;
  /** The value of rank `src`. */
  broadcastObject<V>(value: V, src?: number): Promise<V>;
  /** The values of all ranks in rank order. */
  allGatherObject<V>(value: V): Promise<V[]>;
  /** {@link allGatherObject} on rank `dst`; undefined on the others. */
  gatherObject<V>(value: V, dst?: number): Promise<V[] | undefined>;
  /** Waits until every rank is here. */
  barrier(): Promise<void>;
  /** Leaves the group; it cannot be used after. */
  destroy(): Promise<void>;
}

/** The run's process group, for `@inject(PROCESS_GROUP)`. */
export const PROCESS_GROUP = serviceToken<ProcessGroup>('processGroup');
