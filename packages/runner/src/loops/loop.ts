import type { Evaluator } from '@engine/evaluator';
import type { Metrics } from '../events.js';
import type { AnyDataLoader } from '../run.js';

/**
 * Where a run stands, to the batch: what a resumed run continues from.
 */
export interface LoopPosition {
  /** Epochs completed. */
  epoch: number;
  /** Iterations completed. */
  iter: number;
  /** Pass over the data that `batch` counts in: the sampler's epoch. */
  pass: number;
  /** Batches of this pass already trained on. */
  batch: number;
  /** What comes next: more batches (or the end of the epoch), or the validation that is due. */
  stage: 'batches' | 'validation';
}

/** A loop that trains. */
export interface TrainLoop {
  readonly dataloader: AnyDataLoader;
  /** Whether the loop counts in epochs; intervals of hooks follow it. */
  readonly byEpoch: boolean;
  readonly epoch: number;
  readonly iter: number;
  readonly maxEpochs: number;
  readonly maxIters: number;
  readonly valInterval: number;
  readonly valBegin: number;
  /** Set by a hook to end training: after the epoch in progress (epoch loops) or the iteration (iteration loops). */
  stopTraining: boolean;
  /** Set when the loop has done all it was to do, afterTrain included. */
  readonly completed: boolean;
  /** The position a checkpoint written right now must carry. */
  position(): LoopPosition;
  /** Continues from a position instead of the beginning; called once, before `run`. */
  restore(position: LoopPosition): void;
  run(): Promise<void>;
}

/** A loop that evaluates. */
export interface EvalLoop {
  readonly dataloader: AnyDataLoader;
  readonly evaluator: Evaluator;
  /** @param onEvaluated called when the metrics are known, before the hooks hear of them */
  run(onEvaluated?: () => void): Promise<Metrics>;
}
