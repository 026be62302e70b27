import { appendFileSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/** Lines wait at most this long in memory, so that a killed run loses little of its log. */
const FLUSH_AFTER_MS = 1000;
const FLUSH_AFTER_CHARS = 65536;

/** Files with lines in memory; what the exit listener has to write. */
const dirty = new Set<LogFile>();
let listening = false;

function flushAll(): void {
  for (const file of [...dirty]) file.flush();
}

/**
 * A text file that is appended to without waiting: lines gather in memory and are written synchronously once a second,
 * on `flush`, on `close` and at process exit. A file that cannot be written never throws; the first failure is told
 * to `onFailure`, and later writes try again, since a full disk may be emptied.
 */
export class LogFile {
  private pending = '';
  private descriptor: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failed = false;

  /** @param mode `a` appends to an existing file, `w` replaces it at the first write */
  constructor(
    readonly path: string,
    private readonly onFailure: (error: unknown) => void,
    private mode: 'a' | 'w' = 'a',
  ) {}

  /** Takes one line, without its newline. */
  write(line: string): void {
    if (this.pending === '') {
      dirty.add(this);
      if (!listening) {
        listening = true;
        process.on('exit', flushAll);
      }
      this.timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS).unref();
    }
    this.pending += `${line}\n`;
    if (this.pending.length > FLUSH_AFTER_CHARS) this.flush();
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const text = this.pending;
    this.pending = '';
    dirty.delete(this);
    if (text === '') return;
    try {
      appendFileSync(this.open(), text);
    } catch (error) {
      if (this.failed) return;
      this.failed = true;
      this.onFailure(error);
    }
  }

  close(): void {
    this.flush();
    if (this.descriptor === undefined) return;
    closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private open(): number {
    if (this.descriptor === undefined) {
      mkdirSync(dirname(this.path), { recursive: true });
      this.descriptor = openSync(this.path, this.mode);
      // Opened again after close(), the file must keep what it holds.
      this.mode = 'a';
    }
    return this.descriptor;
  }
}
