import * as fs from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkKeys, register, STORAGE_BACKENDS } from '@engine/core';
import { atomicWrite, replaceSymlink } from '../atomic-write.js';
import { plainBytes } from '../bytes.js';
import { nodeFileSystem, type FileSystem, type FileStat } from '../file-system.js';
import { ioError } from '../io-error.js';
import {
  BaseStorageBackend,
  listFilter,
  type GetOptions,
  type ListOptions,
  type LocalPath,
} from './storage-backend.js';

// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface LocalBackendOptions {}

declare module '@engine/core' {
  interface StorageBackendTypes {
    LocalBackend: LocalBackendOptions;
  }
}

function systemError(errno: string, path: string): Error {
  return Object.assign(new Error(`${errno}: ${path}`), { code: errno });
}

/** Files of this machine: paths without a prefix, and `file://` addresses. Writes are atomic and synced. */
@register(STORAGE_BACKENDS)
export class LocalBackend extends BaseStorageBackend {
  static readonly prefixes: readonly string[] = ['', 'file'];
  readonly name = 'LocalBackend';
  private readonly fs: FileSystem;

  /** @param fs where atomic writes go, for tests of failing disks; the machine's own unless given */
  constructor(options: LocalBackendOptions = {}, fs: FileSystem = nodeFileSystem) {
    super();
    checkKeys('LocalBackend', options, []);
    this.fs = fs;
  }

  get(path: string, { range }: GetOptions = {}): Promise<Uint8Array> {
    return attempt('read', path, async () => {
      if (range) return readRange(localPath(path), range.begin, range.end);
      return plainBytes(await fs.readFile(localPath(path)));
    });
  }

  override async put(data: Uint8Array, path: string): Promise<void> {
    await atomicWrite(localPath(path), data, { fs: this.fs });
  }

  override async exists(path: string): Promise<boolean> {
    return (await followed(path)) !== undefined;
  }

  override async isdir(path: string): Promise<boolean> {
    return (await followed(path)) === 'directory';
  }

  override async isfile(path: string): Promise<boolean> {
    return (await followed(path)) === 'file';
  }

  override joinPath(path: string, ...parts: string[]): string {
    return path.includes('://') ? super.joinPath(path, ...parts) : join(path, ...parts);
  }

  getLocalPath(path: string): Promise<LocalPath> {
    return Promise.resolve({ path: localPath(path), release: () => Promise.resolve() });
  }

  override async copyfile(source: string, target: string): Promise<string> {
    const from = localPath(source);
    const given = localPath(target);
    const to = (await this.isdir(target)) ? join(given, basename(from)) : given;
    return attempt('copy', source, async () => {
      if (resolve(from) === resolve(to)) throw systemError('EEXIST', to);
      await fs.mkdir(dirname(to), { recursive: true });
      await fs.copyFile(from, to);
      return to;
    });
  }

  override async copytree(source: string, target: string): Promise<string> {
    const to = localPath(target);
    if (await this.exists(target))
      throw ioError(systemError('EEXIST', to), { path: target, doing: 'copy to' });
    return attempt('copy', source, async () => {
      await fs.cp(localPath(source), to, { recursive: true, errorOnExist: true, force: false });
      return to;
    });
  }

  override copyfileFromLocal(source: string, target: string): Promise<string> {
    return this.copyfile(source, target);
  }

  override copytreeFromLocal(source: string, target: string): Promise<string> {
    return this.copytree(source, target);
  }

  override copyfileToLocal(source: string, target: string): Promise<string> {
    return this.copyfile(source, target);
  }

  override copytreeToLocal(source: string, target: string): Promise<string> {
    return this.copytree(source, target);
  }

  override remove(path: string): Promise<void> {
    return attempt('remove', path, async () => {
      if ((await this.fs.stat(localPath(path)))?.kind === 'directory') throw systemError('EISDIR', path);
      await fs.unlink(localPath(path));
    });
  }

  override rmtree(path: string): Promise<void> {
    return attempt('remove', path, () => fs.rm(localPath(path), { recursive: true }));
  }

  override rename(source: string, target: string): Promise<void> {
    return attempt('rename', source, () => this.fs.rename(localPath(source), localPath(target)));
  }

  override symlink(target: string, link: string): Promise<void> {
    return replaceSymlink(localPath(link), target, { fs: this.fs });
  }

  override async copyIfSymlinkFails(source: string, target: string): Promise<boolean> {
    try {
      await fs.symlink(localPath(source), localPath(target));
      return true;
    } catch {
      if (await this.isdir(source)) await this.copytree(source, target);
      else await this.copyfile(source, target);
      return false;
    }
  }

  override listDirOrFile(path: string, options?: ListOptions): AsyncIterable<string> {
    return list(localPath(path), '', listFilter(options));
  }
}

/** The path on this machine of a plain path or a `file://` address. */
function localPath(path: string): string {
  return path.startsWith('file://') ? fileURLToPath(path) : path;
}

async function readRange(path: string, begin: number, end: number | undefined): Promise<Uint8Array> {
  const handle = await fs.open(path, 'r');
  try {
    const { size } = await handle.stat();
    const out = new Uint8Array(Math.max(0, Math.min(end ?? size, size) - begin));
    let done = 0;
    while (done < out.byteLength) {
      const { bytesRead } = await handle.read(out, done, out.byteLength - done, begin + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return out.subarray(0, done);
  } finally {
    await handle.close();
  }
}

async function attempt<R>(doing: string, path: string, run: () => Promise<R>): Promise<R> {
  try {
    return await run();
  } catch (error) {
    throw ioError(error, { path, doing });
  }
}

/** What a path leads to, through symlinks. */
async function followed(path: string): Promise<FileStat['kind'] | undefined> {
  try {
    const stat = await fs.stat(localPath(path));
    return stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'other';
  } catch {
    return undefined;
  }
}

async function* list(
  root: string,
  below: string,
  filter: ReturnType<typeof listFilter>,
): AsyncGenerator<string> {
  const entries = await attempt('list', join(root, below), () =>
    fs.readdir(join(root, below), { withFileTypes: true }),
  );
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const kind = entry.isSymbolicLink()
      ? await followed(join(root, path))
      : entry.isDirectory()
        ? 'directory'
        : 'file';
    if (kind === 'directory') {
      if (filter.listDir) yield path;
      if (filter.recursive) yield* list(root, path, filter);
    } else if (filter.listFile && filter.matches(entry.name)) yield path;
  }
}
