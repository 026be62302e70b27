import type { BatchPlan } from './load-batch.js';

/**
 * Batches loaded in this thread. After one is handed out, the next is loaded in the event loop's idle time, if there
 * is any before it is asked for: work that waits for a device or a disk leaves some.
 */
export class MainThreadIterator<B> implements AsyncIterableIterator<B> {
  private readonly plans: Iterator<BatchPlan>;
  private readonly load: (plan: BatchPlan) => B | Promise<B>;
  /** The next batch, if it is loaded already. */
  private ahead: { batch: B | Promise<B> } | undefined;
  private aheadError: { error: unknown } | undefined;
  private timer: NodeJS.Immediate | undefined;
  private finished = false;
  private exhausted = false;

  constructor(plans: Iterator<BatchPlan>, load: (plan: BatchPlan) => B | Promise<B>) {
    this.plans = plans;
    this.load = load;
  }

  next(): Promise<IteratorResult<B>> {
    if (this.finished) return Promise.resolve(DONE);
    this.prefetch();
    const { ahead, aheadError } = this;
    if (aheadError) {
      this.end();
      return Promise.reject(aheadError.error as Error);
    }
    if (ahead === undefined) {
      this.end();
      return Promise.resolve(DONE);
    }
    this.ahead = undefined;
    this.timer = setImmediate(this.prefetch).unref();
    const { batch } = ahead;
    return batch instanceof Promise ? this.settle(batch) : Promise.resolve({ done: false, value: batch });
  }

  return(): Promise<IteratorResult<B>> {
    this.end();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Loads the next batch unless one is there. */
  private readonly prefetch = (): void => {
    if (this.timer) clearImmediate(this.timer);
    this.timer = undefined;
    if (this.finished || this.exhausted || this.ahead !== undefined || this.aheadError) return;
    try {
      const plan = this.plans.next();
      if (plan.done) {
        this.exhausted = true;
        return;
      }
      const batch = this.load(plan.value);
      // Whoever asks for the batch gets the error; nobody may ask.
      if (batch instanceof Promise) batch.catch(() => undefined);
      this.ahead = { batch };
    } catch (error) {
      this.aheadError = { error };
    }
  };

  private async settle(pending: Promise<B>): Promise<IteratorResult<B>> {
    try {
      return { done: false, value: await pending };
    } catch (error) {
      this.end();
      throw error;
    }
  }

  private end(): void {
    this.finished = true;
    this.ahead = undefined;
    if (this.timer) clearImmediate(this.timer);
    this.timer = undefined;
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
