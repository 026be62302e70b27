import type { Logger } from '@engine/core';
import type { Tensor } from '@engine/tensor';
import type { Run, SaveRequest } from '../run.js';
import { BackgroundWriter } from './background-writer.js';
import { captureRun } from './capture.js';
import { resolveCaptured } from './captured-array.js';
import type { CheckpointContent } from './content.js';
import type { FolderWriter } from './folder-writer.js';
import { Snapshot, snapshotBytes } from './snapshot.js';
import type { CheckpointStore } from './store.js';

/** Some room for what hooks add without saying so before. */
const SLACK = 1 << 16;

/** Bytes of tensors from which on a save that training waits for is written by threads, too: they share the hashing. */
const THREAD_BYTES = 16 << 20;

/** Bytes that the tensors of a checkpoint take in memory. */
function bytesToSave(run: Run): number {
  const tensors: Tensor[] = [
    ...Object.values(run.model.stateDict()),
    ...Object.values(run.optimWrapper.stateDict().tensors),
  ];
  for (const hook of run.hooks) tensors.push(...(hook.savedTensors?.() ?? []));
  return snapshotBytes(tensors);
}

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

  constructor(
    private readonly store: CheckpointStore,
    private readonly logger: Logger,
  ) {}

  /** Saves that have been begun and not ended. */
  get pending(): number {
    return this.underWay.length;
  }

  /**
   * Has memory made for as many saves in the background as may be under way, so that none of them waits for it. Called
   * when optimizer state exists: after the first step.
   */
  prepare(run: Run, queue: number): void {
    if (this.preparing) return;
    const bytes = bytesToSave(run);
    this.preparing = Promise.all(Array.from({ length: queue }, () => this.makeMemory(bytes))).then(
      (memory) => void this.free.push(...memory),
      // The next save meets the same trouble, and reports it.
      () => undefined,
    );
  }

  /**
   * Saves the run as it is now. With `request.background` this returns when its state has been copied, after waiting
   * until fewer than `queue` saves are under way.
   * @returns folder of the checkpoint
   * @throws E_IO_… when it is not in the background and `onError` is not `warn`
   */
  async save(run: Run, request: SaveRequest): Promise<string> {
    const { background } = request;
    if (background) while (this.underWay.length >= background.queue) await this.underWay[0];
    else await this.settle();
    const bytes = bytesToSave(run);
    const memory = background || bytes >= THREAD_BYTES ? await this.takeMemory(bytes) : undefined;
    const snapshot = new Snapshot(memory);
    const content = captureRun(run, request, snapshot);
    await run.emit('beforeSaveCheckpoint', { checkpoint: content, snapshot: snapshot.take });
    const folder = this.store.claim(content.meta, request.best ?? {});
    const written = this.write(request, content, memory).finally(() => {
      if (memory) this.free.push(memory);
    });
    if (background) {
      this.enqueue(request, written);
      return folder;
    }
    try {
      return await written;
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

  private enqueue(request: SaveRequest, written: Promise<string>): void {
    const done: Promise<void> = written
      .then(
        () => undefined,
        (error: unknown) => {
          this.store.giveUp(request.best ?? {});
          this.failures.push(error);
        },
      )
      .finally(() => void this.underWay.splice(this.underWay.indexOf(done), 1));
    this.underWay.push(done);
  }

  /** Saves are written one after the other. */
  private async write(
    request: SaveRequest,
    captured: CheckpointContent,
    memory: SharedArrayBuffer | undefined,
  ): Promise<string> {
    const { background, best, regular, maxKeep, onSaved } = request;
    const content = memory ? detached(captured) : captured;
    await this.underWay[this.underWay.length - 1];
    const purpose = { best: best ?? {}, regular: regular ?? true };
    const { writer } = this;
    const using: FolderWriter | undefined = memory && {
      // Training goes on beside a save in the background; where it waits, the processors are free.
      write: (path, parts) => writer.write(path, parts, background === undefined),
      perform: (steps) => writer.perform(steps),
    };
    const folder = await this.store.write(content, purpose, using);
    onSaved?.(folder);
    await this.store.prune(maxKeep ?? -1, using);
    return folder;
  }

  private makeMemory(bytes: number): Promise<SharedArrayBuffer> {
    return this.writer.memory(bytes + SLACK);
  }

  /** Memory of an earlier save, where it is large enough; one that is too small is let go. */
  private async takeMemory(bytes: number): Promise<SharedArrayBuffer> {
    await this.preparing;
    const found = this.free.pop();
    return found && found.byteLength >= bytes ? found : this.makeMemory(bytes);
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
  const captured = { ...extra, model, ...(optimWrapper && { optim: optimWrapper.tensors }) };
  const resolved = resolveCaptured(captured, turns);
  const { model: plainModel, optim, ...others } = resolved.groups;
  return {
    ...rest,
    model: plainModel!,
    turns: resolved.turns,
    ...(extra && { extra: others }),
    ...(optim && { optimWrapper: { tensors: optim, json } }),
  };
}
