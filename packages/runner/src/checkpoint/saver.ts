import type { Logger } from '@engine/core';
import type { Tensor } from '@engine/tensor';
import type { Run, SaveRequest } from '../run.js';
import { BackgroundWriter } from './background-writer.js';
import { captureRun } from './capture.js';
import type { CheckpointContent } from './content.js';
import { Snapshot, snapshotBytes } from './snapshot.js';
import type { CheckpointStore } from './store.js';

/** A snapshot with some room for what hooks add. */
const SLACK = 1 << 16;

/**
 * Saves checkpoints of a run, at once or in the background. In the background training waits only while the tensors are
 * copied; the rest is done by a thread, one checkpoint after the other.
 */
export class CheckpointSaver {
  private readonly writer = new BackgroundWriter();
  /** Saves under way, oldest first. None of them ever rejects: failures are gathered. */
  private readonly underWay: Promise<void>[] = [];
  private failures: unknown[] = [];
  /** Snapshot memory that no save uses. */
  private free: SharedArrayBuffer[] = [];
  private preparing: Promise<void> | undefined;
  private largest = 0;

  constructor(
    private readonly store: CheckpointStore,
    private readonly logger: Logger,
  ) {}

  /** Saves that have been begun and not ended. */
  get pending(): number {
    return this.underWay.length;
  }

  /**
   * Has memory made for the first save in the background, so that it waits for nothing. Called when optimizer state
   * exists: after the first step.
   */
  prepare(run: Run): void {
    if (this.preparing) return;
    const optimizer = run.optimWrapper.stateDict().tensors;
    const tensors: Tensor[] = [...Object.values(run.model.stateDict()), ...Object.values(optimizer)];
    this.prepareMemory(snapshotBytes(tensors));
  }

  /**
   * Saves the run as it is now. With `request.background` this returns when its state has been copied, after waiting
   * until fewer than `queue` saves are under way.
   * @returns folder of the checkpoint
   * @throws E_IO_… when it is not in the background and `onError` is not `warn`
   */
  async save(run: Run, request: SaveRequest): Promise<string> {
    const { background } = request;
    if (background) {
      while (this.underWay.length >= background.queue) await this.underWay[0];
      const memory = await this.takeMemory();
      const { content, bytes } = await this.capture(run, request, new Snapshot(memory));
      this.largest = Math.max(this.largest, bytes);
      const folder = this.store.claim(content.meta, request.best ?? {});
      this.enqueue(request, detached(content), memory);
      return folder;
    }
    await this.settle();
    const { content } = await this.capture(run, request, new Snapshot());
    const folder = this.store.claim(content.meta, request.best ?? {});
    try {
      return await this.write(request, content);
    } catch (error) {
      this.store.giveUp(request.best ?? {});
      if (request.onError !== 'warn') throw error;
      this.warn(error);
      return folder;
    }
  }

  /** Failures of background saves since the last call: thrown, or logged when `onError` is `warn`. */
  report(onError: 'stop' | 'warn' = 'stop'): void {
    if (this.failures.length === 0) return;
    const [first, ...others] = this.failures;
    this.failures = [];
    for (const error of onError === 'warn' ? [first, ...others] : others) this.warn(error);
    if (onError !== 'warn') throw first;
  }

  /** Waits until nothing is being saved. */
  async settle(): Promise<void> {
    while (this.underWay.length > 0) await this.underWay[this.underWay.length - 1];
  }

  /** Waits for saves under way and ends the thread; failures nobody asked about are logged. */
  async close(): Promise<void> {
    await this.settle();
    await this.preparing;
    this.report('warn');
    this.free = [];
    this.preparing = undefined;
    await this.writer.close();
  }

  private async capture(
    run: Run,
    request: SaveRequest,
    snapshot: Snapshot,
  ): Promise<{ content: CheckpointContent; bytes: number }> {
    const content = captureRun(run, request, snapshot);
    await run.emit('beforeSaveCheckpoint', { checkpoint: content, snapshot: snapshot.take });
    return { content, bytes: snapshot.bytes };
  }

  private enqueue(request: SaveRequest, content: CheckpointContent, memory: SharedArrayBuffer): void {
    const before = this.underWay[this.underWay.length - 1] ?? Promise.resolve();
    const done = before
      .then(() => this.write(request, content, this.writer))
      .then(() => undefined)
      .catch((error: unknown) => {
        this.store.giveUp(request.best ?? {});
        this.failures.push(error);
      })
      .finally(() => {
        void this.underWay.shift();
        if (memory.byteLength >= this.largest) this.free.push(memory);
        else this.prepareMemory(this.largest);
      });
    this.underWay.push(done);
  }

  private async write(
    request: SaveRequest,
    content: CheckpointContent,
    writer?: BackgroundWriter,
  ): Promise<string> {
    const { best, regular, maxKeep, onSaved } = request;
    const folder = await this.store.write(content, { best: best ?? {}, regular: regular ?? true }, writer);
    onSaved?.(folder);
    await this.store.prune(maxKeep ?? -1);
    return folder;
  }

  private prepareMemory(bytes: number): void {
    this.preparing = this.writer.memory(bytes + SLACK).then(
      (memory) => {
        this.free.push(memory);
      },
      // The next save meets the same trouble, and reports it.
      () => undefined,
    );
  }

  private async takeMemory(): Promise<SharedArrayBuffer> {
    await this.preparing;
    const found = this.free.pop();
    if (found && found.byteLength >= this.largest) return found;
    return this.writer.memory(this.largest + SLACK);
  }

  private warn(error: unknown): void {
    this.logger.warn(
      `A checkpoint could not be saved: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The content with all that is no tensor copied: the run goes on changing what it was captured from. */
function detached(content: CheckpointContent): CheckpointContent {
  const { model, turns, optimWrapper, extra, ...plain } = content;
  const copy = JSON.parse(JSON.stringify({ ...plain, json: optimWrapper?.json })) as CheckpointContent & {
    json?: unknown;
  };
  const { json, ...rest } = copy;
  return {
    ...rest,
    model,
    ...(turns && { turns }),
    ...(extra && { extra }),
    ...(optimWrapper && { optimWrapper: { tensors: optimWrapper.tensors, json } }),
  };
}
