import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { downloadArchive } from './download-archive.js';

/** A ustar header and the padded content, by the POSIX layout. */
function tarEntry(name: string, content: string, kind = '0'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write(kind, 156);
  header.write('ustar\x0000', 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.from(header.toString('latin1') + body.toString('latin1'), 'latin1');
}

function tarGz(...entries: Buffer[]): Buffer {
  const tar = entries.map((entry) => entry.toString('latin1')).join('') + '\0'.repeat(1024);
  return gzipSync(new Uint8Array(Buffer.from(tar, 'latin1')));
}

const md5 = (bytes: Buffer): string => createHash('md5').update(new Uint8Array(bytes)).digest('hex');

const good = tarGz(
  tarEntry('set/', '', '5'),
  tarEntry('set/a.bin', 'x'.repeat(200_001)),
  tarEntry('set/link', '', '2'),
  tarEntry('set/b.txt', 'names'),
  tarEntry('set/empty', ''),
);
const served: Record<string, Buffer> = {
  '/good.tar.gz': good,
  '/cut.tar.gz': good.subarray(0, good.length - 40),
  '/evil.tar.gz': tarGz(tarEntry('../evil', 'x')),
  '/other.tar.gz': tarGz(tarEntry('else/a', 'x')),
};

let server: Server;
let base: string;
let into: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const body = served[request.url ?? ''];
    if (request.url === '/silent') return;
    response.writeHead(body ? 200 : 404, body ? { 'content-length': body.length } : {});
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  into = mkdtempSync(join(tmpdir(), 'download-'));
  return () => {
    rmSync(into, { recursive: true });
  };
});

function download(path: string, sum = md5(served[path] ?? good), timeout?: number): Promise<string[]> {
  const lines: string[] = [];
  const options = {
    url: base + path,
    md5: sum,
    folder: 'set',
    into,
    log: (line: string) => void lines.push(line),
  };
  return downloadArchive(timeout === undefined ? options : { ...options, timeout }).then(() => lines);
}

describe('downloadArchive', () => {
  it('unpacks the folder and tells about its progress', async () => {
    const lines = await download('/good.tar.gz');
    expect(readdirSync(into)).toEqual(['set']);
    expect(readdirSync(join(into, 'set')).sort()).toEqual(['a.bin', 'b.txt', 'empty']);
    expect(readFileSync(join(into, 'set', 'a.bin'), 'utf8')).toBe('x'.repeat(200_001));
    expect(readFileSync(join(into, 'set', 'b.txt'), 'utf8')).toBe('names');
    expect(lines[0]).toContain(`downloading ${base}/good.tar.gz`);
    expect(lines.at(-1)).toContain('100 %');
    // Once more, over what is there.
    await download('/good.tar.gz');
    expect(readdirSync(into)).toEqual(['set']);
  });

  it.each([
    ['/good.tar.gz', 'has the wrong checksum', '0'.repeat(32)],
    ['/cut.tar.gz', 'could not be unpacked', undefined],
    ['/evil.tar.gz', 'could not be unpacked', undefined],
    ['/other.tar.gz', 'does not hold what is needed', undefined],
    ['/missing.tar.gz', 'was not sent', undefined],
  ])('leaves nothing behind when %s %s', async (path, what, sum) => {
    await expect(download(path, sum)).rejects.toMatchObject({
      code: 'E_DOWNLOAD',
      message: expect.stringContaining(what) as string,
    });
    expect(readdirSync(into)).toEqual([]);
    expect(existsSync(join(into, '..', 'evil'))).toBe(false);
  });

  it('gives up on a host that does not answer', async () => {
    await expect(download('/silent', undefined, 50)).rejects.toThrow(/cannot be reached/);
    const closed = downloadArchive({ url: 'http://127.0.0.1:9/x', md5: '', folder: 'set', into });
    await expect(closed).rejects.toMatchObject({ code: 'E_DOWNLOAD' });
  });
});
