import { badValue, checkKeys, LOOPS, register } from '@engine/core';
import type { AnyDataLoader, Run } from '../run.js';
import { BaseTrainLoop } from './base-train-loop.js';
import type { DynamicInterval } from './intervals.js';
import { StoppableBatches } from './stoppable-batches.js';
import { trainIteration } from './train-iteration.js';

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
export class IterBasedTrainLoop extends BaseTrainLoop {
  readonly byEpoch = false;
  readonly maxEpochs = 1;
  readonly maxIters: number;
  private warned = false;

  constructor(owner: Run, dataloader: AnyDataLoader, options: IterBasedTrainLoopOptions) {
    super(owner, dataloader, options, 1000);
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
  }

  async run(): Promise<void> {
    const run = this.owner;
    await run.emit('beforeTrain');
    await run.emit('beforeTrainEpoch');
    let { pass, batch } = this.next;
    if (pass > 0) this.dataloader.setEpoch(pass);
    if (this.next.stage === 'validation') await this.validate();
    let batches = new StoppableBatches(run, this.dataloader.iterate(batch));
    try {
      while (this.iter < this.maxIters && !this.stopTraining && !run.stopReason) {
        const item = await batches.next();
        if (batches.stopped) break;
        if (item.done) {
          this.warnOfRestart();
          pass++;
          batch = 0;
          this.dataloader.setEpoch(pass);
          batches = new StoppableBatches(run, this.dataloader.iterate(0));
          continue;
        }
        run.model.train();
        batch++;
        const pending = trainIteration(run, this.iter, item.value, () => {
          const done = this.iter + 1;
          this.next = { epoch: 0, iter: done, pass, batch, stage: this.stageAfter(done, this.maxIters) };
        });
        if (pending) await pending;
        this.iter++;
        await this.validate();
        const pause = this.breather.due();
        if (pause) await pause;
      }
    } finally {
      await batches.return();
    }
    const ended = this.iter >= this.maxIters || this.stopTraining;
    if (!ended || this.next.stage === 'validation') return;
    await run.emit('afterTrainEpoch');
    this.epoch = 1;
    await run.emit('afterTrain');
    this.completed = true;
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
