import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { badValue, checkKeys, EngineError, register, STORAGE_BACKENDS } from '@engine/core';
import { fromUtf8, utf8 } from '../bytes.js';
import { ioError } from '../io-error.js';
import { KeyedStorageBackend } from '../storage/keyed-backend.js';
import type { GetOptions } from '../storage/storage-backend.js';
import { LmdbFile } from './lmdb-file.js';

export interface LmdbBackendOptions {
  /** The database: a folder with `data.mdb`, or the file. */
  dbPath: string;
}

declare module '@engine/core' {
  interface StorageBackendTypes {
    LmdbBackend: LmdbBackendOptions;
  }
}

/**
 * Values of an LMDB database: many small files, such as the images of a data set, in one. Reading only, of what Python's
 * `lmdb` and other programs with LMDB 0.9 write; see {@link LmdbFile}. Chosen by `backend: 'LmdbBackend'`, or by
 * `lmdb://` in paths. A path is the key: as it is, else without prefix and surplus slashes. The database is opened at
 * the first use.
 */
@register(STORAGE_BACKENDS)
export class LmdbBackend extends KeyedStorageBackend {
  static readonly prefixes: readonly string[] = ['lmdb'];
  readonly name = 'LmdbBackend';
  private readonly dbPath: string;
  private opening: Promise<LmdbFile> | undefined;

  constructor(options: LmdbBackendOptions) {
    super();
    checkKeys('LmdbBackend', options, ['dbPath']);
    if (typeof options.dbPath !== 'string' || options.dbPath === '')
      throw badValue('LmdbBackend.dbPath', options.dbPath, 'the path of a database');
    this.dbPath = options.dbPath;
  }

  protected async readKey(key: string, path: string, { range }: GetOptions): Promise<Uint8Array | undefined> {
    const db = await this.database();
    const found = await this.find(db, key, path);
    return found && db.read(found, range?.begin, range?.end);
  }

  protected writeKey(_key: string, _data: Uint8Array, path: string): Promise<void> {
    return Promise.reject(this.readonly('write', path));
  }

  protected deleteKey(_key: string, path: string): Promise<boolean> {
    return Promise.reject(this.readonly('remove', path));
  }

  protected async hasKey(key: string, path: string): Promise<boolean> {
    return (await this.find(await this.database(), key, path)) !== undefined;
  }

  protected async *listKeys(start: string): AsyncGenerator<string> {
    const db = await this.database();
    // Keys are in byte order, so those with one beginning stand together.
    for await (const key of db.keysFrom(utf8(start))) {
      const name = fromUtf8(key);
      if (!name.startsWith(start)) return;
      yield name;
    }
  }

  /** Closes the file; the next use opens it again, and sees what has been written meanwhile. */
  async close(): Promise<void> {
    const { opening } = this;
    this.opening = undefined;
    await (await opening)?.close();
  }

  private async find(db: LmdbFile, key: string, path: string): ReturnType<LmdbFile['find']> {
    return (await db.find(utf8(path))) ?? (key === path ? undefined : db.find(utf8(key)));
  }

  private database(): Promise<LmdbFile> {
    return (this.opening ??= this.open().catch((error: unknown) => {
      this.opening = undefined;
      throw ioError(error, { path: this.dbPath, doing: 'open' });
    }));
  }

  private async open(): Promise<LmdbFile> {
    const isFolder = (await stat(this.dbPath)).isDirectory();
    return LmdbFile.open(isFolder ? join(this.dbPath, 'data.mdb') : this.dbPath);
  }

  private readonly(doing: string, path: string): EngineError {
    return new EngineError({
      code: 'E_STORAGE_UNSUPPORTED',
      what: `LmdbBackend cannot ${doing} '${path}': it only reads.`,
      fix: 'write the database with a program that has LMDB, such as the Python package lmdb',
    });
  }
}
