import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { EngineError } from '@engine/core';
import { plainBytes } from '../bytes.js';

// Descriptors, not handles: nobody closes a storage that lives as long as the process.
const open = promisify(fs.open);
const read = promisify(fs.read);
const close = promisify(fs.close);
const fstat = promisify(fs.fstat);

/** Flags of a page, of a node in a leaf, and of a database, as in LMDB's `mdb.c`. */
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const BIG_DATA = 0x01;
const SUB_DATABASE = 0x02;
const DUPLICATES = 0x04;
/** REVERSEKEY, DUPSORT, INTEGERKEY: keys in another order, or several values for one. */
const OTHER_ORDER = 0x02 | 0x04 | 0x08;

const MAGIC = 0xbeefc0de;
const HEADER = 16;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/** Levels that LMDB itself can follow. */
const MAX_DEPTH = 32;
/** Branch pages kept in memory: with 4 KiB pages 8 MiB, enough to find any of some ten million keys by one read. */
const KEPT_PAGES = 2048;

/** One key and where its value is. */
interface Entry {
  key: Buffer;
  /** Bytes of the value. */
  size: number;
  /** Where in the file it begins. */
  offset: number;
}

/**
 * A database file of LMDB 0.9 (`data.mdb`, format version 1, little endian, 64 bit), read without LMDB: a B+tree of
 * pages in which every leaf has the same depth. Layout from LMDB's sources (`libraries/liblmdb/mdb.c`, OpenLDAP).
 *
 * What is read is the state of the last commit before {@link LmdbFile.open}. There is no lock: a process that writes at
 * the same time may overwrite pages that are being read, as with `lock=False` in Python.
 */
export class LmdbFile {
  private readonly kept = new Map<number, Buffer>();

  private constructor(
    private readonly file: number,
    private readonly path: string,
    private readonly pageSize: number,
    private readonly tree: Tree,
    private readonly bytes: number,
  ) {}

  /** @throws E_LMDB_FORMAT for a file that is none, or of another version; errors of the system for one that cannot be opened */
  static async open(path: string): Promise<LmdbFile> {
    const file = await open(path, 'r');
    try {
      const first = await readMeta(file, path, 0);
      const second = await readMeta(file, path, first.pageSize);
      const meta = second.transaction > first.transaction ? second : first;
      if ((meta.flags & OTHER_ORDER) !== 0) {
        throw broken(
          path,
          `a database with flags 0x${meta.flags.toString(16)}`,
          'one value for each key, in byte order',
        );
      }
      return new LmdbFile(file, path, meta.pageSize, meta, (await fstat(file)).size);
    } catch (error) {
      await close(file);
      throw error;
    }
  }

  /** Where a key's value is; undefined when there is none. */
  async find(key: Uint8Array): Promise<Entry | undefined> {
    const { root, depth } = this.tree;
    if (root === undefined) return undefined;
    let page = await this.page(root, depth);
    for (let level = depth - 1; level > 0; level -= 1)
      page = await this.page(this.child(page, lastNotAfter(page, key)), level);
    const at = firstNotBefore(page, key);
    if (at >= countOf(page) || compare(keyAt(page, at), key) !== 0) return undefined;
    return this.entry(page, at);
  }

  /** Keys from `start` on, in byte order. */
  async *keysFrom(start: Uint8Array): AsyncGenerator<Uint8Array> {
    const { root, depth } = this.tree;
    if (root !== undefined) yield* this.keysBelow(root, depth, start, { key: undefined });
  }

  /** A piece of a value. */
  async read(entry: Entry, begin = 0, end = entry.size): Promise<Uint8Array> {
    const last = Math.min(end, entry.size);
    const out = Buffer.alloc(Math.max(0, last - begin));
    await fill(this.file, out, entry.offset + begin, this.path);
    return plainBytes(out);
  }

  close(): Promise<void> {
    return close(this.file);
  }

  /** @param last the greatest key seen: a damaged tree that leads in circles would go on for ever */
  private async *keysBelow(
    number: number,
    level: number,
    start: Uint8Array,
    last: { key: Buffer | undefined },
  ): AsyncGenerator<Uint8Array> {
    const page = await this.page(number, level);
    const count = countOf(page);
    if (level > 1) {
      for (let at = lastNotAfter(page, start); at < count; at += 1)
        yield* this.keysBelow(this.child(page, at), level - 1, start, last);
      return;
    }
    if (last.key && compare(last.key, plainBytes(keyAt(page, 0))) >= 0)
      throw broken(this.path, `keys out of order in page ${number}`);
    last.key = keyAt(page, count - 1);
    for (let at = firstNotBefore(page, start); at < count; at += 1) yield plainBytes(keyAt(page, at));
  }

  private child(page: Buffer, at: number): number {
    const node = nodeAt(page, at);
    return page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 2 ** 32;
  }

  private async entry(page: Buffer, at: number): Promise<Entry> {
    const node = nodeAt(page, at);
    const size = page.readUInt32LE(node);
    const flags = page.readUInt16LE(node + 4);
    const key = keyAt(page, at);
    const data = node + 8 + key.byteLength;
    if ((flags & (SUB_DATABASE | DUPLICATES)) !== 0)
      throw broken(this.path, `a database under the key '${key.toString()}'`, 'a value');
    if ((flags & BIG_DATA) === 0) {
      if (data + size > this.pageSize) throw broken(this.path, `a value that leaves its page`);
      const offset = Number(page.readBigUInt64LE(0)) * this.pageSize + data;
      return { key, size, offset };
    }
    const number = Number(page.readBigUInt64LE(data));
    const head = Buffer.alloc(HEADER);
    await fill(this.file, head, number * this.pageSize, this.path);
    if ((flagsOf(head) & OVERFLOW) === 0 || number * this.pageSize + size > this.bytes)
      throw broken(this.path, `page ${number} of another kind`);
    return { key, size, offset: number * this.pageSize + HEADER };
  }

  /** @param level 1 for leaves, {@link Tree.depth} for the root */
  private async page(number: number, level: number): Promise<Buffer> {
    const kept = level === 1 ? undefined : this.kept.get(number);
    if (kept) return kept;
    const page = Buffer.alloc(this.pageSize);
    await fill(this.file, page, number * this.pageSize, this.path);
    const kind = level === 1 ? LEAF : BRANCH;
    if (Number(page.readBigUInt64LE(0)) !== number || (flagsOf(page) & (BRANCH | LEAF)) !== kind)
      throw broken(this.path, `page ${number} of another kind`);
    checkNodes(page, number, this.path);
    if (kind === BRANCH) {
      if (this.kept.size >= KEPT_PAGES) this.kept.delete(this.kept.keys().next().value!);
      this.kept.set(number, page);
    }
    return page;
  }
}

interface Tree {
  /** Page number; undefined for a database without keys. */
  root: number | undefined;
  /** Levels of pages: 1 where the root is a leaf. */
  depth: number;
}

interface Meta extends Tree {
  transaction: bigint;
  pageSize: number;
  flags: number;
}

async function readMeta(file: number, path: string, offset: number): Promise<Meta> {
  const page = Buffer.alloc(152);
  await fill(file, page, offset, path);
  if (page.readUInt32LE(16) !== MAGIC)
    throw broken(path, `0x${page.readUInt32LE(16).toString(16)} at its beginning`);
  const version = page.readUInt32LE(20);
  if (version !== 1) throw broken(path, `format version ${version}`, 'version 1, that of LMDB 0.9');
  const pageSize = page.readUInt32LE(40);
  if (pageSize < 256 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0)
    throw broken(path, `pages of ${pageSize} bytes`, 'a power of two from 256 to 65536');
  const root = page.readBigUInt64LE(128);
  const depth = page.readUInt16LE(94);
  if (root !== NO_PAGE && (depth < 1 || depth > MAX_DEPTH)) throw broken(path, `a tree of ${depth} levels`);
  return {
    transaction: page.readBigUInt64LE(144),
    pageSize,
    flags: page.readUInt16LE(92),
    root: root === NO_PAGE ? undefined : Number(root),
    depth,
  };
}

/** Reads until `out` is full. */
async function fill(file: number, out: Buffer, position: number, path: string): Promise<void> {
  for (let done = 0; done < out.byteLength;) {
    const { bytesRead } = await read(file, plainBytes(out), done, out.byteLength - done, position + done);
    if (bytesRead === 0) throw broken(path, `an end at byte ${position + done}`, 'more pages');
    done += bytesRead;
  }
}

function flagsOf(page: Buffer): number {
  return page.readUInt16LE(10);
}

function countOf(page: Buffer): number {
  return (page.readUInt16LE(12) - HEADER) >> 1;
}

function nodeAt(page: Buffer, at: number): number {
  return page.readUInt16LE(HEADER + 2 * at);
}

function keyAt(page: Buffer, at: number): Buffer {
  const node = nodeAt(page, at);
  return page.subarray(node + 8, node + 8 + page.readUInt16LE(node + 6));
}

/** Byte order; of two keys with one beginning the shorter comes first. */
function compare(a: Buffer, b: Uint8Array): number {
  return Buffer.compare(plainBytes(a), b);
}

/** Refuses a page whose nodes lie outside of it, so that nothing that follows can. */
function checkNodes(page: Buffer, number: number, path: string): void {
  const count = countOf(page);
  const least = (flagsOf(page) & BRANCH) === 0 ? 1 : 2;
  let good = count >= least && HEADER + 2 * count <= page.byteLength;
  for (let at = 0; good && at < count; at += 1) {
    const node = nodeAt(page, at);
    good = node + 8 <= page.byteLength && node + 8 + page.readUInt16LE(node + 6) <= page.byteLength;
    if (good && least === 1 && (page.readUInt16LE(node + 4) & BIG_DATA) !== 0)
      good = node + 16 + page.readUInt16LE(node + 6) <= page.byteLength;
  }
  if (!good) throw broken(path, `a damaged page ${number}`);
}

/** Index of the first key of a leaf that is not before `key`. */
function firstNotBefore(page: Buffer, key: Uint8Array): number {
  let low = 0;
  let high = countOf(page);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(keyAt(page, middle), key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the child in which `key` would be. The first key of a branch page is empty: it stands before all others. */
function lastNotAfter(page: Buffer, key: Uint8Array): number {
  let low = 0;
  let high = countOf(page) - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (compare(keyAt(page, middle), key) <= 0) low = middle;
    else high = middle - 1;
  }
  return low;
}

function broken(
  path: string,
  received: string,
  expected = 'a data.mdb that LMDB 0.9 has written',
): EngineError {
  return new EngineError({
    code: 'E_LMDB_FORMAT',
    what: `'${path}' is no LMDB database that can be read.`,
    received,
    expected,
  });
}
