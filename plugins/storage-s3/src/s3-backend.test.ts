import crypto from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearFileBackends, get, getFileBackend, put } from '@engine/fileio';
import { storageBackendSuite } from '@engine/testing';
import S3rver from 's3rver';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { readListing } from './listing.js';
import { S3Backend, type S3BackendOptions } from './index.js';

// s3rver speaks the S3 protocol and checks who asks, but not signatures: those are compared with Amazon's own example.
let server: S3rver;
let directory: string;
let options: S3BackendOptions;

beforeAll(async () => {
  // It makes the tokens of long listings with DES, which OpenSSL 3 has no more.
  for (const name of ['createCipheriv', 'createDecipheriv'] as const) {
    const real = crypto[name] as (...args: unknown[]) => crypto.Cipher;
    vi.spyOn(crypto, name).mockImplementation(((kind: string, key: Uint8Array, iv: Uint8Array) => {
      if (kind !== 'des') return real(kind, key, iv);
      const twice = (half: Uint8Array): Uint8Array => Uint8Array.from([...half, ...half]);
      return real('aes-128-cbc', twice(key), twice(iv));
    }) as never);
  }
  directory = await mkdtemp(join(tmpdir(), 'engine-test-'));
  server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: 'bucket', configs: [] }],
  });
  const { port } = (await server.run()) as AddressInfo;
  options = {
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
    backoff: 1,
  };
});
afterAll(async () => {
  vi.restoreAllMocks();
  await server.close();
  await rm(directory, { recursive: true });
});
afterEach(() => {
  clearFileBackends();
  vi.unstubAllEnvs();
});

let count = 0;
storageBackendSuite({
  name: 'S3Backend',
  create: () =>
    Promise.resolve({ backend: new S3Backend(options), root: `s3://bucket/test ${(count += 1)}` }),
});

it('is chosen by its prefix and takes credentials from the environment', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL', options.endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'S3RVER');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'S3RVER');
  expect(getFileBackend('s3://bucket/x')).toBeInstanceOf(S3Backend);
  const data = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);
  await put(data, 's3://bucket/env/Straße & (1)!.bin');
  expect(await get('s3://bucket/env/Straße & (1)!.bin')).toEqual(data);
  expect(await get('s3://bucket/env/Straße & (1)!.bin', {}, { range: { begin: 10, end: 20 } })).toEqual(
    data.slice(10, 20),
  );
});

it('makes addresses that work without credentials, for a while', async () => {
  const backend = new S3Backend(options);
  await backend.putText('hello', 's3://bucket/signed.txt');
  const read = await backend.generatePresignedUrl('s3://bucket/signed.txt');
  expect(await (await fetch(read)).text()).toBe('hello');
  const write = await backend.generatePresignedUrl('s3://bucket/signed.txt', 'PUT', 60);
  expect((await fetch(write, { method: 'PUT', body: 'new' })).status).toBe(200);
  expect(await backend.getText('s3://bucket/signed.txt')).toBe('new');
  await expect(backend.generatePresignedUrl('s3://bucket/x', 'GET', 0)).rejects.toThrow(/604800/);
});

it('signs as in the example of the AWS documentation', async () => {
  // docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
  vi.useFakeTimers({ now: Date.UTC(2013, 4, 24) });
  const backend = new S3Backend({
    endpoint: 'https://s3.amazonaws.com',
    pathStyle: false,
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  });
  const url = new URL(await backend.generatePresignedUrl('s3://examplebucket/test.txt', 'GET', 86_400));
  vi.useRealTimers();
  expect(url.origin + url.pathname).toBe('https://examplebucket.s3.amazonaws.com/test.txt');
  expect(url.searchParams.get('X-Amz-Signature')).toBe(
    'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});

it('lists more than one page', async () => {
  const backend = new S3Backend({ ...options, pageSize: 3 });
  const names = Array.from({ length: 8 }, (_, i) => `${i}.txt`);
  for (const name of names) await backend.putText(name, `s3://bucket/pages/${name}`);
  const found: string[] = [];
  for await (const name of backend.listDirOrFile('s3://bucket/pages')) found.push(name);
  expect(found.sort()).toEqual(names);
});

it('has house errors', async () => {
  const wrong = new S3Backend({ ...options, accessKeyId: 'nobody' });
  await expect(wrong.get('s3://bucket/x')).rejects.toMatchObject({ code: 'E_IO_PERMISSION' });
  const backend = new S3Backend(options);
  await expect(backend.put(new Uint8Array(1), 's3://nobucket/x')).rejects.toMatchObject({
    code: 'E_IO_NOT_FOUND',
  });
  await expect(backend.putText('x', 's3://bucket')).rejects.toMatchObject({ code: 'E_IO_IS_DIRECTORY' });
  expect(() => new S3Backend({ accessKeyId: 'a' })).toThrow(/E_STORAGE_CREDENTIALS/);
  expect(() => new S3Backend({ ...options, endpont: 'x' } as never)).toThrow(/did you mean 'endpoint'/);
  expect(() => new S3Backend({ ...options, endpoint: 'minio' })).toThrow(/S3Backend\.endpoint = 'minio'/);
});

it('reads listings of several pages', () => {
  const page = (keys: string[], rest: string): string =>
    `<ListBucketResult>${rest}${keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('')}</ListBucketResult>`;
  expect(readListing(page(['a&amp;b', '&#228;'], '<IsTruncated>false</IsTruncated>'))).toEqual({
    keys: ['a&b', 'ä'],
    next: undefined,
  });
  const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t=</NextContinuationToken>';
  expect(readListing(page(['a'], more)).next).toBe('t=');
});
