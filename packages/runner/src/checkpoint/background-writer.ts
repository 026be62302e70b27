import { EngineError, startModuleThread } from '@engine/core';
import { reserveTemps, type WrittenFile } from '@engine/fileio';
import type { Worker } from 'node:worker_threads';
import type { CheckpointContent } from './content.js';
import type { FolderStep } from './folder-writer.js';
import type { TensorFile } from './tensor-file.js';
import type { PackedError, WriterReply, WriterRequest, WriterResult } from './writer-protocol.js';

interface Waiting {
  resolve(result: WriterResult): void;
  reject(error: unknown): void;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

function unpack(packed: PackedError): Error {
  if ('parts' in packed) return new EngineError(packed.parts);
  const { name, message, code } = packed;
  return Object.assign(new Error(message), { name, ...(code !== undefined && { code }) });
}

/**
 * A thread that writes checkpoints: hashing, turning of layouts and system calls cost the training nothing. It keeps the
 * process alive only while it has something to do.
 */
export class BackgroundWriter {
  private thread: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private ids = 0;

  /**
   * Writes a checkpoint folder, as `writeCheckpoint` does. Arrays over shared memory are read while it is written.
   * @param helped by two threads at once: for whoever waits for it, and has nothing else to compute
   * @throws E_IO_…; E_CHECKPOINT_WRITER when the thread died
   */
  async write(folder: string, content: CheckpointContent, helped = false): Promise<void> {
    const release = reserveTemps(folder);
    try {
      await this.ask({ kind: 'write', folder, content, helped });
    } finally {
      release();
    }
  }

  /** Takes steps after what was asked for before. @throws E_IO_… */
  async perform(steps: readonly FolderStep[]): Promise<string[]> {
    return (await this.ask({ kind: 'steps', steps })).problems!;
  }

  /** Writes and syncs one file of tensors. @throws the errors of the system */
  async writeFile(path: string, file: TensorFile): Promise<WrittenFile> {
    return (await this.ask({ kind: 'file', path, file })).written!;
  }

  /** Memory for a snapshot, ready to be written to at full speed. */
  async memory(bytes: number): Promise<SharedArrayBuffer> {
    return (await this.ask({ kind: 'memory', bytes })).memory!;
  }

  async close(): Promise<void> {
    const { thread } = this;
    this.thread = undefined;
    await thread?.terminate();
  }

  private ask(request: WithoutId<WriterRequest>): Promise<WriterResult> {
    const thread = (this.thread ??= this.start());
    const id = ++this.ids;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      thread.ref();
      thread.postMessage({ id, ...request });
    });
  }

  private start(): Worker {
    const thread = startModuleThread(import.meta.url, 'writer-thread', undefined);
    thread.on('message', (reply: WriterReply) => {
      const waiting = this.waiting.get(reply.id);
      this.waiting.delete(reply.id);
      if (this.waiting.size === 0) thread.unref();
      if ('error' in reply) waiting?.reject(unpack(reply.error));
      else waiting?.resolve(reply.result);
    });
    const dead = (cause: unknown): void => {
      if (this.thread === thread) this.thread = undefined;
      const error = new EngineError({
        code: 'E_CHECKPOINT_WRITER',
        what: 'The thread that writes checkpoints died.',
        received: cause instanceof Error ? cause.message : `exit code ${String(cause)}`,
        fix: 'save without asyncSave to see it in the main thread',
        cause,
      });
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    };
    thread.on('error', dead);
    thread.on('exit', dead);
    return thread;
  }
}
