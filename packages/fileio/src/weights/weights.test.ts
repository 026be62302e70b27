import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hostArray, type HostArray } from '@engine/core';
import { tempFolder } from '@engine/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { concatBytes } from '../bytes.js';
import { testServer } from '../http/test-server.fixture.js';
import {
  cachedWeightsPath,
  cacheHome,
  fetchWeights,
  isWeightAddress,
  loadWeights,
  packagePath,
  put,
  readWeights,
  registerWeightScheme,
  stateDictOf,
  writeSafetensors,
} from '../index.js';

const one = (x: number): HostArray => hostArray(Float32Array.of(x), [1]);
const bytes = concatBytes(writeSafetensors({ 'module.backbone.w': one(1), 'module.head.w': one(2) }));
const digest = createHash('sha256').update(bytes).digest('hex');
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('finds the home of the cache', () => {
  vi.stubEnv('ENGINE_HOME', '/a');
  expect(cacheHome()).toBe('/a');
  vi.stubEnv('ENGINE_HOME', '');
  vi.stubEnv('XDG_CACHE_HOME', '/b');
  expect(cacheHome()).toBe(join('/b', 'engine'));
  vi.stubEnv('XDG_CACHE_HOME', '');
  expect(cacheHome()).toMatch(/[\\/]\.cache[\\/]engine$/);
});

it('downloads once, checks the sum in the name, and keeps files of equal names apart', async () => {
  const good = `/net-${digest.slice(0, 8)}.safetensors`;
  const server = await testServer({ [good]: bytes, [`/other${good}`]: bytes, '/net-00000000.pth': bytes });
  const folder = await tempFolder();
  const file = await fetchWeights(server.url + good, { folder });
  expect(new Uint8Array(await readFile(file))).toEqual(bytes);
  expect(await fetchWeights(server.url + good, { folder })).toBe(file);
  expect(server.requests).toHaveLength(1);
  expect(await fetchWeights(`${server.url}/other${good}`, { folder })).not.toBe(file);
  const wrong = fetchWeights(`${server.url}/net-00000000.pth`, { folder });
  await expect(wrong).rejects.toThrow(new RegExp(`E_WEIGHTS_CHECKSUM[^]*${digest}`));
  expect(existsSync(cachedWeightsPath(`${server.url}/net-00000000.pth`, folder))).toBe(false);
  const said = fetchWeights(server.url + good.replace('/net', '/other/net'), { folder, sha256: digest });
  expect(await said).toContain(folder);
  // Nothing but the file is left.
  expect(await readdir(dirname(file))).toEqual([good.slice(1)]);
});

it('goes on with what an earlier process left', async () => {
  const server = await testServer({ '/w.safetensors': bytes });
  const folder = await tempFolder();
  const url = `${server.url}/w.safetensors`;
  server.faults = ['break'];
  await expect(fetchWeights(url, { folder, retries: 0 })).rejects.toMatchObject({ code: 'E_HTTP_FAILED' });
  const file = await fetchWeights(url, { folder });
  expect(server.requests[1]!.range).toMatch(/^bytes=[1-9]\d*-$/);
  expect(new Uint8Array(await readFile(file))).toEqual(bytes);
});

it('lets one of many download, and takes over the lock of the dead', async () => {
  const server = await testServer({ '/w.safetensors': bytes });
  const folder = await tempFolder();
  const url = `${server.url}/w.safetensors`;
  const lock = `${cachedWeightsPath(url, folder)}.lock`;
  await mkdir(dirname(lock));
  // No process has this number: Linux counts to 4194304.
  await writeFile(lock, `4194305 ${process.env['HOSTNAME'] ?? ''}`);
  await Promise.all(Array.from({ length: 5 }, () => fetchWeights(url, { folder })));
  expect(server.requests).toHaveLength(1);
});

it('reads weights from addresses of every kind', async () => {
  const server = await testServer({ '/w.safetensors': bytes });
  const folder = await tempFolder();
  vi.stubEnv('ENGINE_HOME', folder);
  await writeFile(join(folder, 'w.safetensors'), bytes);
  await put(bytes, 'memory://w.safetensors');
  registerWeightScheme('zoo://', (address) => join(folder, address.slice(6)), { force: true });
  const addresses = [
    join(folder, 'w.safetensors'),
    `file://${folder}/w.safetensors`,
    'memory://w.safetensors',
    'zoo://w.safetensors',
    `${server.url}/w.safetensors`,
  ];
  for (const address of addresses)
    expect(Object.keys(await loadWeights(address)), address).toEqual(['backbone.w', 'head.w']);
  expect(addresses.map(isWeightAddress)).toEqual([false, true, true, true, true]);
  expect(() => registerWeightScheme('zoo://', () => '')).toThrow(/E_WEIGHTS_SCHEME/);
  await expect(loadWeights(join(folder, 'none.pth'))).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND' });
});

it('finds files in packages', async () => {
  const folder = await tempFolder();
  await mkdir(join(folder, 'node_modules/zoo/weights'), { recursive: true });
  await mkdir(join(folder, 'deep'));
  await writeFile(join(folder, 'node_modules/zoo/package.json'), '{"name":"zoo"}');
  await symlink('zoo', join(folder, 'node_modules/link'));
  expect(packagePath('zoo::weights/w.pth', join(folder, 'deep'))).toBe(
    join(folder, 'node_modules/zoo/weights/w.pth'),
  );
  expect(() => packagePath('zoo::../../x', folder)).toThrow(/E_PACKAGE_PATH/);
  expect(() => packagePath('none::x', folder)).toThrow(/E_PACKAGE_MISSING[^]*npm install none/);
  expect(isWeightAddress('@scope/zoo::w.pth')).toBe(true);
});

it('finds models by their name in the index of a package', async () => {
  const folder = await tempFolder();
  const zoo = join(folder, 'node_modules/zoo');
  const server = await testServer({ '/far.safetensors': bytes });
  vi.stubEnv('ENGINE_HOME', join(folder, 'cache'));
  await mkdir(join(zoo, 'weights'), { recursive: true });
  await writeFile(join(zoo, 'weights/near.safetensors'), bytes);
  await writeFile(join(zoo, 'package.json'), '{"name":"zoo"}');
  const models = [
    { name: 'near', config: 'configs/a.json', weights: 'weights/near.safetensors' },
    { name: 'far', config: 'configs/a.json', weights: `${server.url}/far.safetensors` },
    { name: 'bare', config: 'configs/a.json' },
  ];
  await writeFile(join(zoo, 'model-index.json'), JSON.stringify({ models }));
  vi.spyOn(process, 'cwd').mockReturnValue(folder);
  for (const name of ['near', 'far', 'weights/near.safetensors'])
    expect(Object.keys(await loadWeights(`zoo::${name}`)), name).toEqual(['backbone.w', 'head.w']);
  await expect(loadWeights('zoo::bare')).rejects.toMatchObject({ code: 'E_HUB_NO_WEIGHTS' });
  await expect(loadWeights('zoo::nears')).rejects.toThrow(/E_HUB_UNKNOWN[^]*did you mean 'near'/);
});

it('picks names', async () => {
  const folder = await tempFolder();
  const file = join(folder, 'w.safetensors');
  await writeFile(file, bytes);
  expect(Object.keys(readWeights(file, { prefix: 'backbone' }))).toEqual(['w']);
  const reviseKeys = [
    ['^module\\.', ''],
    [/^head\.(.*)$/, 'fc.$1'],
  ] as const;
  expect(Object.keys(readWeights(file, { reviseKeys }))).toEqual(['backbone.w', 'fc.w']);
  expect(() => readWeights(file, { prefix: 'neck' })).toThrow(/E_WEIGHTS_PREFIX[^]*backbone, head/);
});

it('unwraps what checkpoints put around weights', () => {
  const w = one(1);
  for (const content of [{ w }, { state_dict: { w } }, { model: { w }, optimizer: {} }, { w, epoch: 3 }])
    expect(stateDictOf(content, 'x')).toEqual({ w });
  expect(() => stateDictOf({ epoch: 1 }, 'x.pth')).toThrow(/E_WEIGHTS_NONE[^]*epoch/);
  expect(() => stateDictOf([1], 'x.pth')).toThrow(/E_WEIGHTS_NONE/);
});
