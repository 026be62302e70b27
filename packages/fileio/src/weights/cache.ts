import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { checkKeys, EngineError } from '@engine/core';
import { httpGet, type HttpSink } from '../http/http-get.js';
import type { RetryOptions } from '../http/retry.js';
import { checkRetryOptions } from '../storage/http-backend.js';
import type { GetOptions } from '../storage/storage-backend.js';
import { withLock } from './lock.js';

export interface FetchWeightsOptions extends RetryOptions, Pick<GetOptions, 'onProgress' | 'signal'> {
  /** Folder of the cache. Default `checkpoints` in {@link cacheHome}. */
  folder?: string | undefined;
  /** Beginning (8 digits or more) of the file's sha256. Default what the name ends with, as in `net-1a2b3c4d.pth`. */
  sha256?: string | undefined;
  /** Sent with the request. */
  headers?: Record<string, string> | undefined;
}

/** Where downloads are kept: `$ENGINE_HOME`, else `$XDG_CACHE_HOME/engine`, else `~/.cache/engine`. */
export function cacheHome(): string {
  const { ENGINE_HOME: home, XDG_CACHE_HOME: caches } = process.env;
  return home ? home : join(caches ? caches : join(homedir(), '.cache'), 'engine');
}

function nameOf(url: string): string {
  return basename(decodeURIComponent(new URL(url).pathname)) || 'weights';
}

/** Where the file behind an address is, or would be, in the cache: one folder per address, so that names cannot clash. */
export function cachedWeightsPath(url: string, folder: string = join(cacheHome(), 'checkpoints')): string {
  return join(folder, createHash('sha256').update(url).digest('hex').slice(0, 12), nameOf(url));
}

/** The sha256 that a file name announces, in the manner of torch.hub: `resnet18-5c106cde.pth`. */
function announced(name: string): string | undefined {
  return /-([0-9a-f]{8,64})\.[^.]+$/.exec(name)?.[1];
}

/**
 * Downloads weights once: later calls, in any process, find them in the cache. A download that was broken off goes on
 * where it stopped, if the server still has the same file (ETag). Of processes that want one file, one downloads and
 * the others wait.
 *
 * @returns the path of the file
 * @throws E_WEIGHTS_CHECKSUM when the content is not what its name or `sha256` says
 * @throws E_IO_NOT_FOUND, E_HTTP_STATUS, E_HTTP_FAILED, E_IO_ABORTED
 */
export async function fetchWeights(url: string, options: FetchWeightsOptions = {}): Promise<string> {
  checkKeys('fetchWeights', options, [
    'folder',
    'sha256',
    'headers',
    'onProgress',
    'signal',
    'retries',
    'backoff',
    'timeout',
  ]);
  checkRetryOptions('fetchWeights', options);
  const file = cachedWeightsPath(url, options.folder);
  if (existsSync(file)) return file;
  await fs.mkdir(join(file, '..'), { recursive: true });
  await withLock(`${file}.lock`, options.signal, async () => {
    if (existsSync(file)) return;
    const sink = new FileSink(`${file}.part`);
    await sink.open();
    try {
      await httpGet(url, sink, options);
    } finally {
      await sink.close();
    }
    await check(url, sink.path, options.sha256 ?? announced(nameOf(url)));
    await fs.rename(sink.path, file);
    await fs.rm(`${sink.path}.etag`, { force: true });
  });
  return file;
}

async function check(url: string, path: string, expected: string | undefined): Promise<void> {
  if (expected === undefined) return;
  const hash = createHash('sha256');
  const handle = await fs.open(path);
  try {
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk as Uint8Array);
  } finally {
    await handle.close();
  }
  const digest = hash.digest('hex');
  if (digest.startsWith(expected.toLowerCase())) return;
  await fs.rm(path);
  throw new EngineError({
    code: 'E_WEIGHTS_CHECKSUM',
    what: `The file behind '${url}' is not the one that was announced; it was thrown away.`,
    received: `sha256 ${digest}`,
    expected: `sha256 ${expected}…`,
    fix: 'try again; if it fails again, the file on the server has changed or is broken',
  });
}

/** A partial file beside which its version is noted, so that another process can go on with it. */
class FileSink implements HttpSink {
  have = 0;
  version: string | undefined;
  private handle: fs.FileHandle | undefined;

  constructor(readonly path: string) {}

  async open(): Promise<void> {
    this.version = await fs.readFile(`${this.path}.etag`, 'utf8').catch(() => undefined);
    this.handle = await fs.open(this.path, this.version === undefined ? 'w' : 'a');
    this.have = (await this.handle.stat()).size;
  }

  async restart(version: string | undefined): Promise<void> {
    await this.handle!.truncate(0);
    await this.handle!.close();
    this.have = 0;
    this.version = version;
    if (version === undefined) await fs.rm(`${this.path}.etag`, { force: true });
    else await fs.writeFile(`${this.path}.etag`, version);
    this.handle = await fs.open(this.path, 'a');
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.handle!.writeFile(chunk);
  }

  async close(): Promise<void> {
    await this.handle?.sync();
    await this.handle?.close();
  }
}
