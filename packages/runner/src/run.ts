import type { DependencyContainer, Logger, MessageHub } from '@engine/core';
import type { DataLoader } from '@engine/data';
import type { ProcessGroup } from '@engine/dist';
import type { BaseModel } from '@engine/nn';
import type { AnyOptimWrapper, ParamScheduler } from '@engine/optim';
import type { ComputeBackend } from '@engine/tensor';
import type { Visualizer } from '@engine/visualizer';
import type { CaptureOptions } from './checkpoint/capture-options.js';
import type { CheckpointSaver } from './checkpoint/saver.js';
import type { CheckpointStore } from './checkpoint/store.js';
import type { EventName, EventPayloads } from './events.js';
import type { HookMethods } from './hook.js';
import type { Priority } from './priority.js';
import type { LogProcessor } from './log-processor.js';
import type { EvalLoop, TrainLoop } from './loops/loop.js';
import type { RunDirectory } from './run-directory.js';
import type { HookConfig } from './runner-options.js';

/** Options of `saveCheckpoint`. */
export interface SaveOptions extends CaptureOptions {
  /** Metrics that this checkpoint is the best by, with their scores. */
  best?: Record<string, number> | undefined;
  /** One of the series that retention counts; a checkpoint saved only for being the best is not. True. */
  regular?: boolean | undefined;
}

/** A wish for a checkpoint, granted when all hooks have heard the event in progress. */
export interface SaveRequest extends SaveOptions {
  /** Keep so many regular checkpoints afterwards; all unless said. */
  maxKeep?: number | undefined;
  /** Write in the background, with at most `queue` saves under way; training waits for all of it unless said. */
  background?: { queue: number } | undefined;
  /** `warn`: a failure is logged and training goes on. `stop`, unless said: it ends the run. */
  onError?: 'stop' | 'warn' | undefined;
  onSaved?: (folder: string) => void;
}

/** What hooks and loops see of a run. The Runner is one; tests may hand in a literal. */
export interface Run {
  readonly model: BaseModel;
  /** One wrapper, or several by name for a model that updates its parts separately. */
  readonly optimWrapper: AnyOptimWrapper;
  /** Schedulers of the run, of the first wrapper first, in config order; empty when there are none. */
  readonly paramSchedulers: readonly ParamScheduler[];
  readonly logger: Logger;
  readonly messageHub: MessageHub;
  readonly logProcessor: LogProcessor;
  readonly visualizer: Visualizer;
  readonly container: DependencyContainer;
  readonly processGroup: ProcessGroup;
  readonly directory: RunDirectory;
  /** Where tensors are computed. */
  readonly backend?: ComputeBackend | undefined;
  readonly experimentName: string;
  /** Seed of every random stream of the run. */
  readonly seed: number;
  readonly hooks: readonly HookMethods[];
  /** The loops that have been built so far; a test-only run has no train loop. */
  readonly trainLoop: TrainLoop | undefined;
  readonly valLoop: EvalLoop | undefined;
  readonly testLoop: EvalLoop | undefined;
  /** Epochs completed; 0 without a train loop. */
  readonly epoch: number;
  /** Iterations completed; 0 without a train loop. */
  readonly iter: number;
  readonly maxEpochs: number;
  readonly maxIters: number;
  readonly checkpoints: CheckpointStore;
  /** What saves checkpoints, at once or in the background. */
  readonly saver: CheckpointSaver;
  /** Set when the run has been asked to stop: the loop ends after the step in progress. */
  readonly stopReason: string | undefined;
  /** Aborted when the run is asked to stop, for what may wait long inside a step. */
  readonly stopSignal: AbortSignal;
  requestStop(reason: string): void;
  emit<E extends EventName>(event: E, payload?: EventPayloads[E]): void | Promise<void>;
  /** Calls a stage by any name: a custom loop may have stages of its own, which hooks answer by methods so named. */
  callHook(stage: string, payload?: unknown): void | Promise<void>;
  /** Adds a hook, or builds one from its config, from the next event on. `priority` wins over the config's and the class's. */
  registerHook(hook: HookMethods | HookConfig, priority?: Priority): void;
  /** Puts another model in place of the run's, such as a wrapper around it; returns the one before. */
  exchangeModel(model: BaseModel): BaseModel;
  /** Asks for a checkpoint once every hook has heard the event in progress. */
  requestSave(request?: SaveRequest): void;
  /** Writes a checkpoint of the whole run right now and returns its folder. */
  saveCheckpoint(options?: SaveOptions): Promise<string>;
}

/** Batches of the loader of a loop, without its element type. */
export type AnyDataLoader = DataLoader<unknown>;
