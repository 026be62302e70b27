import type { BatchPlan } from './load-batch.js';
import type { Outcome, WorkerPool } from './worker-pool.js';

interface Waiter<B> {
  resolve(result: IteratorResult<B>): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout | undefined;
}

export interface WorkerIteratorOptions {
  pool: WorkerPool;
  plans: Iterator<BatchPlan>;
  /** Batches that may be in work or ready beyond those that were taken. */
  capacity: number;
  /** Runs on what a worker gives; for collate functions that workers do not have. */
  finish: ((loaded: unknown) => unknown) | undefined;
  /** Seconds to wait for a batch; 0 for ever. */
  timeout: number;
  /** End the threads when the iteration ends. */
  closePool: boolean;
}

/** Batches in order from worker threads, a bounded number ahead. */
export class WorkerIterator<B> implements AsyncIterableIterator<B> {
  private readonly options: WorkerIteratorOptions;
  private readonly ready = new Map<number, Outcome>();
  private readonly waiters = new Map<number, Waiter<B>>();
  private iteration: number | undefined;
  private sent = 0;
  private taken = 0;
  private exhausted = false;
  /** The end was reached, though batches may still be awaited by calls that overlap. */
  private over = false;
  private finished = false;

  constructor(options: WorkerIteratorOptions) {
    this.options = options;
  }

  next(): Promise<IteratorResult<B>> {
    if (this.finished) return Promise.resolve(DONE);
    const { pool } = this.options;
    try {
      this.iteration ??= pool.begin((seq, outcome) => {
        this.receive(seq, outcome);
      });
      this.taken++;
      this.fill();
    } catch (error) {
      return this.end().then(() => Promise.reject(error as Error));
    }
    const seq = this.taken - 1;
    if (this.exhausted && seq >= this.sent) {
      this.over = true;
      return this.waiters.size > 0 ? Promise.resolve(DONE) : this.end().then(() => DONE);
    }
    const outcome = this.ready.get(seq);
    if (outcome) {
      this.ready.delete(seq);
      return this.settle(outcome);
    }
    pool.hold();
    return new Promise((resolve, reject) => {
      this.waiters.set(seq, { resolve, reject, timer: this.watch(seq) });
    });
  }

  async return(): Promise<IteratorResult<B>> {
    await this.end();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private watch(seq: number): NodeJS.Timeout | undefined {
    const { timeout, pool } = this.options;
    if (timeout === 0) return undefined;
    return setTimeout(() => pool.expire(this.iteration!, seq, timeout), timeout * 1000);
  }

  /** Sends as many batches as may be ahead. */
  private fill(): void {
    while (!this.exhausted && this.sent - this.taken < this.options.capacity) {
      const plan = this.options.plans.next();
      if (plan.done) this.exhausted = true;
      else this.options.pool.load(this.iteration!, this.sent++, plan.value);
    }
  }

  private receive(seq: number, outcome: Outcome): void {
    const waiter = this.waiters.get(seq);
    if (!waiter) {
      this.ready.set(seq, outcome);
      return;
    }
    this.waiters.delete(seq);
    clearTimeout(waiter.timer);
    this.options.pool.release();
    const settled = this.settle(outcome);
    (this.over && this.waiters.size === 0 ? this.end().then(() => settled) : settled).then(
      waiter.resolve,
      waiter.reject,
    );
  }

  private settle(outcome: Outcome): Promise<IteratorResult<B>> {
    if ('batch' in outcome) {
      try {
        const { finish } = this.options;
        return Promise.resolve({ done: false, value: (finish ? finish(outcome.batch) : outcome.batch) as B });
      } catch (error) {
        return this.end().then(() => Promise.reject(error as Error));
      }
    }
    return this.end().then(() => Promise.reject(outcome.error as Error));
  }

  private async end(): Promise<void> {
    if (this.finished) return;
    this.finished = true;
    const { pool, closePool } = this.options;
    if (this.iteration !== undefined) pool.end(this.iteration);
    this.ready.clear();
    for (const waiter of this.waiters.values()) {
      clearTimeout(waiter.timer);
      pool.release();
      waiter.resolve(DONE);
    }
    this.waiters.clear();
    if (closePool) await pool.close();
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
