import type { HostArray } from '@engine/core';
import type { LoopPosition } from '../loops/loop.js';
import type { StoreState } from './store.js';

/** What a checkpoint says about itself. */
export interface CheckpointMeta {
  /** Layout of the folder; a reader refuses numbers it does not know. */
  format: 1;
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
  datasetMeta?: unknown;
}

/** Tensors and plain JSON of one part. */
export interface SavedState {
  tensors: Record<string, HostArray>;
  json: unknown;
}

/** Everything a run is, in host memory. Hooks may change it before it is written and after it is read. */
export interface CheckpointContent {
  meta: CheckpointMeta;
  /** Weights and buffers by PyTorch's names, in PyTorch's layouts. */
  model: Record<string, HostArray>;
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
