import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { storageReaderSuite, tempFolder } from '@engine/testing';
import { afterEach, expect, it } from 'vitest';
import { testServer } from '../http/test-server.fixture.js';
import { clearFileBackends, exists, get, getText, getLocalPath, HTTPBackend, put } from '../index.js';

const data = Uint8Array.from({ length: 50_000 }, (_, i) => (i * 7) & 255);
const fast = { backoff: 1 };
afterEach(clearFileBackends);

storageReaderSuite({
  name: 'HTTPBackend',
  unsupported: ['put', 'remove', 'rmtree', 'listDirOrFile', 'generatePresignedUrl'],
  create: async (files) => {
    const named = Object.entries(files).map(([name, content]) => [`/dir/${name}`, content] as const);
    const { url } = await testServer(Object.fromEntries(named));
    return { backend: new HTTPBackend(fast), root: `${url}/dir/` };
  },
});

it('reads bytes, text and parts, and says what exists', async () => {
  const server = await testServer({ '/a b.bin': data, '/t.txt': new TextEncoder().encode('Straße') });
  expect(await get(`${server.url}/a%20b.bin`)).toEqual(data);
  expect(await getText(`${server.url}/t.txt`)).toBe('Straße');
  expect(await exists(`${server.url}/t.txt`)).toBe(true);
  expect(await exists(`${server.url}/none`)).toBe(false);
  const range = { begin: 100, end: 200 };
  expect(await get(`${server.url}/a%20b.bin`, {}, { range })).toEqual(data.slice(100, 200));
  expect(server.requests.at(-1)!.range).toBe('bytes=100-199');
  expect(await get(`${server.url}/a%20b.bin`, {}, { range: { begin: 49_990 } })).toEqual(data.slice(49_990));
  expect(await get(`${server.url}/a%20b.bin`, {}, { range: { begin: 60_000 } })).toHaveLength(0);
  // A server that knows no ranges sends everything.
  server.ranges = false;
  expect(await get(`${server.url}/a%20b.bin`, {}, { range })).toEqual(data.slice(100, 200));
});

it('tells progress', async () => {
  const server = await testServer({ '/a': data });
  const seen: [number, number | undefined][] = [];
  await get(`${server.url}/a`, {}, { onProgress: (bytes, total) => seen.push([bytes, total]) });
  expect(seen.at(-1)).toEqual([50_000, 50_000]);
  expect(seen.map(([bytes]) => bytes)).toEqual([...seen.map(([bytes]) => bytes)].sort((a, b) => a - b));
});

it('makes a local copy that goes again', async () => {
  const server = await testServer({ '/x.bin': data });
  const held = await getLocalPath(`${server.url}/x.bin`);
  expect(new Uint8Array(await readFile(held.path))).toEqual(data);
  await held.release();
  await expect(readFile(held.path)).rejects.toThrow('ENOENT');
  const dir = await tempFolder();
  expect(await new HTTPBackend().copyfileToLocal(`${server.url}/x.bin`, dir)).toBe(join(dir, 'x.bin'));
});

it('repeats what may pass: resets and busy servers', async () => {
  const server = await testServer({ '/a': data });
  server.faults = ['reset', 503, 429];
  expect(await new HTTPBackend(fast).get(`${server.url}/a`)).toEqual(data);
  expect(server.requests).toHaveLength(4);
});

it('goes on where a download broke', async () => {
  const server = await testServer({ '/a': data });
  server.faults = ['break'];
  expect(await new HTTPBackend(fast).get(`${server.url}/a`)).toEqual(data);
  const begin = Number(/bytes=(\d+)-/.exec(server.requests[1]!.range!)![1]);
  expect(begin).toBeGreaterThan(0);
  // The same inside a range.
  server.requests.length = 0;
  server.faults = ['break'];
  const part = await new HTTPBackend(fast).get(`${server.url}/a`, { range: { begin: 1000, end: 41_000 } });
  expect(part).toEqual(data.slice(1000, 41_000));
  expect(server.requests[1]!.range).toMatch(/^bytes=[1-9]\d{4}-40999$/);
});

it('begins anew when the file changed meanwhile', async () => {
  const server = await testServer({ '/a': data });
  const other = data.map((x) => 255 - x);
  server.faults = ['break'];
  const seen = new HTTPBackend({ backoff: 100 }).get(`${server.url}/a`, {
    onProgress: () => server.files.set('/a', other),
  });
  expect(await seen).toEqual(other);
});

it('takes silence for a failure', async () => {
  const server = await testServer({ '/a': data });
  server.faults = ['stall'];
  expect(await new HTTPBackend({ ...fast, timeout: 150 }).get(`${server.url}/a`)).toEqual(data);
  expect(server.requests).toHaveLength(2);
});

it('gives up with a house error', async () => {
  const server = await testServer({ '/a': data });
  server.faults = [500, 502, 503];
  await expect(new HTTPBackend({ ...fast, retries: 2 }).get(`${server.url}/a`)).rejects.toThrow(
    /\[E_HTTP_FAILED\][^]*3 times[^]*HTTP 503/,
  );
  await expect(get(`${server.url}/none`)).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND' });
  server.faults = [403, 400];
  await expect(get(`${server.url}/a`)).rejects.toMatchObject({ code: 'E_IO_PERMISSION' });
  await expect(get(`${server.url}/a`)).rejects.toMatchObject({ code: 'E_HTTP_STATUS' });
  await expect(put(data, `${server.url}/a`)).rejects.toMatchObject({ code: 'E_STORAGE_UNSUPPORTED' });
  await expect(new HTTPBackend({ retries: 0 }).get('http://127.0.0.1:1/a')).rejects.toThrow(
    /ECONNREFUSED|bad port/,
  );
  expect(() => new HTTPBackend({ retires: 1 } as never)).toThrow(/did you mean 'retries'/);
  expect(() => new HTTPBackend({ timeout: -1 })).toThrow(/HTTPBackend\.timeout = -1/);
});

it('can be aborted, also while waiting', async () => {
  const server = await testServer({ '/a': data });
  server.faults = ['stall'];
  const during = new AbortController();
  const reading = get(`${server.url}/a`, {}, { signal: during.signal, onProgress: () => during.abort() });
  await expect(reading).rejects.toMatchObject({ code: 'E_IO_ABORTED' });
  server.faults = [503];
  const waiting = new AbortController();
  const busy = new HTTPBackend({ backoff: 60_000 }).get(`${server.url}/a`, { signal: waiting.signal });
  setTimeout(() => waiting.abort(), 50);
  await expect(busy).rejects.toMatchObject({ code: 'E_IO_ABORTED' });
});
