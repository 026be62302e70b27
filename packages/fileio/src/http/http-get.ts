import { EngineError } from '@engine/core';
import { ioError } from '../io-error.js';
import type { GetOptions } from '../storage/storage-backend.js';
import { fetchOnce, Retryable, withRetries, type RetryOptions } from './retry.js';

/** Where the bytes of a download go. */
export interface HttpSink {
  /** Bytes kept from an earlier attempt, and the version (ETag) of the file they are of. */
  have: number;
  version?: string | undefined;
  /** The file is another one than before, or ranges are not served: begin anew. */
  restart(version: string | undefined): Promise<void>;
  write(chunk: Uint8Array): Promise<void>;
}

export interface HttpGetOptions extends RetryOptions, GetOptions {
  headers?: Record<string, string> | undefined;
  /** Signs or changes the request just before each attempt. */
  prepare?: ((url: string, init: RequestInit) => Promise<RequestInit>) | undefined;
}

/** A response that is no success, as a house error. */
export function statusError(url: string, response: Response, doing: string): EngineError {
  const { status, statusText } = response;
  if (status === 404 || status === 410) {
    return ioError(Object.assign(new Error(`HTTP ${status}`), { code: 'ENOENT' }), { path: url, doing });
  }
  const denied = status === 401 || status === 403;
  return new EngineError({
    code: denied ? 'E_IO_PERMISSION' : 'E_HTTP_STATUS',
    what: `Cannot ${doing} '${url}': the server ${denied ? 'does not allow it' : 'answered with an error'}.`,
    received: `HTTP ${status} ${statusText}`.trim(),
    fix: denied ? 'check the credentials' : 'check the address',
  });
}

/** First and last byte wanted from the server, both counted from the beginning of the file. */
function rangeHeader(begin: number, end: number | undefined): string | undefined {
  if (begin === 0 && end === undefined) return undefined;
  return `bytes=${begin}-${end === undefined ? '' : end - 1}`;
}

/**
 * Downloads into a sink. A connection that breaks is taken up again where it broke, if the file is still the same one.
 * @throws E_IO_NOT_FOUND, E_IO_PERMISSION, E_HTTP_STATUS, E_HTTP_FAILED after the last repeat, E_IO_ABORTED
 */
export function httpGet(url: string, sink: HttpSink, options: HttpGetOptions): Promise<void> {
  const { range, onProgress } = options;
  const first = range?.begin ?? 0;
  const last = range?.end;
  return withRetries(`Reading '${url}'`, options, async () => {
    const resume = sink.have > 0 && sink.version !== undefined;
    if (sink.have > 0 && !resume) await sink.restart(undefined);
    if (last !== undefined && first + sink.have >= last) return;
    const wanted = rangeHeader(first + sink.have, last);
    const headers: Record<string, string> = { 'accept-encoding': 'identity', ...options.headers };
    if (wanted !== undefined) headers['range'] = wanted;
    if (resume) headers['if-range'] = sink.version!;
    const init = (await options.prepare?.(url, { headers })) ?? { headers };
    await fetchOnce(url, init, options, async (response, alive) => {
      // Nothing is left to read: all had come before the connection broke, or the range begins behind the end.
      if (response.status === 416) return void (await response.body?.cancel());
      if (!response.ok) {
        await response.body?.cancel();
        throw statusError(url, response, 'read');
      }
      const partial = response.status === 206;
      const version = strongTag(response.headers.get('etag'));
      if (!partial || !resume) await sink.restart(version);
      const length = Number(response.headers.get('content-length') ?? Number.NaN);
      const total = Number.isFinite(length) ? sink.have + length : undefined;
      let skip = partial ? 0 : first;
      let came = 0;
      const reader = response.body?.getReader();
      for (let next = await reader?.read(); next && !next.done; next = await reader!.read()) {
        alive();
        came += next.value.byteLength;
        let chunk = next.value.subarray(Math.min(skip, next.value.byteLength));
        skip -= next.value.byteLength - chunk.byteLength;
        if (last !== undefined) chunk = chunk.subarray(0, Math.max(0, last - first - sink.have));
        if (chunk.byteLength === 0) continue;
        await sink.write(chunk);
        sink.have += chunk.byteLength;
        onProgress?.(sink.have, total);
      }
      if (Number.isFinite(length) && came < length)
        throw new Retryable(`ended after ${came} of ${length} bytes`);
    });
  });
}

/** Weak tags do not promise the same bytes, so they cannot be resumed from. */
function strongTag(tag: string | null): string | undefined {
  return tag === null || tag.startsWith('W/') ? undefined : tag;
}

/** A sink in memory. */
export class MemorySink implements HttpSink {
  have = 0;
  version: string | undefined;
  private chunks: Uint8Array[] = [];

  restart(version: string | undefined): Promise<void> {
    this.have = 0;
    this.version = version;
    this.chunks = [];
    return Promise.resolve();
  }
  write(chunk: Uint8Array): Promise<void> {
    this.chunks.push(chunk);
    return Promise.resolve();
  }
  bytes(): Uint8Array {
    const all = new Uint8Array(this.have);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.byteLength;
    }
    return all;
  }
}
