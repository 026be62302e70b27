import type { AnyDataLoader, Run } from '../run.js';
import { ValSchedule, type DynamicInterval } from './intervals.js';
import type { LoopPosition, TrainLoop } from './loop.js';
import { requireBatches } from './require-batches.js';
import { Breather } from './yielding.js';

/** When a training loop validates. */
export interface ValidationOptions {
  valBegin?: number;
  valInterval?: number;
  dynamicIntervals?: readonly DynamicInterval[];
}

/** What both training loops share: their counters, their position, and when they validate. */
export abstract class BaseTrainLoop implements TrainLoop {
  abstract readonly byEpoch: boolean;
  abstract readonly maxEpochs: number;
  abstract readonly maxIters: number;
  readonly valInterval: number;
  readonly valBegin: number;
  epoch = 0;
  iter = 0;
  stopTraining = false;
  completed = false;
  protected readonly schedule: ValSchedule;
  protected readonly breather = new Breather();
  /** What a run resumed right now would do next. */
  protected next: LoopPosition = { epoch: 0, iter: 0, pass: 0, batch: 0, stage: 'batches' };

  constructor(
    protected readonly owner: Run,
    readonly dataloader: AnyDataLoader,
    options: ValidationOptions,
    defaultInterval: number,
  ) {
    requireBatches('trainDataloader', dataloader);
    this.valInterval = options.valInterval ?? defaultInterval;
    this.valBegin = options.valBegin ?? 1;
    this.schedule = new ValSchedule(this.valInterval, this.valBegin, options.dynamicIntervals);
  }

  abstract run(): Promise<void>;

  position(): LoopPosition {
    return { ...this.next };
  }

  restore(position: LoopPosition): void {
    this.next = { ...position };
    this.epoch = position.epoch;
    this.iter = position.iter;
  }

  /** What follows once `done` of `max` steps are complete. */
  protected stageAfter(done: number, max: number): LoopPosition['stage'] {
    return this.owner.valLoop !== undefined && this.schedule.due(done, max) ? 'validation' : 'batches';
  }

  /** Validates when that is what comes next, unless the run has been asked to stop. */
  protected async validate(): Promise<void> {
    if (this.next.stage !== 'validation' || this.owner.stopReason) return;
    this.owner.optimWrapper.eval();
    await this.owner.valLoop?.run(() => {
      this.next = { ...this.next, stage: 'batches' };
    });
    this.owner.optimWrapper.train();
  }
}
