import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hostArray, MODELS } from '@engine/core';
import { writeSafetensors } from '@engine/fileio';
import { BaseModel, Linear } from '@engine/nn';
import type { Tensor } from '@engine/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { getConfig, getModel, listModels } from './index.js';

class HubNet extends BaseModel {
  fc: Linear;
  constructor({ width = 2 }: { width?: number } = {}) {
    super();
    this.fc = new Linear({ inFeatures: 2, outFeatures: width });
  }
  override forward(x: Tensor): Tensor {
    return this.fc.forward(x as never) as Tensor;
  }
}

let from: string;
beforeAll(async () => {
  MODELS.add('HubNet', HubNet);
  from = await mkdtemp(join(tmpdir(), 'engine-test-'));
  const weights = writeSafetensors({
    'fc.weight': hostArray(Float32Array.of(1, 2, 3, 4), [2, 2]),
    'fc.bias': hostArray(Float32Array.of(5, 6), [2]),
  });
  const index = {
    models: [
      { name: 'small', config: 'configs/nets/small.json', weights: 'small.safetensors' },
      { name: 'bare', config: 'configs/nets/bare.json' },
    ],
  };
  const files: Record<string, string | Uint8Array> = {
    'zoo/package.json': '{"name":"zoo","engine":{"models":"index.json"}}',
    'zoo/index.json': JSON.stringify(index),
    'zoo/configs/nets/small.json': '{"model":{"type":"HubNet"},"extra":{"lr":0.1}}',
    'zoo/configs/nets/bare.json': '{"_base_":"./small.json"}',
    'zoo/configs/nomodel.json': '{"x":1}',
    'zoo/small.safetensors': new Uint8Array(Buffer.concat(weights)),
    'broken/package.json': '{"name":"broken"}',
    'broken/model-index.json': '{"models":[{"name":1}]}',
    'lost/package.json': '{"name":"lost","engine":{"models":"no.json"}}',
  };
  for (const [name, content] of Object.entries(files)) {
    const file = join(from, 'node_modules', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
});
afterAll(async () => {
  MODELS.remove('HubNet');
  await rm(from, { recursive: true });
});

it('finds configs by model name and by path', async () => {
  for (const name of ['small', 'nets/small', 'nets/small.json', 'bare'])
    expect((await getConfig(`zoo::${name}`, { from })).values).toMatchObject({ extra: { lr: 0.1 } });
  const config = await getConfig('zoo::small', { from, pretrained: true, overrides: { 'extra.lr': 1 } });
  expect(config.values).toMatchObject({
    extra: { lr: 1 },
    modelPath: join(from, 'node_modules', 'zoo', 'small.safetensors'),
  });
  expect((await listModels('zoo', from)).map(({ name }) => name)).toEqual(['small', 'bare']);
});

it('builds models with initial and with trained weights', async () => {
  const { model: trained, report } = await getModel('zoo::nets/small', { from, pretrained: true });
  // Linear weights stand transposed in memory.
  expect(Array.from(trained.stateDict()['fc.weight']!.dataSync())).toEqual([1, 3, 2, 4]);
  expect(report).toEqual({ missing: [], unexpected: [], mismatched: [] });
  expect(trained.initialized).toBe(true);
  trained.dispose();
  const { model: fresh } = await getModel('zoo::bare', { from, model: { width: 3 } });
  expect(fresh.stateDict()['fc.weight']!.shape).toEqual([2, 3]);
  fresh.dispose();
});

it('has house errors with near names', async () => {
  const code = (address: string, options = {}): Promise<unknown> =>
    getModel(address, { from, ...options }).then(
      () => undefined,
      (error: Error) => error.message,
    );
  expect(await code('zoo::smal')).toMatch(/E_HUB_UNKNOWN[^]*small, bare[^]*did you mean 'small'/);
  expect(await code('zoo::bare', { pretrained: true })).toMatch(/E_HUB_NO_WEIGHTS/);
  expect(await code('nowhere::x')).toMatch(/E_PACKAGE_MISSING[^]*npm install nowhere/);
  expect(await code('small')).toMatch(/E_HUB_NAME/);
  expect(await code('broken::x')).toMatch(/E_HUB_MANIFEST/);
  expect(await code('lost::x')).toMatch(/E_HUB_MANIFEST/);
  expect(await code('zoo::nomodel')).toMatch(/E_CONFIG_VALUE/);
  expect(await code('zoo::small', { pretraned: true })).toMatch(/did you mean 'pretrained'/);
});
