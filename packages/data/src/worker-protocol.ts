import type { ComponentConfig } from '@engine/core';
import type { PortableCollate } from './collate.js';
import type { PortableError } from './portable-error.js';

/** What a worker thread is started with. */
export interface WorkerSetup {
  dataset: ComponentConfig;
  /** Scope in which the dataset's config names its parts. */
  scope: string | undefined;
  /** Modules to import first: absolute URLs, paths or package names. */
  modules: readonly string[];
  /** The dataset's `exportShared()`. */
  shared: unknown;
  /** Undefined: samples are sent as they are and collated in the main thread. */
  collate: PortableCollate | undefined;
  seed: number;
  /** Memory of the worker's status. */
  status: SharedArrayBuffer;
  /** Iterations that nobody waits for any more; see {@link isCancelled}. */
  cancelled: SharedArrayBuffer;
}

/** A batch to load. */
export interface LoadRequest {
  iteration: number;
  seq: number;
  indices: readonly number[];
  epochs: number | readonly number[];
}

export type WorkerReply =
  | { kind: 'ready' }
  | { kind: 'failed'; error: PortableError }
  | { kind: 'batch'; iteration: number; seq: number; batch: unknown }
  | { kind: 'skipped'; iteration: number; seq: number }
  | {
      kind: 'error';
      iteration: number;
      seq: number;
      error: PortableError;
      sample: number | undefined;
      part: string | undefined;
    };

/** Iterations that can be marked at a time; one is only ever a few ahead of the oldest in use. */
const CANCEL_SLOTS = 256;

export function cancelTable(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(CANCEL_SLOTS * Int32Array.BYTES_PER_ELEMENT));
}

/** Marks an iteration (numbered from 1) so that workers drop its batches, also the one in progress. */
export function markCancelled(table: Int32Array, iteration: number): void {
  Atomics.store(table, iteration % CANCEL_SLOTS, iteration);
}

export function isCancelled(table: Int32Array, iteration: number): boolean {
  return Atomics.load(table, iteration % CANCEL_SLOTS) === iteration;
}
