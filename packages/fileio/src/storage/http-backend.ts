import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { badValue, checkKeys, register, STORAGE_BACKENDS } from '@engine/core';
import { atomicWrite } from '../atomic-write.js';
import { httpGet, MemorySink, statusError } from '../http/http-get.js';
import { fetchOnce, withRetries, type RetryOptions } from '../http/retry.js';
import { LocalBackend } from './local-backend.js';
import { BaseStorageBackend, type GetOptions, type LocalPath } from './storage-backend.js';

export interface HTTPBackendOptions extends RetryOptions {
  /** Sent with every request, such as `authorization`. */
  headers?: Record<string, string> | undefined;
}

declare module '@engine/core' {
  interface StorageBackendTypes {
    HTTPBackend: HTTPBackendOptions;
  }
}

/** Checks the options that storages over HTTP share. @throws E_CONFIG_VALUE */
export function checkRetryOptions(owner: string, options: RetryOptions): void {
  for (const key of ['retries', 'backoff', 'timeout'] as const) {
    const value = options[key];
    const good = value === undefined || (Number.isFinite(value) && value >= (key === 'timeout' ? 1 : 0));
    if (!good) throw badValue(`${owner}.${key}`, value, 'a number >= 0');
  }
}

/**
 * Files behind `http://` and `https://`: reading only. Requests that fail for reasons that may pass (5xx, 429, resets,
 * silence) are repeated with growing waits; a download that breaks goes on where it broke.
 */
@register(STORAGE_BACKENDS)
export class HTTPBackend extends BaseStorageBackend {
  static readonly prefixes: readonly string[] = ['http', 'https'];
  readonly name = 'HTTPBackend';
  private readonly options: HTTPBackendOptions;

  constructor(options: HTTPBackendOptions = {}) {
    super();
    checkKeys('HTTPBackend', options, ['headers', 'retries', 'backoff', 'timeout']);
    checkRetryOptions('HTTPBackend', options);
    this.options = options;
  }

  /** @throws E_IO_NOT_FOUND, E_IO_PERMISSION, E_HTTP_STATUS, E_HTTP_FAILED, E_IO_ABORTED */
  async get(path: string, options: GetOptions = {}): Promise<Uint8Array> {
    const sink = new MemorySink();
    await httpGet(path, sink, { ...this.options, ...options });
    return sink.bytes();
  }

  /** Asks with HEAD. */
  override exists(path: string): Promise<boolean> {
    return withRetries(`Asking for '${path}'`, this.options, () =>
      fetchOnce(path, { method: 'HEAD', headers: this.options.headers ?? {} }, this.options, (response) => {
        if (response.ok) return Promise.resolve(true);
        if (response.status === 404 || response.status === 410) return Promise.resolve(false);
        throw statusError(path, response, 'ask for');
      }),
    );
  }

  override isfile(path: string): Promise<boolean> {
    return this.exists(path);
  }

  async getLocalPath(path: string): Promise<LocalPath> {
    const folder = await mkdtemp(join(tmpdir(), 'engine-'));
    const release = (): Promise<void> => rm(folder, { recursive: true, force: true });
    try {
      return { path: await this.copyfileToLocal(path, join(folder, nameOf(path))), release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  override async copyfileToLocal(source: string, target: string): Promise<string> {
    const final = (await new LocalBackend().isdir(target)) ? join(target, nameOf(source)) : target;
    await atomicWrite(final, await this.get(source));
    return final;
  }
}

/** The file name in an address. */
function nameOf(url: string): string {
  return basename(decodeURIComponent(new URL(url).pathname)) || 'file';
}
