import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { put } from '@engine/fileio';
import { BaseModel, Conv2d, fetchPretrained, Flatten, Linear, Sequential, type InitConfig } from '@engine/nn';
import { Runner, type RunnerOptions } from '@engine/runner';
import { tf, type Tensor } from '@engine/tensor';
import { tempFolder } from '@engine/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { toyOptions } from './toy.js';

// Half-precision weights of a network of torch, saved as `{ state_dict: { 'module.backbone.…' }, … }`, and what it makes
// of an image; see tests/fixtures/fileio/generate.py.
const { files, net } = JSON.parse(
  readFileSync(new URL('../../fixtures/fileio/fixtures.json', import.meta.url), 'utf8'),
) as { files: Record<string, string>; net: { image: number[]; output: number[] } };
const bytes = new Uint8Array(Buffer.from(files['net']!, 'base64'));

class Net extends BaseModel {
  backbone: Sequential;
  constructor({ initCfg }: { initCfg?: InitConfig } = {}) {
    super(initCfg ? { initCfg } : {});
    this.backbone = new Sequential({
      modules: [
        new Conv2d({ inChannels: 2, outChannels: 3, kernelSize: 2 }),
        new Flatten(),
        new Linear({ inFeatures: 12, outFeatures: 2 }),
      ],
    });
  }
  override forward(inputs: Tensor): Tensor {
    return this.backbone.forward(inputs as never) as Tensor;
  }
}

/** What the model says of the image, which torch has as NCHW. */
function output(model: BaseModel): number[] {
  return tf.tidy(() => {
    const image = tf.transpose(tf.tensor4d(net.image, [1, 2, 3, 3]), [0, 2, 3, 1]);
    return Array.from((model as Net).forward(image as Tensor).dataSync());
  });
}

function expectTorchs(seen: readonly number[]): void {
  net.output.forEach((value, i) => expect(seen[i]).toBeCloseTo(value, 4));
}

async function started(options: Partial<RunnerOptions>, model: unknown = { type: Net }): Promise<number[]> {
  const runner = new Runner(
    toyOptions(await tempFolder(), { model: model as never, trainCfg: { maxEpochs: 0 }, ...options }),
  );
  await runner.train();
  await runner.close();
  return output(runner.model);
}

afterEach(() => vi.unstubAllEnvs());

it('starts a run from a .pth file, wherever it is', async () => {
  const folder = await tempFolder();
  vi.stubEnv('ENGINE_HOME', folder);
  await writeFile(join(folder, 'net.pth'), bytes);
  await put(bytes, 'memory://net.pth');
  let served = 0;
  const server = createServer((_, response) => response.end(bytes, () => (served += 1)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/net.pth`;
  try {
    for (const path of [join(folder, 'net.pth'), 'memory://net.pth', url, url])
      expectTorchs(await started({ loadFrom: path }));
    expect(served).toBe(1);
    for (const checkpoint of [join(folder, 'net.pth'), 'memory://net.pth', url])
      expectTorchs(await started({}, { type: Net, initCfg: { type: 'Pretrained', checkpoint } }));
    expect(served).toBe(1);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it('renames and picks', async () => {
  const folder = await tempFolder();
  await writeFile(join(folder, 'net.pth'), bytes);
  const path = join(folder, 'net.pth');
  const loadFrom = {
    path,
    prefix: 'all',
    reviseKeys: [
      ['^module\\.', ''],
      ['^', 'all.'],
    ] as const,
  };
  expectTorchs(await started({ loadFrom }));
  await expect(started({ loadFrom: { path, prefix: 'neck' } })).rejects.toThrow(/E_WEIGHTS_PREFIX/);
  await expect(started({ loadFrom: { path, prefx: 'x' } as never })).rejects.toThrow(/did you mean 'prefix'/);
  await expect(started({ resume: path })).rejects.toThrow(/E_RESUME_WEIGHTS_ONLY/);
});

it('says how to get weights that are not here yet', async () => {
  vi.stubEnv('ENGINE_HOME', await tempFolder());
  const model = new Net({ initCfg: { type: 'Pretrained', checkpoint: 'http://127.0.0.1:1/x.pth' } });
  expect(() => model.initWeights()).toThrow(/E_INIT_PRETRAINED[^]*fetchPretrained/);
  model.dispose();
});

it('fetches for overrides too', async () => {
  const folder = await tempFolder();
  await mkdir(join(folder, 'sub'));
  await put(bytes, 'memory://net.pth');
  vi.stubEnv('ENGINE_HOME', folder);
  const initCfg = {
    type: 'Constant',
    val: 0,
    layer: 'Linear',
    override: { name: 'backbone', type: 'Pretrained', checkpoint: 'memory://net.pth', prefix: 'backbone' },
  } as never;
  const model = new Net({ initCfg });
  await fetchPretrained(model);
  model.initWeights();
  expectTorchs(output(model));
  model.dispose();
});
