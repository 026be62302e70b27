import { availableParallelism } from 'node:os';
import { badValue } from '@engine/core';

/** More threads than this gain nothing on the sizes that this backend is for. */
const MAX_DEFAULT = 8;
const MAX_THREADS = 64;

/**
 * Threads that compute: `device`'s part after the colon, else `ENGINE_WASM_THREADS`, else the processor's, at most 8.
 * @throws E_CONFIG_VALUE when either is not a whole number from 1 to 64
 */
export function threadCount(device?: string): number {
  if (device !== undefined && device !== '') return parse('device', `wasm:${device}`, device);
  const asked = process.env['ENGINE_WASM_THREADS'];
  if (asked) return parse('ENGINE_WASM_THREADS', asked, asked);
  return Math.min(availableParallelism(), MAX_DEFAULT);
}

function parse(name: string, shown: string, text: string): number {
  const threads = Number(text);
  if (!/^\d+$/.test(text) || threads < 1 || threads > MAX_THREADS) {
    throw badValue(name, shown, `a number of threads from 1 to ${MAX_THREADS}`);
  }
  return threads;
}
