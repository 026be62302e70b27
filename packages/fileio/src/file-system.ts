import { createReadStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import { plainBytes } from './bytes.js';
import { errnoOf } from './io-error.js';

/** A file open for writing from its beginning. */
export interface WritableFile {
  /** Writes some of `bytes` at the current position and says how many; may be fewer than given. */
  write(bytes: Uint8Array): Promise<number>;
  /** Like {@link sync}, while writing may go on: a sync at the end then has little left to do. */
  flush?(): Promise<void>;
  /** Returns when what was written is on the device. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What a path is, without following a symlink. */
export interface FileStat {
  kind: 'file' | 'directory' | 'symlink' | 'other';
  bytes: number;
  /** Milliseconds since 1970 of the last change of the entry (renames count). */
  changedAt: number;
}

/**
 * The file operations that atomic writes are made of. Everything that must survive a crash goes through this
 * interface, so that a test can put a failing disk in its place. Errors carry the system's `code` (`ENOSPC`).
 */
export interface FileSystem {
  /** Opens a file for writing; an existing one is emptied. */
  create(path: string): Promise<WritableFile>;
  /**
   * The whole content. `onPiece` gets it in pieces, in order, while the following ones are being read.
   * @param allocate makes the memory for so many bytes that the content is read into
   */
  read(
    path: string,
    onPiece?: (piece: Uint8Array) => void,
    allocate?: (bytes: number) => Uint8Array,
  ): Promise<Uint8Array>;
  /** The content in pieces, so that a large file can be checked without holding it. */
  readChunks(path: string): AsyncIterable<Uint8Array>;
  /** Undefined when nothing has that path. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Names in a folder, unsorted. */
  list(path: string): Promise<string[]>;
  /** Makes a folder and those above it. */
  mkdir(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  symlink(target: string, link: string): Promise<void>;
  /** Removes a file, a link or a folder with all in it; nothing happens when there is none. */
  remove(path: string): Promise<void>;
  /** Returns when the content of a closed file, or the entries of a folder, are on the device. */
  sync(path: string): Promise<void>;
  /** Bytes that this user may still write on the volume of `path`; undefined when unknown. */
  freeBytes(path: string): Promise<number | undefined>;
}

/** Windows cannot open folders, and some network file systems cannot sync them. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM']);

/** Bytes asked for at once: few calls, and the first pieces can be hashed while the last are read. */
const PIECE = 4 << 20;

async function readPieces(
  handle: fs.FileHandle,
  all: Uint8Array,
  onPiece?: (piece: Uint8Array) => void,
): Promise<Uint8Array> {
  let at = 0;
  let last: Uint8Array | undefined;
  while (at < all.byteLength) {
    const reading = handle.read(all, at, Math.min(PIECE, all.byteLength - at), at);
    if (last) onPiece?.(last);
    const { bytesRead } = await reading;
    last = undefined;
    if (bytesRead === 0) break;
    last = all.subarray(at, at + bytesRead);
    at += bytesRead;
  }
  if (last) onPiece?.(last);
  // The file was cut short while it was read.
  return at < all.byteLength ? all.slice(0, at) : all;
}

/** The machine's own file system. */
export const nodeFileSystem: FileSystem = {
  async create(path) {
    const handle = await fs.open(path, 'w');
    return {
      write: async (bytes) => (await handle.write(bytes)).bytesWritten,
      flush: () => handle.datasync(),
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },

  async read(path, onPiece, allocate = (bytes) => new Uint8Array(bytes)) {
    const handle = await fs.open(path, 'r');
    try {
      const { size } = await handle.stat();
      // Zero bytes may also mean a file whose size is not known before it is read, as in /proc.
      if (size === 0) {
        const all = plainBytes(await handle.readFile());
        if (all.byteLength > 0) onPiece?.(all);
        return all;
      }
      return await readPieces(handle, allocate(size), onPiece);
    } finally {
      await handle.close();
    }
  },

  readChunks: (path) => createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>,

  async stat(path) {
    try {
      const stat = await fs.lstat(path);
      const kind = stat.isFile()
        ? 'file'
        : stat.isDirectory()
          ? 'directory'
          : stat.isSymbolicLink()
            ? 'symlink'
            : 'other';
      return { kind, bytes: stat.size, changedAt: stat.ctimeMs };
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  },

  list: (path) => fs.readdir(path),

  async mkdir(path) {
    await fs.mkdir(path, { recursive: true });
  },

  rename: (from, to) => fs.rename(from, to),

  symlink: (target, link) => fs.symlink(target, link),

  remove: (path) => fs.rm(path, { recursive: true, force: true }),

  async sync(path) {
    let handle: fs.FileHandle | undefined;
    try {
      handle = await fs.open(path, 'r');
      await handle.sync();
    } catch (error) {
      if (!CANNOT_SYNC.has(errnoOf(error) ?? '')) throw error;
    } finally {
      await handle?.close();
    }
  },

  async freeBytes(path) {
    try {
      const stat = await fs.statfs(path);
      return stat.bavail * stat.bsize;
    } catch {
      return undefined;
    }
  },
};
