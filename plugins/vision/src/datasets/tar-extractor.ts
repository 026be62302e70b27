import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { Writable } from 'node:stream';
import { EngineError } from '@engine/core';

const BLOCK = 512;

function text(block: Uint8Array, from: number, length: number): string {
  const field = String.fromCharCode(...block.subarray(from, from + length));
  const end = field.indexOf('\0');
  return end < 0 ? field : field.slice(0, end);
}

/**
 * Unpacks the regular files of a tar stream (POSIX ustar) into a folder; links and special files are left out.
 * @throws E_ARCHIVE for a damaged header, or a path that leads out of the folder
 */
export class TarExtractor extends Writable {
  /** Files written. */
  readonly files: string[] = [];
  private readonly into: string;
  private readonly header = new Uint8Array(BLOCK);
  /** Bytes of the header that have come. */
  private filled = 0;
  /** The file being written, if it is one that is kept. */
  private open: number | undefined;
  private remaining = 0;
  private padding = 0;

  constructor(into: string) {
    super();
    this.into = into;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    try {
      this.consume(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _final(done: (error?: Error) => void): void {
    const cut = this.remaining > 0 || this.filled > 0;
    this.shut();
    done(cut ? damaged('ends in the middle of a file') : undefined);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.shut();
    done(error);
  }

  private consume(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.remaining > 0) {
        const take = Math.min(this.remaining, bytes.length - at);
        if (this.open !== undefined) writeSync(this.open, bytes.subarray(at, at + take));
        this.remaining -= take;
        at += take;
        if (this.remaining === 0) this.shut();
      } else if (this.padding > 0) {
        const skip = Math.min(this.padding, bytes.length - at);
        this.padding -= skip;
        at += skip;
      } else {
        const take = Math.min(BLOCK - this.filled, bytes.length - at);
        this.header.set(bytes.subarray(at, at + take), this.filled);
        this.filled += take;
        at += take;
        if (this.filled === BLOCK) this.begin();
      }
    }
  }

  /** Starts the file that a whole header describes. */
  private begin(): void {
    const block = this.header;
    this.filled = 0;
    if (block.every((byte) => byte === 0)) return;
    const stored = parseInt(text(block, 148, 8).trim(), 8);
    let sum = 0;
    for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : block[i]!;
    const size = parseInt(text(block, 124, 12).trim() || '0', 8);
    if (sum !== stored || !Number.isSafeInteger(size)) throw damaged('has a damaged header');
    this.remaining = size;
    this.padding = (BLOCK - (size % BLOCK)) % BLOCK;
    const kind = String.fromCharCode(block[156]!);
    if (kind !== '0' && kind !== '\0') return;
    const prefix = text(block, 257, 5) === 'ustar' ? text(block, 345, 155) : '';
    const name = normalize(prefix ? `${prefix}/${text(block, 0, 100)}` : text(block, 0, 100));
    if (name.startsWith('..') || name.startsWith(sep) || /^[A-Za-z]:/.test(name)) {
      throw damaged(`holds the path '${name}', which leads out of it`);
    }
    const file = join(this.into, name);
    mkdirSync(dirname(file), { recursive: true });
    this.open = openSync(file, 'w');
    this.files.push(file);
    if (size === 0) this.shut();
  }

  private shut(): void {
    if (this.open === undefined) return;
    closeSync(this.open);
    this.open = undefined;
  }
}

function damaged(what: string): EngineError {
  return new EngineError({ code: 'E_ARCHIVE', what: `The archive ${what}.`, fix: 'download it again' });
}
