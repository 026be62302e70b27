/**
 * The training loop on one page, with every event in its place.
 *
 * ```text
 * train():
 *   beforeRun
 *   afterLoadCheckpoint                  only when weights or a whole run are loaded
 *   beforeTrain
 *   for each epoch:
 *     beforeTrainEpoch
 *     for each batch:
 *       beforeTrainIter
 *       outputs = model.trainStep(batch, optimWrapper)
 *       afterTrainIter                   iter still counts the steps before this one
 *     afterTrainEpoch                    epoch still counts the epochs before this one
 *     when validation is due:
 *       beforeVal
 *       beforeValEpoch
 *       for each batch:
 *         beforeValIter
 *         outputs = model.valStep(batch)
 *         afterValIter
 *       afterValEpoch                    carries the metrics
 *       afterVal
 *   afterTrain
 *   afterRun
 *
 * test():
 *   beforeRun
 *   afterLoadCheckpoint
 *   beforeTest
 *   beforeTestEpoch
 *   for each batch:
 *     beforeTestIter
 *     outputs = model.testStep(batch)
 *     afterTestIter
 *   afterTestEpoch
 *   afterTest
 *   afterRun
 *
 * whenever a checkpoint is written:
 *   beforeSaveCheckpoint
 * ```
 *
 * Loops emit these events and know no hook; a hook is a class with methods of these names. The iteration-based loop has
 * no epochs of its own: beforeTrainEpoch and afterTrainEpoch are emitted once around the whole run.
 */

import type { HostArray } from '@engine/core';
import type { LogVars, Tensor } from '@engine/tensor';
import type { CheckpointContent } from './checkpoint/content.js';

/** Metrics of an evaluation, by name. */
export type Metrics = Record<string, unknown>;

/** Whether a run is training, validating or testing. */
export type Mode = 'train' | 'val' | 'test';

export interface IterPayload {
  /** Position of the batch within the epoch (epoch loops) or the run (iteration loops), from 0. */
  batchIdx: number;
  /** What the data loader gave: host data. */
  dataBatch: unknown;
}

export interface TrainIterPayload extends IterPayload {
  /** What trainStep reported; the tensors live until the end of this stage. */
  outputs: LogVars;
}

export interface EvalIterPayload extends IterPayload {
  /** What valStep or testStep returned; its tensors live until the end of this stage. */
  outputs: unknown;
}

export interface MetricsPayload {
  metrics: Metrics;
}

export interface CheckpointPayload {
  checkpoint: CheckpointContent;
}

export interface SavePayload extends CheckpointPayload {
  /**
   * Copies a tensor to host memory for the checkpoint, in memory layout (`checkpoint.turns` says what is still to be
   * turned); tensors of a run that goes on while it is saved must be captured with this.
   */
  snapshot: (tensor: Tensor) => HostArray;
}

/** What each event carries beside the run itself. */
export interface EventPayloads {
  beforeRun: undefined;
  afterLoadCheckpoint: CheckpointPayload;
  beforeTrain: undefined;
  beforeTrainEpoch: undefined;
  beforeTrainIter: IterPayload;
  afterTrainIter: TrainIterPayload;
  afterTrainEpoch: undefined;
  beforeVal: undefined;
  beforeValEpoch: undefined;
  beforeValIter: IterPayload;
  afterValIter: EvalIterPayload;
  afterValEpoch: MetricsPayload;
  afterVal: undefined;
  beforeTest: undefined;
  beforeTestEpoch: undefined;
  beforeTestIter: IterPayload;
  afterTestIter: EvalIterPayload;
  afterTestEpoch: MetricsPayload;
  afterTest: undefined;
  afterTrain: undefined;
  afterRun: undefined;
  beforeSaveCheckpoint: SavePayload;
}

export type EventName = keyof EventPayloads;

/** Every event, in the order in which a run meets them. */
export const EVENTS = [
  'beforeRun',
  'afterLoadCheckpoint',
  'beforeTrain',
  'beforeTrainEpoch',
  'beforeTrainIter',
  'afterTrainIter',
  'afterTrainEpoch',
  'beforeVal',
  'beforeValEpoch',
  'beforeValIter',
  'afterValIter',
  'afterValEpoch',
  'afterVal',
  'afterTrain',
  'beforeTest',
  'beforeTestEpoch',
  'beforeTestIter',
  'afterTestIter',
  'afterTestEpoch',
  'afterTest',
  'afterRun',
  'beforeSaveCheckpoint',
] as const satisfies readonly EventName[];
