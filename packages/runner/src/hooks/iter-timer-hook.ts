import { HOOKS, register } from '@engine/core';
import type { Mode } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

/**
 * Measures each iteration (`time`) and the wait for its data (`dataTime`), in seconds, and estimates the time left
 * (`eta`, seconds): the mean iteration so far times the iterations to come.
 */
@register(HOOKS)
export class IterTimerHook extends Hook {
  private clock = 0;
  private startIter = 0;
  private trained = 0;
  private trainSeconds = 0;
  private evalSeconds = 0;

  override beforeTrain(run: Run): void {
    this.startIter = run.iter;
    this.trained = 0;
    this.trainSeconds = 0;
  }

  override beforeTrainEpoch(): void {
    this.clock = performance.now();
  }

  override beforeTrainIter(run: Run): void {
    run.messageHub.updateScalar('train/data_time', this.lap(false));
  }

  override afterTrainIter(run: Run): void {
    const seconds = this.lap(true);
    run.messageHub.updateScalar('train/time', seconds);
    this.trained++;
    this.trainSeconds += seconds;
    const left = run.maxIters - (this.startIter + this.trained);
    run.messageHub.updateInfo('eta', (this.trainSeconds / this.trained) * left);
  }

  override beforeValEpoch(): void {
    this.startEvaluation();
  }

  override beforeValIter(run: Run): void {
    run.messageHub.updateScalar('val/data_time', this.lap(false));
  }

  override afterValIter(run: Run, { batchIdx }: { batchIdx: number }): void {
    this.evaluated(run, 'val', batchIdx, run.valLoop?.dataloader.length ?? 0);
  }

  override afterVal(): void {
    // Validation is not the data's fault: the next iteration waits for its data from here.
    this.clock = performance.now();
  }

  override beforeTestEpoch(): void {
    this.startEvaluation();
  }

  override beforeTestIter(run: Run): void {
    run.messageHub.updateScalar('test/data_time', this.lap(false));
  }

  override afterTestIter(run: Run, { batchIdx }: { batchIdx: number }): void {
    this.evaluated(run, 'test', batchIdx, run.testLoop?.dataloader.length ?? 0);
  }

  private startEvaluation(): void {
    this.clock = performance.now();
    this.evalSeconds = 0;
  }

  private evaluated(run: Run, mode: Mode, batchIdx: number, batches: number): void {
    const seconds = this.lap(true);
    run.messageHub.updateScalar(`${mode}/time`, seconds);
    this.evalSeconds += seconds;
    run.messageHub.updateInfo('eta', (this.evalSeconds / (batchIdx + 1)) * (batches - batchIdx - 1));
  }

  /** Seconds since the clock was started; `restart` starts it anew. */
  private lap(restart: boolean): number {
    const now = performance.now();
    const seconds = (now - this.clock) / 1000;
    if (restart) this.clock = now;
    return seconds;
  }
}

declare module '@engine/core' {
  interface HookTypes {
    IterTimerHook: { priority?: number | string };
  }
}
