import { EngineError } from '@engine/core';

/** How failing requests are repeated. */
export interface RetryOptions {
  /** Repeats after the first attempt. Default 4. */
  retries?: number | undefined;
  /** Wait before the first repeat in milliseconds; doubled each time, at most 30 s. Default 500. */
  backoff?: number | undefined;
  /** Milliseconds of silence after which an attempt has failed. Default 30000. */
  timeout?: number | undefined;
}

/** Failure of one attempt that another one may not meet. */
export class Retryable extends Error {
  constructor(
    message: string,
    /** Milliseconds that the server asked for (Retry-After). */
    readonly wait?: number,
  ) {
    super(message);
  }
}

const MAX_WAIT = 30_000;
const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);

/** True for statuses that say: later perhaps. */
export function isRetryableStatus(status: number): boolean {
  return BUSY.has(status);
}

/** Milliseconds of a Retry-After header, which holds seconds or a date. */
export function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

/** @throws E_IO_ABORTED */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (!signal?.aborted) return;
  throw new EngineError({ code: 'E_IO_ABORTED', what: `${what} was aborted.`, cause: signal.reason });
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/**
 * Runs `attempt` until it succeeds, throws something else than {@link Retryable}, or the repeats are used up. Waits
 * double from `backoff` on, and are spread by the process's number so that ranks do not come back all at once.
 *
 * @param what names the request in errors
 * @throws E_HTTP_FAILED after the last repeat, E_IO_ABORTED
 */
export async function withRetries<T>(
  what: string,
  options: RetryOptions & { signal?: AbortSignal | undefined },
  attempt: () => Promise<T>,
): Promise<T> {
  const { retries = 4, backoff = 500, signal } = options;
  for (let tries = 0; ; tries += 1) {
    throwIfAborted(signal, what);
    try {
      return await attempt();
    } catch (error) {
      throwIfAborted(signal, what);
      if (!(error instanceof Retryable)) throw error;
      if (tries >= retries) {
        throw new EngineError({
          code: 'E_HTTP_FAILED',
          what: `${what} failed ${tries + 1} times.`,
          received: error.message,
          fix: 'check the address and the network, or raise `retries` and `timeout`',
          cause: error.cause,
        });
      }
      const spread = 1 + (process.pid % 8) / 16;
      await sleep(Math.min(MAX_WAIT, error.wait ?? backoff * 2 ** tries * spread), signal);
    }
  }
}

/**
 * One attempt of `fetch` whose network failures and busy statuses are {@link Retryable}. The signal given to `run` fires
 * after `timeout` milliseconds without `alive()`, which `run` calls when bytes have come.
 */
export async function fetchOnce<T>(
  url: string,
  init: RequestInit,
  options: RetryOptions & { signal?: AbortSignal | undefined },
  run: (response: Response, alive: () => void) => Promise<T>,
): Promise<T> {
  const { timeout = 30_000, signal } = options;
  const control = new AbortController();
  const stop = (): void => control.abort(signal?.reason);
  signal?.addEventListener('abort', stop);
  let timer: NodeJS.Timeout | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => control.abort(new Retryable(`nothing came for ${timeout} ms`)), timeout);
  };
  alive();
  try {
    const response = await fetch(url, { ...init, signal: control.signal });
    if (isRetryableStatus(response.status)) {
      const wait = retryAfter(response.headers.get('retry-after'));
      await response.body?.cancel();
      throw new Retryable(`HTTP ${response.status} ${response.statusText}`.trim(), wait);
    }
    return await run(response, alive);
  } catch (error) {
    if (error instanceof EngineError || error instanceof Retryable) throw error;
    if (control.signal.reason instanceof Retryable) throw control.signal.reason;
    // fetch rejects with a TypeError whose cause tells: reset, refused, broken off.
    const cause = (error as Error).cause as { code?: string; message?: string } | undefined;
    const failure = new Retryable(cause?.code ?? cause?.message ?? (error as Error).message);
    failure.cause = error;
    throw failure;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
