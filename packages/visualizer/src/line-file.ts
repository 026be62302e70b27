import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ioError } from '@engine/fileio';

/** Characters that may wait in memory before they are written. */
const MAX_WAITING = 1 << 16;

/** Characters kept while the file cannot be written; older lines are given up beyond that. */
const MAX_KEPT = 1 << 22;

/** Milliseconds that lines may wait, counted when a line is added: there is no timer that would keep a process alive. */
const MAX_AGE_MS = 2000;

/** Appends lines to a file, a few at a time. */
export class LineFile {
  private waiting = '';
  private writtenAt = 0;

  constructor(readonly path: string) {}

  /** @throws E_IO_… when the file cannot be written; the lines are kept for the next attempt */
  add(line: string): void {
    this.waiting += `${line}\n`;
    const now = Date.now();
    if (this.waiting.length < MAX_WAITING && now - this.writtenAt < MAX_AGE_MS) return;
    this.writtenAt = now;
    this.flush();
  }

  /** Writes what waits, synchronously, so that it also works while the process ends. */
  flush(): void {
    if (this.waiting === '') return;
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      appendFileSync(this.path, this.waiting);
      this.waiting = '';
    } catch (error) {
      const bytes = Buffer.byteLength(this.waiting);
      if (this.waiting.length > MAX_KEPT) this.waiting = '';
      throw ioError(error, { path: this.path, doing: 'write', bytes });
    }
  }
}
