import { spawn, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { storageReaderSuite } from '@engine/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clearFileBackends, getFileBackend, MemcachedBackend } from '../index.js';

const present = spawnSync('memcached', ['-V']).status === 0;
if (!present)
  process.stderr.write('memcached is not installed: its tests are left out (apt-get install memcached)\n');

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const backends: MemcachedBackend[] = [];
afterEach(() => {
  for (const backend of backends.splice(0)) backend.close();
  clearFileBackends();
});
function backend(options: ConstructorParameters<typeof MemcachedBackend>[0]): MemcachedBackend {
  const made = new MemcachedBackend(options);
  backends.push(made);
  return made;
}

describe.skipIf(!present)('MemcachedBackend with a real server', () => {
  const servers: string[] = [];
  const stop: (() => void)[] = [];

  beforeAll(async () => {
    for (let i = 0; i < 2; i += 1) {
      const port = await freePort();
      const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
      const child = spawn('memcached', ['-l', '127.0.0.1', '-p', String(port), '-U', '0', ...user]);
      stop.push(() => child.kill());
      servers.push(`127.0.0.1:${port}`);
      const probe = new MemcachedBackend({ servers: [`127.0.0.1:${port}`] });
      for (let tries = 0; tries < 100; tries += 1) {
        if (
          await probe.exists('x').then(
            () => true,
            () => false,
          )
        )
          break;
        await sleep(50);
      }
      probe.close();
    }
  });
  afterAll(() => stop.forEach((kill) => kill()));

  let count = 0;
  storageReaderSuite({
    name: 'MemcachedBackend',
    unsupported: ['rmtree', 'listDirOrFile', 'generatePresignedUrl'],
    create: async (files) => {
      const store = backend({ servers });
      const root = `memcached://suite-${(count += 1)}/`;
      for (const [name, data] of Object.entries(files)) await store.put(data, root + name);
      return { backend: store, root };
    },
  });

  it('gives back bytes of any kind and size, over several servers', async () => {
    const store = backend({ servers });
    const values: Uint8Array[] = [0, 1, 100_000, 900_000].map((size) =>
      Uint8Array.from({ length: size }, (_, i) => i & 255),
    );
    values.push(new TextEncoder().encode('END\r\nVALUE x 0 1\r\n'));
    await Promise.all(values.map((data, i) => store.put(data, `memcached://dir/${i}`)));
    for (const [i, data] of values.entries()) expect(await store.get(`dir/${i}`)).toEqual(data);
    const all = await Promise.all(values.map((_, i) => store.get(`dir/${i}`)));
    expect(all).toEqual(values);
    const alone = await Promise.all(
      servers.map((server) =>
        Promise.all(values.map((_, i) => backend({ servers: [server] }).exists(`dir/${i}`))),
      ),
    );
    // Each value is on one of the servers.
    values.forEach((_, i) => expect(alone.filter((found) => found[i]).length).toBe(1));
  });

  it('does what the other storages do', async () => {
    const store = backend({ servers });
    await store.putText('Straße', 'memcached://a.txt');
    expect(await store.getText('memcached://a.txt')).toBe('Straße');
    expect(await store.get('a.txt', { range: { begin: 0, end: 3 } })).toHaveLength(3);
    expect([await store.exists('a.txt'), await store.isfile('none')]).toEqual([true, false]);
    expect(await store.copyfile('a.txt', 'b.txt')).toBe('b.txt');
    const held = await store.getLocalPath('memcached://b.txt');
    expect(await readFile(held.path, 'utf8')).toBe('Straße');
    await held.release();
    await store.remove('a.txt');
    await expect(store.get('a.txt')).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND' });
    await expect(store.remove('a.txt')).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND' });
    await expect(store.rmtree('a')).rejects.toMatchObject({ code: 'E_STORAGE_UNSUPPORTED' });
    expect(getFileBackend('memcached://a', { servers })).toBeInstanceOf(MemcachedBackend);
  });

  it('goes on after a value that the server refuses', async () => {
    const store = backend({ servers });
    await expect(store.put(new Uint8Array(2 << 20), 'large')).rejects.toMatchObject({
      code: 'E_MEMCACHED_FAILED',
    });
    await store.putText('x', 'small');
    expect(await store.getText('small')).toBe('x');
  });
});

it('has house errors', async () => {
  const nobody = backend({ servers: [`127.0.0.1:${await freePort()}`] });
  await expect(nobody.get('x')).rejects.toThrow(/E_MEMCACHED_FAILED[^]*ECONNREFUSED/);
  await expect(nobody.get('a b')).rejects.toMatchObject({ code: 'E_STORAGE_PATH' });
  await expect(nobody.get('x'.repeat(251))).rejects.toMatchObject({ code: 'E_STORAGE_PATH' });
  expect(() => new MemcachedBackend({ servers: ['host'] })).toThrow(/'host:port'/);
  expect(() => new MemcachedBackend({ server: [] } as never)).toThrow(/did you mean 'servers'/);
  expect(() => new MemcachedBackend({ expires: -1 })).toThrow(/expires = -1/);
});

it('takes silence for a failure', async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const silent = backend({ servers: [`127.0.0.1:${(server.address() as AddressInfo).port}`], timeout: 50 });
  await expect(silent.get('x')).rejects.toThrow(/no answer for 50 ms/);
  server.close();
});
