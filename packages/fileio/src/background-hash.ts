import { startModuleThread } from '@engine/core';
import type { Worker } from 'node:worker_threads';

/** What the hashing thread is told: the next piece, a view of shared memory, or that there are no more. */
export type HashRequest = { piece: Uint8Array } | { end: true };

export interface HashReply {
  sha256: string;
}

/** A thread that hashes what another one reads: one content after the other. */
export class BackgroundHash {
  private readonly thread: Worker = startModuleThread(import.meta.url, 'hash-thread', undefined);
  private failure: unknown;
  private settle: { resolve(sha256: string): void; reject(reason: unknown): void } | undefined;

  constructor() {
    this.thread.on('message', ({ sha256 }: HashReply) => this.settle?.resolve(sha256));
    this.thread.on('error', (reason) => this.fail(reason));
    this.thread.on('exit', (code) => this.fail(new Error(`the hashing thread ended with exit code ${code}`)));
  }

  /** @param piece a view of shared memory that stays as it is */
  update(piece: Uint8Array): void {
    this.thread.postMessage({ piece } satisfies HashRequest);
  }

  /** The sha256 of all pieces since the last call, in hexadecimal. @throws when the thread died */
  digest(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      if (this.failure === undefined) this.thread.postMessage({ end: true } satisfies HashRequest);
      else reject(this.failure);
    });
  }

  async close(): Promise<void> {
    await this.thread.terminate();
  }

  private fail(reason: unknown): void {
    this.failure ??= reason;
    this.settle?.reject(reason);
  }
}
