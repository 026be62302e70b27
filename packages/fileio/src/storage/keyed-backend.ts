import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { atomicWrite } from '../atomic-write.js';
import { ioError } from '../io-error.js';
import { LocalBackend } from './local-backend.js';
import {
  BaseStorageBackend,
  listFilter,
  type GetOptions,
  type ListOptions,
  type LocalPath,
} from './storage-backend.js';

/**
 * Base of storages that hold values under keys with slashes in them, such as object stores: folders exist as long as
 * something is in them. A subclass says how one key is read, written, removed and listed; everything else is made of
 * that. Operations on many files are not atomic as a whole.
 */
export abstract class KeyedStorageBackend extends BaseStorageBackend {
  /** The key of a path: without prefix, and without slashes at its ends or twice in a row. */
  protected keyOf(path: string): string {
    return path
      .replace(/^[\w+.:-]*:\/\//, '')
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
  }

  /** The value of a key, undefined when there is none. `path` is for messages. */
  protected abstract readKey(key: string, path: string, options: GetOptions): Promise<Uint8Array | undefined>;
  protected abstract writeKey(key: string, data: Uint8Array, path: string): Promise<void>;
  /** @returns false when there was none */
  protected abstract deleteKey(key: string, path: string): Promise<boolean>;
  /** Copies a value; storages that can do it themselves need not move it through this machine. @returns false when there was none */
  protected async copyKey(from: string, to: string, source: string, target: string): Promise<boolean> {
    const data = await this.readKey(from, source, {});
    if (data) await this.writeKey(to, data, target);
    return data !== undefined;
  }
  protected abstract hasKey(key: string, path: string): Promise<boolean>;
  /** All keys that begin so. @param limit more are not needed */
  protected abstract listKeys(start: string, path: string, limit?: number): AsyncIterable<string>;

  async get(path: string, options: GetOptions = {}): Promise<Uint8Array> {
    const data = await this.readKey(this.keyOf(path), path, options);
    if (data) return data;
    throw this.failure((await this.isdir(path)) ? 'EISDIR' : 'ENOENT', 'read', path);
  }

  override async put(data: Uint8Array, path: string): Promise<void> {
    const key = this.keyOf(path);
    if (key === '') throw this.failure('EISDIR', 'write', path);
    await this.writeKey(key, data, path);
  }

  override async exists(path: string): Promise<boolean> {
    return (await this.isfile(path)) || (await this.isdir(path));
  }

  override async isdir(path: string): Promise<boolean> {
    return (await this.below(path, 1)).length > 0;
  }

  override async isfile(path: string): Promise<boolean> {
    const key = this.keyOf(path);
    return key !== '' && (await this.hasKey(key, path));
  }

  async getLocalPath(path: string): Promise<LocalPath> {
    const folder = await fs.mkdtemp(join(tmpdir(), 'engine-'));
    const release = (): Promise<void> => fs.rm(folder, { recursive: true, force: true });
    try {
      const file = join(folder, `file${extname(path)}`);
      await fs.writeFile(file, await this.get(path));
      return { path: file, release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  override async copyfile(source: string, target: string): Promise<string> {
    const final = (await this.isdir(target)) ? this.joinPath(target, basename(this.keyOf(source))) : target;
    if (this.keyOf(source) === this.keyOf(final)) throw this.failure('EEXIST', 'copy to', final);
    await this.copy(source, final);
    return final;
  }

  override async copytree(source: string, target: string): Promise<string> {
    if (await this.exists(target)) throw this.failure('EEXIST', 'copy to', target);
    for (const name of await this.filesOf(source, 'copy'))
      await this.copy(this.joinPath(source, name), this.joinPath(target, name));
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
    const intoFolder = await new LocalBackend().isdir(target);
    const final = intoFolder ? join(target, basename(this.keyOf(source))) : target;
    await atomicWrite(final, await this.get(source));
    return final;
  }

  override async copytreeToLocal(source: string, target: string): Promise<string> {
    if (await new LocalBackend().exists(target)) throw this.failure('EEXIST', 'copy to', target);
    for (const name of await this.filesOf(source, 'copy'))
      await atomicWrite(join(target, name), await this.get(this.joinPath(source, name)));
    return target;
  }

  override async remove(path: string): Promise<void> {
    if (await this.isdir(path)) throw this.failure('EISDIR', 'remove', path);
    if (!(await this.deleteKey(this.keyOf(path), path))) throw this.failure('ENOENT', 'remove', path);
  }

  override async rmtree(path: string): Promise<void> {
    for (const name of await this.filesOf(path, 'remove')) {
      const file = this.joinPath(path, name);
      await this.deleteKey(this.keyOf(file), file);
    }
  }

  override async rename(source: string, target: string): Promise<void> {
    if (this.keyOf(source) === this.keyOf(target)) return;
    if (await this.isfile(source)) {
      await this.copy(source, target);
      await this.deleteKey(this.keyOf(source), source);
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
    const folders = new Set<string>();
    for (const name of await this.filesOf(path, 'list')) {
      if (name.split('/').some((part) => part.startsWith('.'))) continue;
      for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) {
        folders.add(name.slice(0, at));
        if (!filter.recursive) break;
      }
      const shown = filter.recursive || !name.includes('/');
      if (shown && filter.listFile && filter.matches(name)) yield name;
    }
    if (filter.listDir) yield* folders;
  }

  private async copy(source: string, target: string): Promise<void> {
    const to = this.keyOf(target);
    if (to === '') throw this.failure('EISDIR', 'write', target);
    if (await this.copyKey(this.keyOf(source), to, source, target)) return;
    throw this.failure((await this.isdir(source)) ? 'EISDIR' : 'ENOENT', 'copy', source);
  }

  /** Files below a folder, relative to it. */
  private async below(path: string, limit?: number): Promise<string[]> {
    const key = this.keyOf(path);
    const start = key === '' ? '' : `${key}/`;
    const names: string[] = [];
    for await (const name of this.listKeys(start, path, limit)) {
      names.push(name.slice(start.length));
      if (names.length === limit) break;
    }
    return names;
  }

  private async filesOf(path: string, doing: string): Promise<string[]> {
    const names = await this.below(path);
    if (names.length === 0) throw this.failure('ENOENT', doing, path);
    return names;
  }

  /** The house error for a system's code, as if a file system had failed so. */
  protected failure(errno: string, doing: string, path: string): Error {
    return ioError(Object.assign(new Error(`${errno}: ${path}`), { code: errno }), { path, doing });
  }
}
