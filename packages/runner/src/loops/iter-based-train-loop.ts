import { badValue, checkKeys, LOOPS, register } from '@engine/core';
import type { AnyDataLoader, Run } from '../run.js';
import { ValSchedule, type DynamicInterval } from './intervals.js';
import type { LoopPosition, TrainLoop } from './loop.js';
import { trainIteration } from './train-iteration.js';
import { Breather } from './yielding.js';

export interface IterBasedTrainLoopOptions {
  /** Iterations to train. */
  maxIters: number;
  /** First iteration (from 1) after which to validate; 1. */
  valBegin?: number;
  /** Validate every so many iterations; 1000. The last one always validates. */
  valInterval?: number;
  /** Changes of the interval: `[[milestone, interval], …]`. */
  dynamicIntervals?: readonly DynamicInterval[];
}

/**
 * Trains for a number of iterations, whatever the length of the data: a loader that ends is started again. The run has
 * one epoch, so beforeTrainEpoch and afterTrainEpoch are emitted once; `batchIdx` is the iteration.
 */
@register(LOOPS)
export class IterBasedTrainLoop implements TrainLoop {
  readonly byEpoch = false;
  readonly maxEpochs = 1;
  readonly maxIters: number;
  readonly valInterval: number;
  readonly valBegin: number;
  epoch = 0;
  iter = 0;
  stopTraining = false;
  private readonly schedule: ValSchedule;
  private next: LoopPosition = { epoch: 0, iter: 0, pass: 0, batch: 0, stage: 'batches' };
  private readonly breather = new Breather();
  private warned = false;

  constructor(
    private readonly owner: Run,
    readonly dataloader: AnyDataLoader,
    options: IterBasedTrainLoopOptions,
  ) {
    checkKeys(
      'IterBasedTrainLoop',
      options,
      ['maxIters', 'valBegin', 'valInterval', 'dynamicIntervals'],
      'trainCfg',
    );
    if (!Number.isInteger(options.maxIters) || options.maxIters < 0) {
      throw badValue('trainCfg.maxIters', options.maxIters, 'a whole number of iterations');
    }
    this.maxIters = options.maxIters;
    this.valInterval = options.valInterval ?? 1000;
    this.valBegin = options.valBegin ?? 1;
    this.schedule = new ValSchedule(this.valInterval, this.valBegin, options.dynamicIntervals);
  }

  position(): LoopPosition {
    return { ...this.next };
  }

  restore(position: LoopPosition): void {
    this.next = { ...position };
    this.iter = position.iter;
  }

  async run(): Promise<void> {
    const run = this.owner;
    await run.emit('beforeTrain');
    await run.emit('beforeTrainEpoch');
    let { pass, batch } = this.next;
    if (pass > 0) this.dataloader.setEpoch(pass);
    if (this.next.stage === 'validation') await this.validate();
    let batches = this.dataloader.iterate(batch);
    try {
      while (this.iter < this.maxIters && !this.stopTraining && !run.stopReason) {
        const item = await batches.next();
        if (item.done) {
          if (batch === 0) {
            throw badValue('trainDataloader', 'no batches', 'at least one batch per pass over the data');
          }
          this.warnOfRestart();
          pass++;
          batch = 0;
          this.dataloader.setEpoch(pass);
          batches = this.dataloader.iterate(0);
          continue;
        }
        run.model.train();
        batch++;
        await trainIteration(run, this.iter, item.value, () => {
          const due = this.schedule.due(this.iter + 1, this.maxIters) && run.valLoop !== undefined;
          this.next = { epoch: 0, iter: this.iter + 1, pass, batch, stage: due ? 'validation' : 'batches' };
        });
        this.iter++;
        await this.validate();
        const pause = this.breather.due();
        if (pause) await pause;
      }
    } finally {
      await batches.return?.();
    }
    if (run.stopReason) return;
    await run.emit('afterTrainEpoch');
    this.epoch = 1;
    await run.emit('afterTrain');
  }

  private async validate(): Promise<void> {
    if (this.next.stage !== 'validation' || this.owner.stopReason) return;
    await this.owner.valLoop?.run(() => {
      this.next = { ...this.next, stage: 'batches' };
    });
  }

  private warnOfRestart(): void {
    if (this.warned) return;
    this.warned = true;
    this.owner.logger.warn(
      'The training data ended before maxIters and is read again from the start. InfiniteSampler does this without a seam.',
    );
  }
}

declare module '@engine/core' {
  interface LoopTypes {
    IterBasedTrainLoop: IterBasedTrainLoopOptions;
  }
}
