import { checkKeys, register, STORAGE_BACKENDS } from '@engine/core';
import { KeyedStorageBackend } from './keyed-backend.js';
import { sliceRange, type GetOptions } from './storage-backend.js';

export interface MemoryBackendOptions {
  /** Name of the store: instances made through `getFileBackend` with one name share it. Default `default`. */
  store?: string;
}

declare module '@engine/core' {
  interface StorageBackendTypes {
    MemoryBackend: MemoryBackendOptions;
  }
}

/**
 * Files held in this process, at `memory://…`: for tests and for runs that should leave nothing on disk. Folders exist
 * as long as something is in them. Data are copied on the way in and out.
 */
@register(STORAGE_BACKENDS)
export class MemoryBackend extends KeyedStorageBackend {
  static readonly prefixes: readonly string[] = ['memory'];
  readonly name = 'MemoryBackend';
  private readonly files = new Map<string, Uint8Array>();

  constructor(options: MemoryBackendOptions = {}) {
    super();
    checkKeys('MemoryBackend', options, ['store']);
  }

  protected readKey(key: string, _path: string, { range }: GetOptions): Promise<Uint8Array | undefined> {
    const data = this.files.get(key);
    return Promise.resolve(data && sliceRange(data, range).slice());
  }

  protected async writeKey(key: string, data: Uint8Array, path: string): Promise<void> {
    if (await this.isdir(path)) throw this.failure('EISDIR', 'write', path);
    for (let at = key.indexOf('/'); at >= 0; at = key.indexOf('/', at + 1)) {
      if (this.files.has(key.slice(0, at))) throw this.failure('ENOTDIR', 'write', path);
    }
    this.files.set(key, new Uint8Array(data));
  }

  protected deleteKey(key: string): Promise<boolean> {
    return Promise.resolve(this.files.delete(key));
  }

  protected hasKey(key: string): Promise<boolean> {
    return Promise.resolve(this.files.has(key));
  }

  protected async *listKeys(start: string): AsyncGenerator<string> {
    for (const key of [...this.files.keys()]) if (key.startsWith(start)) yield await Promise.resolve(key);
  }
}
