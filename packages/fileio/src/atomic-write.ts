import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { utf8 } from './bytes.js';
import { nodeFileSystem, type FileSystem } from './file-system.js';
import { errnoOf, ioError } from './io-error.js';
import { releaseTemp, takeTemp } from './temp-names.js';

/** Content of a file: text (UTF-8), bytes, or bytes in pieces. */
export type Content = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Size and checksum of a file, taken while it was written. */
export interface WrittenFile {
  bytes: number;
  /** Lower-case hexadecimal. */
  sha256: string;
}

export interface AtomicWriteOptions {
  /** Bytes to be written when `content` comes in pieces: named in the error when the disk is full. */
  bytes?: number | undefined;
  /** File system to write to; the machine's unless said. */
  fs?: FileSystem | undefined;
}

function pieces(content: Content): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return [utf8(content)];
  return content instanceof Uint8Array ? [content] : content;
}

/** Bytes of a content without consuming it; undefined when only its iteration can tell. */
export function contentBytes(content: Content): number | undefined {
  if (typeof content === 'string') return Buffer.byteLength(content, 'utf8');
  if (content instanceof Uint8Array) return content.byteLength;
  return Array.isArray(content)
    ? (content as Uint8Array[]).reduce((sum, piece) => sum + piece.byteLength, 0)
    : undefined;
}

/** Smaller pieces are written together: a call of the system costs as much as the writing of a hundred KB. */
export const SMALL_PIECE = 1 << 20;

/** Bytes after which what was written is sent on to the device while writing goes on. */
const FLUSH = 16 << 20;

/** The pieces of a content, small ones joined in memory of its own. */
async function* gathered(content: Content): AsyncGenerator<Uint8Array> {
  if (typeof content === 'string' || content instanceof Uint8Array) {
    yield* pieces(content);
    return;
  }
  const buffers: Uint8Array[] = [];
  let turn = 0;
  let used = 0;
  const take = (): Uint8Array => {
    const taken = buffers[turn]!.subarray(0, used);
    turn = 1 - turn;
    used = 0;
    return taken;
  };
  for await (const piece of pieces(content)) {
    if (used > 0 && used + piece.byteLength > SMALL_PIECE) yield take();
    if (piece.byteLength >= SMALL_PIECE) yield piece;
    else {
      (buffers[turn] ??= new Uint8Array(SMALL_PIECE)).set(piece, used);
      used += piece.byteLength;
    }
  }
  if (used > 0) yield take();
}

/**
 * Writes a file in place, syncs it, and gives its size and checksum; errors of the system pass through.
 *
 * Whoever makes the pieces may use their memory again: of one below {@link SMALL_PIECE} for the next piece, of a larger
 * one for the second next of these, since one is on its way to the disk while the next is made.
 */
export async function writeSynced(fs: FileSystem, path: string, content: Content): Promise<WrittenFile> {
  const file = await fs.create(path);
  const hash = createHash('sha256');
  let bytes = 0;
  let flushed = 0;
  let flushing: Promise<void> | undefined;
  // Its failure is met when it is next waited for: the system tells of a lost write only once.
  const flush = (): void => {
    if (flushing || !file.flush || bytes - flushed < FLUSH) return;
    flushed = bytes;
    flushing = file.flush().then(() => void (flushing = undefined));
    flushing.catch(() => undefined);
  };
  const writeAll = async (piece: Uint8Array): Promise<void> => {
    let at = 0;
    while (at < piece.byteLength) {
      const written = await file.write(at === 0 ? piece : piece.subarray(at));
      if (written <= 0) {
        throw Object.assign(new Error(`the system wrote no more bytes after ${bytes + at}`), {
          code: 'EIO',
        });
      }
      at += written;
    }
    bytes += piece.byteLength;
    flush();
  };
  let writing = Promise.resolve();
  try {
    // A piece is made and hashed while the one before it is on its way to the disk.
    for await (const piece of gathered(content)) {
      hash.update(piece);
      await writing;
      writing = writeAll(piece);
      // Its failure is met by the next `await writing`; until then it is nobody's.
      writing.catch(() => undefined);
    }
    await writing;
    await flushing;
    await file.sync();
  } finally {
    await writing.catch(() => undefined);
    await flushing?.catch(() => undefined);
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/**
 * An {@link ioError} that also says how much space is left. An error that is not the system's (one thrown while the
 * content was produced) is returned as it is.
 */
export async function writeError(
  cause: unknown,
  fs: FileSystem,
  path: string,
  doing: string,
  bytes: number | undefined,
): Promise<unknown> {
  if (errnoOf(cause) === undefined) return cause;
  const freeBytes = await fs.freeBytes(dirname(path)).catch(() => undefined);
  return ioError(cause, { path, doing, bytes, freeBytes });
}

/** Removes what is left of a failed write; the first error is the one to report, so this one is swallowed. */
export async function removeQuietly(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.remove(path);
  } catch {
    // The next start's cleanStaleTemps removes it.
  }
}

/**
 * Writes a file so that, whatever happens, `path` holds either its old content or all of the new one: a temporary
 * file in the same folder is written and synced, then renamed over `path`, then the folder is synced.
 * Folders above `path` are made. Nothing is left behind by a failure.
 *
 * @returns size and sha256, computed while writing
 * @throws E_IO_NO_SPACE, E_IO_PERMISSION, E_IO_DEVICE, … naming the path and the bytes needed
 */
export async function atomicWrite(
  path: string,
  content: Content,
  options: AtomicWriteOptions = {},
): Promise<WrittenFile> {
  const fs = options.fs ?? nodeFileSystem;
  const temp = takeTemp(path, 'tmp');
  try {
    await fs.mkdir(dirname(path));
    const written = await writeSynced(fs, temp, content);
    await fs.rename(temp, path);
    await fs.sync(dirname(path));
    return written;
  } catch (error) {
    await removeQuietly(fs, temp);
    throw await writeError(error, fs, path, 'write', options.bytes ?? contentBytes(content));
  } finally {
    releaseTemp(temp);
  }
}

/**
 * Points the symlink `link` at `target` (relative to the link's folder, or absolute) by renaming a fresh link over it,
 * so that a reader sees the old or the new target and never none.
 *
 * @throws E_IO_… naming the link
 */
export async function replaceSymlink(
  link: string,
  target: string,
  options: { fs?: FileSystem } = {},
): Promise<void> {
  const fs = options.fs ?? nodeFileSystem;
  const temp = takeTemp(link, 'tmp');
  try {
    await fs.remove(temp);
    await fs.symlink(target, temp);
    await fs.rename(temp, link);
    await fs.sync(dirname(link));
  } catch (error) {
    await removeQuietly(fs, temp);
    throw await writeError(error, fs, link, 'link', undefined);
  } finally {
    releaseTemp(temp);
  }
}
