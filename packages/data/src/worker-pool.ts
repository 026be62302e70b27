import type { Worker } from 'node:worker_threads';
import { EngineError, listNames, startModuleThread } from '@engine/core';
import type { BatchPlan } from './load-batch.js';
import { unpackError } from './portable-error.js';

import {
  cancelTable,
  markCancelled,
  type LoadRequest,
  type WorkerReply,
  type WorkerSetup,
} from './worker-protocol.js';
import { WorkerStatus } from './worker-status.js';

/** What came of a batch. */
export type Outcome = { batch: unknown } | { error: unknown };

/** Gets the outcomes of one iteration, in any order. */
export type OutcomeSink = (seq: number, outcome: Outcome) => void;

/** What all workers of a pool are started with. */
export type PoolSetup = Omit<WorkerSetup, 'status' | 'cancelled'>;

interface Thread {
  id: number;
  worker: Worker;
  status: WorkerStatus;
  /** Batches sent and not answered, oldest first: the first one is in progress. */
  tasks: { iteration: number; seq: number; indices: readonly number[] }[];
  /** Why the thread ended; set before its tasks are failed. */
  death: unknown;
  dead: boolean;
}

/**
 * Worker threads that load batches. They do not keep the process alive, except while somebody waits for a batch
 * ({@link hold}).
 */
export class WorkerPool {
  private readonly setup: PoolSetup;
  private readonly size: number;
  private readonly cancelled = cancelTable();
  private readonly sinks = new Map<number, OutcomeSink>();
  private threads: Thread[] = [];
  private iterations = 0;
  private holders = 0;
  /** No thread is left, and none will be started. */
  closed = false;

  constructor(setup: PoolSetup, size: number) {
    this.setup = setup;
    this.size = size;
  }

  /** Threads that run now. */
  get running(): number {
    return this.threads.filter((thread) => !thread.dead).length;
  }

  /** Begins an iteration, replacing threads that have died. Returns its number. */
  begin(sink: OutcomeSink): number {
    this.threads = this.threads.filter((thread) => !thread.dead);
    for (let id = 0; this.threads.length < this.size; id++) {
      if (!this.threads.some((thread) => thread.id === id)) this.threads.push(this.start(id));
    }
    const iteration = ++this.iterations;
    this.sinks.set(iteration, sink);
    return iteration;
  }

  /** Sends a batch to the least busy thread. */
  load(iteration: number, seq: number, plan: BatchPlan): void {
    let best: Thread | undefined;
    for (const thread of this.threads) {
      if (!thread.dead && (!best || thread.tasks.length < best.tasks.length)) best = thread;
    }
    if (!best) {
      const error = this.threads[0]?.death ?? this.failure('No data worker is running.', undefined);
      this.sinks.get(iteration)?.(seq, { error });
      return;
    }
    best.tasks.push({ iteration, seq, indices: plan.indices });
    best.worker.postMessage({
      iteration,
      seq,
      indices: plan.indices,
      epochs: plan.epochs,
    } satisfies LoadRequest);
  }

  /** Ends an iteration: its batches that are not ready are dropped. */
  end(iteration: number): void {
    this.sinks.delete(iteration);
    markCancelled(this.cancelled, iteration);
  }

  /** Gives up the thread that has had a batch for too long, and ends it. */
  expire(iteration: number, seq: number, seconds: number): void {
    const thread = this.threads.find(({ tasks }) =>
      tasks.some((task) => task.iteration === iteration && task.seq === seq),
    );
    if (!thread) return;
    this.bury(
      thread,
      new EngineError({
        code: 'E_DATA_WORKER_TIMEOUT',
        what: `Data worker ${thread.id} has given nothing for ${seconds} s${this.doing(thread)}.`,
        received: `timeout = ${seconds}`,
        fix: 'raise `timeout` if loading may take that long; run with numWorkers: 0 to see where it hangs',
      }),
    );
  }

  /** Keeps the process alive until {@link release}. */
  hold(): void {
    if (this.holders++ === 0) for (const { worker } of this.threads) worker.ref();
  }

  release(): void {
    if (--this.holders === 0) for (const { worker } of this.threads) worker.unref();
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    this.closed = true;
    const threads = this.threads;
    this.threads = [];
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  private start(id: number): Thread {
    const status = new WorkerStatus();
    const cancelled = this.cancelled.buffer as unknown as SharedArrayBuffer;
    const worker = this.spawn({ ...this.setup, status: status.memory, cancelled });
    const thread: Thread = { id, worker, status, tasks: [], death: undefined, dead: false };
    if (this.holders === 0) worker.unref();
    worker.on('message', (message: WorkerReply) => {
      this.receive(thread, message);
    });
    worker.on('error', (error) => {
      thread.death ??= this.died(thread, error, 'threw outside of a transform');
    });
    worker.on('messageerror', (error) => {
      this.bury(thread, this.died(thread, error, 'sent a batch that cannot be read'));
    });
    worker.on('exit', (code) => {
      if (!this.closed) this.bury(thread, this.died(thread, undefined, `exited with code ${code}`));
    });
    return thread;
  }

  private spawn(setup: WorkerSetup): Worker {
    try {
      return startModuleThread(import.meta.url, 'worker', setup);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'DataCloneError') throw error;
      throw this.failure('The dataset cannot be sent to worker threads.', error, 'use numWorkers: 0');
    }
  }

  private receive(thread: Thread, message: WorkerReply): void {
    if (message.kind === 'ready') return;
    if (message.kind === 'failed') {
      this.bury(
        thread,
        this.failure(`Data worker ${thread.id} could not start.`, unpackError(message.error)),
      );
      return;
    }
    const { iteration, seq } = message;
    const place = thread.tasks.findIndex((task) => task.iteration === iteration && task.seq === seq);
    if (place >= 0) thread.tasks.splice(place, 1);
    if (message.kind === 'skipped') return;
    const sink = this.sinks.get(iteration);
    if (message.kind === 'batch') {
      sink?.(seq, { batch: message.batch });
    } else {
      const where = describe(message.sample, message.part);
      sink?.(seq, {
        error: this.failure(`Data worker ${thread.id} failed${where}.`, unpackError(message.error)),
      });
    }
  }

  /** The error for a thread that is gone, with what it was doing. */
  private died(thread: Thread, cause: Error | undefined, how: string): EngineError {
    return this.failure(
      `Data worker ${thread.id} ${how}${this.doing(thread)}.`,
      cause,
      'nothing in a dataset or a transform may end the thread; run with numWorkers: 0 to see where it happens',
    );
  }

  /** What a thread is at, as the end of a sentence. */
  private doing({ status, tasks }: Thread): string {
    const { sample, part } = status.read();
    return describe(sample, part) || describeBatch(tasks[0]?.indices);
  }

  private bury(thread: Thread, error: unknown): void {
    if (thread.dead) return;
    thread.dead = true;
    thread.death ??= error;
    void thread.worker.terminate();
    for (const { iteration, seq } of thread.tasks.splice(0))
      this.sinks.get(iteration)?.(seq, { error: thread.death });
  }

  private failure(
    what: string,
    cause: Error | undefined,
    fix = 'run with numWorkers: 0 to see it in the main thread',
  ): EngineError {
    return new EngineError({
      code: 'E_DATA_WORKER',
      what,
      received: cause && summary(cause),
      fix,
      cause,
    });
  }
}

function describe(sample: number | undefined, part: string | undefined): string {
  if (sample === undefined) return '';
  return ` on sample ${sample}${part === undefined ? '' : ` in the transform '${part}'`}`;
}

function describeBatch(indices: readonly number[] | undefined): string {
  return indices ? ` while loading the samples ${listNames(indices.map(String))}` : '';
}

/** The innermost cause, which says what happened. */
function summary(error: Error): string {
  let root = error;
  while (root.cause instanceof Error) root = root.cause;
  return `${root.name}: ${root.message.split('\n')[0]}`;
}
