import type { HostArray, ThreeAxes } from '@engine/core';
import type { LoopPosition } from '../loops/loop.js';
import type { StoreState } from './store.js';

/** What a checkpoint says about itself. */
export interface CheckpointMeta {
  /** Layout of the folder: older ones are migrated when read, newer ones refused. */
  format: number;
  /** Names of the migrations that this checkpoint has no need of any more. */
  migrations?: readonly string[] | undefined;
  /** Epochs and iterations completed. */
  epoch: number;
  iter: number;
  seed: number;
  experimentName: string;
  /** Milliseconds since 1970. */
  time: number;
  engineVersion: string;
  /** tfjs backend that computed the weights: the same one continues bit for bit. */
  backend: string;
  /** Newest validation metrics by name. */
  metrics?: Record<string, number> | undefined;
  datasetMeta?: unknown;
}

/** Tensors and plain JSON of one part. */
export interface SavedState {
  tensors: Record<string, HostArray>;
  json: unknown;
}

/** A change of layout that is still to be made when an array is written: see `reverseAxes` of core. */
export interface PendingTurn {
  axes: ThreeAxes;
  /** Equal parts of the array, one after the other, of which each is turned for itself; 1. */
  parts?: number;
  /** Shape afterwards: PyTorch's. */
  shape: readonly number[];
}

/** Everything a run is, in host memory. Hooks may change it before it is written and after it is read. */
export interface CheckpointContent {
  meta: CheckpointMeta;
  /** Weights and buffers by PyTorch's names; in PyTorch's layouts but for those in `turns`. */
  model: Record<string, HostArray>;
  /**
   * Arrays captured in memory layout, by group (`model`, `optim`, or a key of `extra`) and name. Writing brings them into
   * PyTorch's layout, so that a training run does not wait for it; what was read from a file has none.
   */
  turns?: Record<string, Record<string, PendingTurn>>;
  /** What `loop.batch` counts in: a run that changes it resumes at another sample. */
  data?: { samples: number; batchSize?: number | undefined };
  /** Absent in checkpoints of weights only. */
  loop?: LoopPosition;
  optimWrapper?: SavedState;
  paramSchedulers?: unknown[];
  messageHub?: unknown;
  /** State of hooks by name, plain JSON. */
  hooks?: Record<string, unknown>;
  /** Positions of random streams by name. */
  random?: Record<string, unknown>;
  /** Which checkpoints are kept, and which are best. */
  store?: StoreState;
  /** Further groups of tensors, one file each, such as averaged weights. */
  extra?: Record<string, Record<string, HostArray>>;
}
