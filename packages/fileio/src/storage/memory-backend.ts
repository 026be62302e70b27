import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { checkKeys, register, STORAGE_BACKENDS } from '@engine/core';
import { atomicWrite } from '../atomic-write.js';
import { ioError } from '../io-error.js';
import { BaseStorageBackend, listFilter, type ListOptions, type LocalPath } from './storage-backend.js';
import { LocalBackend } from './local-backend.js';

export interface MemoryBackendOptions {
  /** Name of the store: instances made through `getFileBackend` with one name share it. Default `default`. */
  store?: string;
}

declare module '@engine/core' {
  interface StorageBackendTypes {
    MemoryBackend: MemoryBackendOptions;
  }
}

/** `memory://a//b/` and `a/b` are one path. */
function keyOf(path: string): string {
  return path
    .replace(/^memory:\/\//, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/**
 * Files held in this process, at `memory://…`: for tests and for runs that should leave nothing on disk. Folders exist
 * as long as something is in them. Data are copied on the way in and out.
 */
@register(STORAGE_BACKENDS)
export class MemoryBackend extends BaseStorageBackend {
  static readonly prefixes: readonly string[] = ['memory'];
  readonly name = 'MemoryBackend';
  private readonly files = new Map<string, Uint8Array>();

  constructor(options: MemoryBackendOptions = {}) {
    super();
    checkKeys('MemoryBackend', options, ['store']);
  }

  async get(path: string): Promise<Uint8Array> {
    const data = this.files.get(keyOf(path));
    if (data) return Promise.resolve(data.slice());
    throw this.failure((await this.isdir(path)) ? 'EISDIR' : 'ENOENT', 'read', path);
  }

  override async put(data: Uint8Array, path: string): Promise<void> {
    const key = keyOf(path);
    if (key === '' || (await this.isdir(path))) throw this.failure('EISDIR', 'write', path);
    for (let at = key.indexOf('/'); at >= 0; at = key.indexOf('/', at + 1)) {
      if (this.files.has(key.slice(0, at))) throw this.failure('ENOTDIR', 'write', path);
    }
    this.files.set(key, new Uint8Array(data));
  }

  override async exists(path: string): Promise<boolean> {
    return this.files.has(keyOf(path)) || (await this.isdir(path));
  }

  override isdir(path: string): Promise<boolean> {
    return Promise.resolve(this.below(path).length > 0);
  }

  override isfile(path: string): Promise<boolean> {
    return Promise.resolve(this.files.has(keyOf(path)));
  }

  async getLocalPath(path: string): Promise<LocalPath> {
    const folder = await fs.mkdtemp(join(tmpdir(), 'engine-'));
    const file = join(folder, `file${extname(path)}`);
    await fs.writeFile(file, await this.get(path));
    return { path: file, release: () => fs.rm(folder, { recursive: true, force: true }) };
  }

  override async copyfile(source: string, target: string): Promise<string> {
    const final = (await this.isdir(target)) ? this.joinPath(target, basename(keyOf(source))) : target;
    if (keyOf(source) === keyOf(final)) throw this.failure('EEXIST', 'copy to', final);
    await this.put(await this.get(source), final);
    return final;
  }

  override async copytree(source: string, target: string): Promise<string> {
    if (await this.exists(target)) throw this.failure('EEXIST', 'copy to', target);
    const names = this.below(source);
    if (names.length === 0) throw this.failure('ENOENT', 'copy', source);
    for (const name of names)
      await this.put(await this.get(this.joinPath(source, name)), this.joinPath(target, name));
    return target;
  }

  override async copyfileFromLocal(source: string, target: string): Promise<string> {
    const final = (await this.isdir(target)) ? this.joinPath(target, basename(source)) : target;
    await this.put(await new LocalBackend().get(source), final);
    return final;
  }

  override async copytreeFromLocal(source: string, target: string): Promise<string> {
    if (await this.exists(target)) throw this.failure('EEXIST', 'copy to', target);
    const local = new LocalBackend();
    for await (const name of local.listDirOrFile(source, { listDir: false, recursive: true })) {
      await this.put(await local.get(join(source, name)), this.joinPath(target, name));
    }
    return target;
  }

  override async copyfileToLocal(source: string, target: string): Promise<string> {
    const final = (await new LocalBackend().isdir(target)) ? join(target, basename(keyOf(source))) : target;
    await atomicWrite(final, await this.get(source));
    return final;
  }

  override async copytreeToLocal(source: string, target: string): Promise<string> {
    if (await new LocalBackend().exists(target)) throw this.failure('EEXIST', 'copy to', target);
    const names = this.below(source);
    if (names.length === 0) throw this.failure('ENOENT', 'copy', source);
    for (const name of names)
      await atomicWrite(join(target, name), await this.get(this.joinPath(source, name)));
    return target;
  }

  override async remove(path: string): Promise<void> {
    if (await this.isdir(path)) throw this.failure('EISDIR', 'remove', path);
    if (!this.files.delete(keyOf(path))) throw this.failure('ENOENT', 'remove', path);
  }

  override rmtree(path: string): Promise<void> {
    const names = this.below(path);
    if (names.length === 0) return Promise.reject(this.failure('ENOENT', 'remove', path));
    for (const name of names) this.files.delete(keyOf(this.joinPath(path, name)));
    return Promise.resolve();
  }

  override async rename(source: string, target: string): Promise<void> {
    if (keyOf(source) === keyOf(target)) return;
    if (await this.isfile(source)) {
      await this.put(await this.get(source), target);
      this.files.delete(keyOf(source));
      return;
    }
    await this.copytree(source, target);
    await this.rmtree(source);
  }

  /** There are no links here: the content is copied. */
  override async copyIfSymlinkFails(source: string, target: string): Promise<boolean> {
    if (await this.isdir(source)) await this.copytree(source, target);
    else await this.copyfile(source, target);
    return false;
  }

  override listDirOrFile(path: string, options?: ListOptions): AsyncIterable<string> {
    return this.list(path, listFilter(options));
  }

  private async *list(path: string, filter: ReturnType<typeof listFilter>): AsyncGenerator<string> {
    const names = this.below(path);
    if (names.length === 0) throw this.failure('ENOENT', 'list', path);
    const folders = new Set<string>();
    for (const name of names) {
      if (name.split('/').some((part) => part.startsWith('.'))) continue;
      for (let folder = dirname(name); folder !== '.'; folder = dirname(folder)) {
        if (filter.recursive || !folder.includes('/')) folders.add(folder);
      }
      const shown = filter.recursive || !name.includes('/');
      if (shown && filter.listFile && filter.matches(name)) yield name;
    }
    if (filter.listDir) yield* folders;
  }

  /** Files below a folder, relative to it. */
  private below(path: string): string[] {
    const key = keyOf(path);
    const start = key === '' ? '' : `${key}/`;
    return [...this.files.keys()]
      .filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length));
  }

  private failure(errno: string, doing: string, path: string): Error {
    return ioError(Object.assign(new Error(`${errno}: ${path}`), { code: errno }), { path, doing });
  }
}
