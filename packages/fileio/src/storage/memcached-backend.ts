import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { badValue, checkKeys, EngineError, register, STORAGE_BACKENDS } from '@engine/core';
import { utf8 } from '../bytes.js';
import { ioError } from '../io-error.js';
import { crc32 } from '../zip/crc32.js';
import { LocalBackend } from './local-backend.js';
import { MemcachedClient } from './memcached-client.js';
import { BaseStorageBackend, sliceRange, type GetOptions, type LocalPath } from './storage-backend.js';

export interface MemcachedBackendOptions {
  /** `host:port` of each server; a key's checksum chooses among them. Default `['127.0.0.1:11211']`. */
  servers?: readonly string[] | undefined;
  /** Seconds that values are kept; 0 as long as there is room. Default 0. */
  expires?: number | undefined;
  /** Milliseconds to wait for an answer. Default 5000. */
  timeout?: number | undefined;
}

declare module '@engine/core' {
  interface StorageBackendTypes {
    MemcachedBackend: MemcachedBackendOptions;
  }
}

/** Longest key of the protocol. */
const MAX_KEY = 250;

/**
 * Values in memcached servers (https://github.com/memcached/memcached/blob/master/doc/protocol.txt). The path without
 * `memcached://` is the key. Servers may forget values at any time and cannot list them: there are no folders.
 */
@register(STORAGE_BACKENDS)
export class MemcachedBackend extends BaseStorageBackend {
  static readonly prefixes: readonly string[] = ['memcached'];
  readonly name = 'MemcachedBackend';
  private readonly clients: MemcachedClient[];
  private readonly expires: number;

  constructor(options: MemcachedBackendOptions = {}) {
    super();
    checkKeys('MemcachedBackend', options, ['servers', 'expires', 'timeout']);
    const { servers = ['127.0.0.1:11211'], expires = 0, timeout = 5000 } = options;
    if (!Number.isInteger(expires) || expires < 0)
      throw badValue('MemcachedBackend.expires', expires, 'an integer >= 0');
    if (!(timeout > 0)) throw badValue('MemcachedBackend.timeout', timeout, 'a number > 0');
    if (!Array.isArray(servers) || servers.length === 0)
      throw badValue('MemcachedBackend.servers', servers, "a list such as ['127.0.0.1:11211']");
    this.expires = expires;
    this.clients = (servers as readonly unknown[]).map((server) => {
      const parts = typeof server === 'string' ? /^(.+):(\d{1,5})$/.exec(server) : undefined;
      if (!parts) throw badValue('MemcachedBackend.servers', server, "'host:port'");
      return new MemcachedClient(parts[1]!, Number(parts[2]), timeout);
    });
  }

  /** @throws E_IO_NOT_FOUND, E_MEMCACHED_FAILED */
  async get(path: string, { range }: GetOptions = {}): Promise<Uint8Array> {
    const [client, key] = this.locate(path);
    const found = await client.get(key);
    if (!found) throw ioError(Object.assign(new Error(path), { code: 'ENOENT' }), { path, doing: 'read' });
    return sliceRange(found, range).slice();
  }

  override async put(data: Uint8Array, path: string): Promise<void> {
    const [client, key] = this.locate(path);
    await client.set(key, data, this.expires);
  }

  override async exists(path: string): Promise<boolean> {
    const [client, key] = this.locate(path);
    return (await client.get(key)) !== undefined;
  }

  override isfile(path: string): Promise<boolean> {
    return this.exists(path);
  }

  override async remove(path: string): Promise<void> {
    const [client, key] = this.locate(path);
    if (await client.delete(key)) return;
    throw ioError(Object.assign(new Error(path), { code: 'ENOENT' }), { path, doing: 'remove' });
  }

  override async copyfile(source: string, target: string): Promise<string> {
    await this.put(await this.get(source), target);
    return target;
  }

  override async copyfileFromLocal(source: string, target: string): Promise<string> {
    await this.put(await new LocalBackend().get(source), target);
    return target;
  }

  override async copyfileToLocal(source: string, target: string): Promise<string> {
    const local = new LocalBackend();
    const final = (await local.isdir(target)) ? join(target, basename(source)) : target;
    await local.put(await this.get(source), final);
    return final;
  }

  async getLocalPath(path: string): Promise<LocalPath> {
    const data = await this.get(path);
    const folder = await fs.mkdtemp(join(tmpdir(), 'engine-'));
    const file = join(folder, `file${extname(path)}`);
    await fs.writeFile(file, data);
    return { path: file, release: () => fs.rm(folder, { recursive: true, force: true }) };
  }

  /** Ends the connections; the next use makes new ones. */
  close(): void {
    for (const client of this.clients) client.close();
  }

  private locate(path: string): [MemcachedClient, string] {
    const key = path.replace(/^memcached:\/\//, '');
    const bytes = utf8(key);
    // eslint-disable-next-line no-control-regex
    if (bytes.length === 0 || bytes.length > MAX_KEY || /[\x00-\x20\x7f]/.test(key)) {
      throw new EngineError({
        code: 'E_STORAGE_PATH',
        what: 'The path is no key for memcached.',
        received: `'${path}'`,
        expected: `1 to ${MAX_KEY} bytes without blanks and control characters`,
      });
    }
    return [this.clients[crc32(bytes) % this.clients.length]!, key];
  }
}
