import { badValue, checkKeys, LOOPS, register } from '@engine/core';
import type { AnyDataLoader, Run } from '../run.js';
import { BaseTrainLoop } from './base-train-loop.js';
import type { DynamicInterval } from './intervals.js';
import { StoppableBatches } from './stoppable-batches.js';
import { trainIteration } from './train-iteration.js';

export interface EpochBasedTrainLoopOptions {
  /** Epochs to train. */
  maxEpochs: number;
  /** First epoch (from 1) after which to validate; 1. */
  valBegin?: number;
  /** Validate every so many epochs; 1. The last epoch always validates. */
  valInterval?: number;
  /** Changes of the interval: `[[milestone, interval], …]`. */
  dynamicIntervals?: readonly DynamicInterval[];
}

/** Trains epoch by epoch; see events.ts for the order of events. */
@register(LOOPS)
export class EpochBasedTrainLoop extends BaseTrainLoop {
  readonly byEpoch = true;
  readonly maxEpochs: number;
  readonly maxIters: number;

  constructor(owner: Run, dataloader: AnyDataLoader, options: EpochBasedTrainLoopOptions) {
    super(owner, dataloader, options, 1);
    checkKeys(
      'EpochBasedTrainLoop',
      options,
      ['maxEpochs', 'valBegin', 'valInterval', 'dynamicIntervals'],
      'trainCfg',
    );
    if (!Number.isInteger(options.maxEpochs) || options.maxEpochs < 0) {
      throw badValue('trainCfg.maxEpochs', options.maxEpochs, 'a whole number of epochs');
    }
    // Only an endless sampler tells which pass a position belongs to.
    if (dataloader.sampler?.epochAt) {
      throw badValue(
        'trainDataloader.sampler',
        'an endless sampler',
        'a sampler with an end, since training goes by epochs',
        'use DefaultSampler, or trainCfg { byEpoch: false, maxIters }',
      );
    }
    this.maxEpochs = options.maxEpochs;
    this.maxIters = options.maxEpochs * dataloader.length;
  }

  async run(): Promise<void> {
    const run = this.owner;
    await run.emit('beforeTrain');
    // A run that was interrupted between an epoch and its validation owes it.
    if (this.next.stage === 'validation') await this.validate();
    while (this.epoch < this.maxEpochs && !this.stopTraining && !run.stopReason) {
      await this.runEpoch();
      if (run.stopReason && this.next.stage === 'batches') break;
      await this.validate();
    }
    // Asked to stop when nothing was left to do: the run is over all the same.
    const ended = this.epoch >= this.maxEpochs || (this.stopTraining && this.next.batch === 0);
    if (!ended || this.next.stage === 'validation') return;
    await run.emit('afterTrain');
    this.completed = true;
  }

  private async runEpoch(): Promise<void> {
    const run = this.owner;
    await run.emit('beforeTrainEpoch');
    run.model.train();
    let batchIdx = this.next.batch;
    const batches = new StoppableBatches(run, this.dataloader.iterate(batchIdx));
    for await (const dataBatch of batches) {
      const pending = trainIteration(run, batchIdx, dataBatch, () => {
        this.next = {
          epoch: this.epoch,
          iter: this.iter + 1,
          pass: this.epoch,
          batch: batchIdx + 1,
          stage: 'batches',
        };
      });
      if (pending) await pending;
      this.iter++;
      batchIdx++;
      if (run.stopReason) return;
      const pause = this.breather.due();
      if (pause) await pause;
    }
    if (batches.stopped) return;
    const done = this.epoch + 1;
    this.next = {
      epoch: done,
      iter: this.iter,
      pass: done,
      batch: 0,
      stage: this.stageAfter(done, this.maxEpochs),
    };
    await run.emit('afterTrainEpoch');
    this.epoch++;
  }
}

declare module '@engine/core' {
  interface LoopTypes {
    EpochBasedTrainLoop: EpochBasedTrainLoopOptions;
  }
}
