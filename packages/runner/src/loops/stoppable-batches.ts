import type { Run } from '../run.js';

/**
 * Batches of a loader, until the run is asked to stop: a batch that is still being waited for then is given up, so that
 * a slow or hanging data worker does not hold up the end of the run.
 */
export class StoppableBatches<B> implements AsyncIterableIterator<B> {
  /** The end was a wish to stop, not the end of the data. */
  stopped = false;
  private leave: (() => void) | undefined;

  constructor(
    private readonly run: Pick<Run, 'stopSignal'>,
    private readonly batches: AsyncIterableIterator<B>,
  ) {
    run.stopSignal.addEventListener('abort', this.onStop);
  }

  next(): Promise<IteratorResult<B>> {
    return new Promise((resolve, reject) => {
      this.leave = () => resolve(DONE);
      this.batches.next().then(
        (step) => {
          this.leave = undefined;
          if (step.done) this.forget();
          resolve(step);
        },
        (error: unknown) => {
          this.leave = undefined;
          this.forget();
          reject(error as Error);
        },
      );
    });
  }

  async return(): Promise<IteratorResult<B>> {
    this.forget();
    await this.batches.return?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private readonly onStop = (): void => {
    const { leave } = this;
    if (!leave) return;
    this.leave = undefined;
    // At once: the loader may answer that it is over before its end has been waited for.
    this.stopped = true;
    // The workers are told that nobody waits any more before the loop goes on.
    void this.return().then(leave, leave);
  };

  private forget(): void {
    this.run.stopSignal.removeEventListener('abort', this.onStop);
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
