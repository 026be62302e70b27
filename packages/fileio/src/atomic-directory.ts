import { basename, dirname, join } from 'node:path';
import { EngineError } from '@engine/core';
import { removeQuietly, writeError, writeSynced, type Content, type WrittenFile } from './atomic-write.js';
import { nodeFileSystem, type FileSystem } from './file-system.js';
import { MANIFEST_NAME, measureFile, verifyDirectory, type Manifest } from './manifest.js';
import { isTempInUse, parseTemp, releaseTemp, takeTemp } from './temp-names.js';

/** The folder being written, handed to the callback of {@link writeDirectoryAtomically}. */
export interface DirectoryWriter {
  /** The temporary folder, for code that must write a file itself; such files are synced and hashed afterwards. */
  readonly path: string;
  /**
   * Writes and syncs one file; `name` may have folders (`optim/part.safetensors`).
   * @returns its size and sha256, computed while writing
   */
  write(name: string, content: Content): Promise<WrittenFile>;
  /**
   * Adds a file that `write` writes to the path it is given, syncs and measures, such as another thread. Several may be
   * under way.
   */
  add(name: string, write: (path: string) => Promise<WrittenFile>): Promise<WrittenFile>;
}

export interface WriteDirectoryOptions {
  /** Bytes of all files together, when known: named in the error when the disk is full. */
  bytes?: number | undefined;
  fs?: FileSystem | undefined;
}

/** Two renames follow each other at once; a live process cannot need this long in between. */
const SWAP_MS = 60_000;

function checkName(name: string): void {
  const parts = name.split('/');
  if (name === MANIFEST_NAME || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new EngineError({
      code: 'E_IO_NAME',
      what: `A file in a checkpoint folder cannot have the name '${name}'.`,
      expected: `a relative path with '/', without '..', other than ${MANIFEST_NAME}`,
    });
  }
}

/** Files below `dir` by relative path, and every folder on the way. */
async function walk(
  fs: FileSystem,
  dir: string,
  below = '',
): Promise<{ files: string[]; folders: string[] }> {
  const found = { files: [] as string[], folders: [dir] };
  for (const name of await fs.list(dir)) {
    const path = join(dir, name);
    if ((await fs.stat(path))?.kind === 'directory') {
      const inner = await walk(fs, path, `${below}${name}/`);
      found.files.push(...inner.files);
      found.folders.push(...inner.folders);
    } else found.files.push(`${below}${name}`);
  }
  return found;
}

/** Moves the finished folder to its place; a folder that is there already steps aside and back again on failure. */
async function swapIn(fs: FileSystem, temp: string, target: string): Promise<void> {
  if ((await fs.stat(target)) === undefined) {
    await fs.rename(temp, target);
    await fs.sync(dirname(target));
    return;
  }
  const old = takeTemp(target, 'old');
  try {
    await fs.remove(old);
    await fs.rename(target, old);
    try {
      await fs.rename(temp, target);
    } catch (error) {
      await fs.rename(old, target);
      throw error;
    }
    await fs.sync(dirname(target));
    await removeQuietly(fs, old);
  } finally {
    releaseTemp(old);
  }
}

/**
 * Writes a folder as a whole: everything goes into `<target>.tmp-<pid>`, each file is synced, a `COMMIT` manifest with
 * sizes and sha256 is written last, the folder is synced, renamed to `target`, and the parent is synced. An existing
 * target is replaced. A failure leaves the old target and nothing else; after a crash {@link cleanStaleTemps} does the
 * same, or finishes the replacement if it was complete.
 *
 * @returns the manifest
 * @throws E_IO_NO_SPACE, E_IO_PERMISSION, E_IO_DEVICE, … naming the target and the bytes needed
 */
export async function writeDirectoryAtomically(
  target: string,
  fill: (dir: DirectoryWriter) => Promise<void>,
  options: WriteDirectoryOptions = {},
): Promise<Manifest> {
  const fs = options.fs ?? nodeFileSystem;
  const temp = takeTemp(target, 'tmp');
  const manifest: Manifest = { version: 1, files: {} };
  let attempted = 0;
  try {
    await fs.mkdir(dirname(target));
    await fs.remove(temp);
    await fs.mkdir(temp);
    const add: DirectoryWriter['add'] = async (name, write) => {
      checkName(name);
      const path = join(temp, name);
      if (name.includes('/')) await fs.mkdir(dirname(path));
      return (manifest.files[name] = await write(path));
    };
    await fill({
      path: temp,
      add,
      write: (name, content) =>
        add(name, (path) =>
          writeSynced(
            fs,
            path,
            countBytes(content, (bytes) => (attempted += bytes)),
          ),
        ),
    });
    const { files, folders } = await walk(fs, temp);
    for (const name of files.filter((file) => manifest.files[file] === undefined)) {
      await fs.sync(join(temp, name));
      manifest.files[name] = await measureFile(join(temp, name), fs);
    }
    await writeSynced(fs, join(temp, MANIFEST_NAME), `${JSON.stringify(manifest, undefined, 2)}\n`);
    for (const folder of folders.reverse()) await fs.sync(folder);
    await swapIn(fs, temp, target);
    return manifest;
  } catch (error) {
    await removeQuietly(fs, temp);
    throw await writeError(error, fs, target, 'write', options.bytes ?? (attempted || undefined));
  } finally {
    releaseTemp(temp);
  }
}

/** Counts what is asked to be written, so that an error can name it even when only pieces are known. */
function countBytes(content: Content, count: (bytes: number) => void): Content {
  if (typeof content === 'string') {
    count(Buffer.byteLength(content, 'utf8'));
    return content;
  }
  if (content instanceof Uint8Array) {
    count(content.byteLength);
    return content;
  }
  return (async function* () {
    for await (const piece of content) {
      count(piece.byteLength);
      yield piece;
    }
  })();
}

/** What {@link cleanStaleTemps} did, by file name. */
export interface CleanResult {
  removed: string[];
  /** Targets that a crash had left without a folder, now whole again (old or new content). */
  recovered: string[];
}

/**
 * Puts a folder of atomically written files and folders in order after a crash: unfinished copies of dead processes are
 * removed; where the crash fell between the two renames of a replacement, the finished new copy, else the old one, is
 * put in place. Call it before reading. What a living process is writing is left alone.
 *
 * @param dir the folder that holds the targets, such as `checkpoints`; one that does not exist is fine
 */
export async function cleanStaleTemps(dir: string, options: { fs?: FileSystem } = {}): Promise<CleanResult> {
  const fs = options.fs ?? nodeFileSystem;
  const result: CleanResult = { removed: [], recovered: [] };
  if ((await fs.stat(dir))?.kind !== 'directory') return result;
  const stale: { name: string; target: string; kind: 'tmp' | 'old' }[] = [];
  for (const name of (await fs.list(dir)).sort()) {
    const temp = parseTemp(name);
    if (!temp) continue;
    const path = join(dir, name);
    const inUse = isTempInUse(path, temp.pid);
    if (inUse && temp.kind === 'tmp') continue;
    if (inUse && Date.now() - ((await fs.stat(path))?.changedAt ?? 0) < SWAP_MS) continue;
    stale.push({ name, ...temp });
  }
  // Finished new copies before old ones: a target gets the newest whole content there is.
  stale.sort((a, b) => (a.kind === b.kind ? 0 : a.kind === 'tmp' ? -1 : 1));
  for (const { name, target, kind } of stale) {
    const path = join(dir, name);
    const missing = (await fs.stat(join(dir, target))) === undefined;
    const interrupted =
      kind === 'old' || stale.some((other) => other.kind === 'old' && other.target === target);
    if (missing && interrupted && (kind === 'old' || (await verifyDirectory(path, { fs })).length === 0)) {
      await fs.rename(path, join(dir, target));
      result.recovered.push(basename(target));
    } else {
      await fs.remove(path);
      result.removed.push(name);
    }
  }
  if (stale.length > 0) await fs.sync(dir);
  return result;
}
