import { EngineError } from '@engine/core';
import { utf8 } from '../bytes.js';

/** A file on this machine that holds the content of a stored one. */
export interface LocalPath {
  path: string;
  /** Removes a downloaded copy; nothing happens to a file that was local all along. */
  release(): Promise<void>;
}

export interface ListOptions {
  /** Give folders. Default true. */
  listDir?: boolean | undefined;
  /** Give files. Default true. */
  listFile?: boolean | undefined;
  /** Give only files that end so; cannot go with `listDir`. */
  suffix?: string | readonly string[] | undefined;
  /** Look into folders too. Default false. */
  recursive?: boolean | undefined;
}

/** How a file is read. */
export interface GetOptions {
  /** Only these bytes: from `begin` to before `end`, or to the end of the file. What lies behind the end is left out. */
  range?: { begin: number; end?: number | undefined } | undefined;
  /** Told after each piece: bytes so far, and all of them where known. Storages without network do not call it. */
  onProgress?: ((bytes: number, total: number | undefined) => void) | undefined;
  /** Ends a download with E_IO_ABORTED. */
  signal?: AbortSignal | undefined;
}

/** Names of the operations that a storage may lack. */
export type StorageOperation = Exclude<keyof StorageBackend, 'name'>;

/**
 * One kind of storage behind paths. `get`, `getText` and `getLocalPath` are what every storage can do; one that cannot
 * do more (http) throws E_STORAGE_UNSUPPORTED for the rest. Class members named `prefixes` (static) say which
 * `prefix://` paths it serves.
 *
 * All paths are those the user gave, prefix included. Errors are house errors (E_IO_NOT_FOUND, E_IO_IS_DIRECTORY, …).
 */
export interface StorageBackend {
  /** Name in `STORAGE_BACKENDS`. */
  readonly name: string;
  get(path: string, options?: GetOptions): Promise<Uint8Array>;
  getText(path: string, encoding?: BufferEncoding): Promise<string>;
  /** Writes as a whole or not at all; folders above are made. */
  put(data: Uint8Array, path: string): Promise<void>;
  putText(text: string, path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  isdir(path: string): Promise<boolean>;
  isfile(path: string): Promise<boolean>;
  joinPath(path: string, ...parts: string[]): string;
  getLocalPath(path: string): Promise<LocalPath>;
  /** Copies inside this storage; into a folder when `target` is one. @returns the final path */
  copyfile(source: string, target: string): Promise<string>;
  /** Copies a folder; `target` must not exist. @returns `target` */
  copytree(source: string, target: string): Promise<string>;
  /** Uploads a file of this machine. @returns the final path */
  copyfileFromLocal(source: string, target: string): Promise<string>;
  copytreeFromLocal(source: string, target: string): Promise<string>;
  /** Downloads to this machine. @returns the final path */
  copyfileToLocal(source: string, target: string): Promise<string>;
  copytreeToLocal(source: string, target: string): Promise<string>;
  /** Removes a file; a folder is E_IO_IS_DIRECTORY, nothing there E_IO_NOT_FOUND. */
  remove(path: string): Promise<void>;
  /** Removes a folder with all in it. */
  rmtree(path: string): Promise<void>;
  rename(source: string, target: string): Promise<void>;
  /** Makes `link` point at `target`, replacing an existing link. */
  symlink(target: string, link: string): Promise<void>;
  /** Links `target` to `source` where links exist, copies elsewhere. @returns true when linked */
  copyIfSymlinkFails(source: string, target: string): Promise<boolean>;
  /** Paths relative to `path`; names that begin with a dot are left out; in no particular order. */
  listDirOrFile(path: string, options?: ListOptions): AsyncIterable<string>;
  /**
   * An address with which anybody may read (or write) the file for a while, without credentials.
   * @param seconds until it expires. Default 3600.
   */
  generatePresignedUrl(path: string, method?: 'GET' | 'PUT', seconds?: number): Promise<string>;
}

/** Base of storages: every operation but the three necessary ones throws E_STORAGE_UNSUPPORTED unless overridden. */
export abstract class BaseStorageBackend implements StorageBackend {
  abstract readonly name: string;
  abstract get(path: string, options?: GetOptions): Promise<Uint8Array>;
  abstract getLocalPath(path: string): Promise<LocalPath>;

  async getText(path: string, encoding: BufferEncoding = 'utf-8'): Promise<string> {
    return Buffer.from(await this.get(path)).toString(encoding);
  }

  async putText(text: string, path: string): Promise<void> {
    await this.put(utf8(text), path);
  }

  joinPath(path: string, ...parts: string[]): string {
    const clean = parts
      .map((part) => part.replace(/^\/+/, '').replace(/\/+$/, ''))
      .filter((part) => part !== '');
    return [path.replace(/\/+$/, ''), ...clean].join('/');
  }

  put(_data: Uint8Array, path: string): Promise<void> {
    return this.cannot('put', path);
  }
  exists(path: string): Promise<boolean> {
    return this.cannot('exists', path);
  }
  isdir(path: string): Promise<boolean> {
    return this.cannot('isdir', path);
  }
  isfile(path: string): Promise<boolean> {
    return this.cannot('isfile', path);
  }
  copyfile(source: string, _target: string): Promise<string> {
    return this.cannot('copyfile', source);
  }
  copytree(source: string, _target: string): Promise<string> {
    return this.cannot('copytree', source);
  }
  copyfileFromLocal(_source: string, target: string): Promise<string> {
    return this.cannot('copyfileFromLocal', target);
  }
  copytreeFromLocal(_source: string, target: string): Promise<string> {
    return this.cannot('copytreeFromLocal', target);
  }
  copyfileToLocal(source: string, _target: string): Promise<string> {
    return this.cannot('copyfileToLocal', source);
  }
  copytreeToLocal(source: string, _target: string): Promise<string> {
    return this.cannot('copytreeToLocal', source);
  }
  remove(path: string): Promise<void> {
    return this.cannot('remove', path);
  }
  rmtree(path: string): Promise<void> {
    return this.cannot('rmtree', path);
  }
  rename(source: string, _target: string): Promise<void> {
    return this.cannot('rename', source);
  }
  symlink(_target: string, link: string): Promise<void> {
    return this.cannot('symlink', link);
  }
  copyIfSymlinkFails(source: string, _target: string): Promise<boolean> {
    return this.cannot('copyIfSymlinkFails', source);
  }
  listDirOrFile(path: string, _options?: ListOptions): AsyncIterable<string> {
    throw this.unsupported('listDirOrFile', path);
  }
  generatePresignedUrl(path: string, _method?: 'GET' | 'PUT', _seconds?: number): Promise<string> {
    return this.cannot('generatePresignedUrl', path);
  }

  private cannot(operation: StorageOperation, path: string): Promise<never> {
    return Promise.reject(this.unsupported(operation, path));
  }

  private unsupported(operation: StorageOperation, path: string): EngineError {
    return new EngineError({
      code: 'E_STORAGE_UNSUPPORTED',
      what: `${this.name} cannot do '${operation}'.`,
      received: `${operation}('${path}')`,
      fix: 'use a storage that can, such as a local folder',
    });
  }
}

/** Normalises {@link ListOptions}. @throws E_CONFIG_VALUE when `suffix` goes with folders */
export function listFilter(options: ListOptions = {}): {
  listDir: boolean;
  listFile: boolean;
  recursive: boolean;
  matches(name: string): boolean;
} {
  const { listDir = true, listFile = true, recursive = false, suffix } = options;
  if (suffix !== undefined && listDir) {
    throw new EngineError({
      code: 'E_CONFIG_VALUE',
      what: 'listDirOrFile cannot filter folders by suffix.',
      received: 'suffix together with listDir = true',
      fix: 'pass listDir: false',
    });
  }
  const suffixes = suffix === undefined ? undefined : typeof suffix === 'string' ? [suffix] : suffix;
  return {
    listDir,
    listFile,
    recursive,
    matches: (name) => suffixes === undefined || suffixes.some((end) => name.endsWith(end)),
  };
}

/** The part of a whole content that a range asks for, as a view. */
export function sliceRange(data: Uint8Array, range: GetOptions['range']): Uint8Array {
  return range ? data.subarray(range.begin, Math.max(range.begin, range.end ?? data.byteLength)) : data;
}
