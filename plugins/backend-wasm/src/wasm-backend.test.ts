import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BACKENDS } from '@engine/core';
import { acceleratedKernels, conv2d, selectDevice, tf, type ComputeBackend } from '@engine/tensor';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EngineWasm } from './engine-wasm.js';
import { loadKernelModule } from './kernel-module.js';
import { random } from './conformance.fixture.js';
import { threadCount } from './threads.js';
import { WasmBackend } from './wasm-backend.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

afterEach(() => vi.unstubAllEnvs());

describe('WasmBackend', () => {
  it('is built by BACKENDS, is available here and says what it runs on', async () => {
    const backend = BACKENDS.build<ComputeBackend>({ type: 'wasm' });
    expect(backend).toBeInstanceOf(WasmBackend);
    expect(await backend.probe()).toMatchObject({
      available: true,
      details: expect.stringMatching(/^\d+ threads?, SIMD$/) as string,
    });
    expect(backend.capabilities()).toEqual({ autocast: [], memoryStats: true, deterministic: true });
  });

  it('has kernels of its own for what convolutional networks train with', async () => {
    await selectDevice('wasm');
    const own = [
      'EngineConv2d',
      'EngineConv2dGrad',
      'EngineBatchNormTrain',
      'EngineBatchNormTrainGrad',
      'EngineBatchNormEval',
      'EngineSoftmaxCrossEntropy',
      'EngineSoftmaxCrossEntropyGrad',
      'EngineRelu',
      'EngineReluGrad',
      'EngineAddRelu',
      'EngineSgdUpdate',
      'EngineAdamWUpdate',
    ];
    const declared = new Set(acceleratedKernels().map(({ name }) => name));
    expect(own.filter((name) => !tf.getKernel(name, 'wasm'))).toEqual([]);
    // The two updates have no reference kernel: the reference assigns to variables.
    expect(own.filter((name) => !declared.has(name) && !name.endsWith('Update'))).toEqual([]);
  });

  it('keeps tensors through a second activation and a change of threads', async () => {
    await selectDevice('wasm:1');
    const x = tf.tensor([1, 2, 3]);
    await selectDevice('wasm:2');
    await selectDevice('wasm');
    expect([...x.dataSync()]).toEqual([1, 2, 3]);
    x.dispose();
  });

  it('computes on after shutdown', async () => {
    const { backend } = await selectDevice('wasm:2');
    await backend.shutdown!();
    tf.tidy(() => {
      const { values, shape } = random('x', [8, 32, 32, 8]);
      const x = tf.tensor(values, shape);
      expect(conv2d(x, tf.ones([1, 1, 8, 8])).shape).toEqual([8, 32, 32, 8]);
    });
  });

  it('loses no job to a thread that wakes up late', async () => {
    await selectDevice('wasm:4');
    const { values, shape } = random('x', [60_000]);
    const sum = tf.tidy(() => {
      let x = tf.tensor(values, shape);
      const one = tf.onesLike(x);
      for (let i = 0; i < 2000; i++) {
        const next = tf.add(x, one);
        x.dispose();
        x = next;
      }
      return x.dataSync() as Float32Array;
    });
    // Sums of small random numbers and whole numbers up to 2000 round the same way in any order of threads.
    let expected = Float32Array.from(values);
    for (let i = 0; i < 2000; i++) expected = expected.map((v) => v + 1);
    expect(sum.every((v, i) => v === expected[i])).toBe(true);
  });

  it('counts the bytes of tensors and their peak', async () => {
    const { backend } = await selectDevice('wasm');
    backend.memory!();
    const before = backend.memory!().bytes;
    const x = tf.zeros([1000]);
    tf.dispose(tf.concat([x, x]));
    const { bytes, peakBytes } = backend.memory!();
    expect(bytes - before).toBe(4000);
    expect(peakBytes - before).toBeGreaterThanOrEqual(12000);
    x.dispose();
    expect(backend.memory!().bytes).toBe(before);
    // The peak starts anew.
    expect(backend.memory!().peakBytes).toBe(before);
  });

  it('says so when memory runs out, and goes on', async () => {
    await selectDevice('wasm');
    const engine = tf.backend() as unknown as EngineWasm;
    const held: tf.TensorInfo[] = [];
    const allocate = (): void => {
      for (let i = 0; i < 5; i++) held.push(engine.output([268_000_000]));
    };
    expect(allocate).toThrow('[E_BACKEND_MEMORY]');
    expect(allocate).toThrow(
      /a request for 1022\.\d MiB with \d+\.\d MiB of tensors in use[^]*smaller batch size/,
    );
    expect(held.length).toBeGreaterThanOrEqual(3);
    for (const { dataId } of held) engine.disposeData(dataId);
    expect(tf.tidy(() => tf.add(1, 2).dataSync()[0])).toBe(3);
  });

  it('names the command that builds the kernels when they are missing', async () => {
    const missing = pathToFileURL(join(tmpdir(), 'no such folder', 'kernels.wasm'));
    await expect(loadKernelModule(missing)).rejects.toMatchObject({
      code: 'E_BACKEND_KERNELS',
      parts: { fix: 'npm run build' },
    });
  });
});

describe('threadCount', () => {
  it('prefers the device to the environment', () => {
    vi.stubEnv('ENGINE_WASM_THREADS', '5');
    expect(threadCount('3')).toBe(3);
    expect(threadCount()).toBe(5);
  });

  it('defaults to the processors, at most 8', () => {
    vi.stubEnv('ENGINE_WASM_THREADS', '');
    expect(threadCount()).toBeGreaterThanOrEqual(1);
    expect(threadCount()).toBeLessThanOrEqual(8);
  });

  it.each(['0', '65', 'many', '1.5', '-1'])('refuses %s', (threads) => {
    expect(() => threadCount(threads)).toThrow('[E_CONFIG_VALUE]');
    vi.stubEnv('ENGINE_WASM_THREADS', threads);
    expect(() => threadCount()).toThrow('ENGINE_WASM_THREADS');
  });
});

describe('a program of its own', () => {
  const script = `
    import { selectDevice, conv2d, tf } from '@engine/tensor';
    import '@engine/backend-wasm';
    const { name } = await selectDevice('wasm:3');
    const y = tf.tidy(() => conv2d(tf.ones([8, 32, 32, 16]), tf.ones([3, 3, 16, 16])).sum().dataSync()[0]);
    console.log(JSON.stringify({ name, y, handlers: process.listenerCount('uncaughtException') }));
  `;
  const expected = { name: 'wasm', y: 8 * 30 * 30 * 16 * 144, handlers: 0 };
  const tsx = ['--import', pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href];

  function run(args: string[], cwd: string, env: Record<string, string> = {}) {
    const { VITEST: _vitest, NODE_OPTIONS: _options, ...clean } = process.env;
    const result = spawnSync(process.execPath, args, {
      cwd,
      encoding: 'utf8',
      timeout: 25_000,
      env: { ...clean, ...env },
    });
    return { ...result, output: result.stdout.trim() };
  }

  it('ends by itself with its threads asleep, and says nothing that it was not asked', () => {
    const args = ['--conditions=@engine/source', ...tsx, '--input-type=module', '--eval', script];
    const { status, output, stderr } = run(args, root, {
      TSX_TSCONFIG_PATH: join(root, 'tsconfig.base.json'),
    });
    expect(stderr).toBe('');
    expect(JSON.parse(output)).toEqual(expected);
    expect(status).toBe(0);
  });

  it('runs in a folder whose path has spaces', () => {
    const folder = mkdtempSync(join(tmpdir(), 'with some spaces '));
    try {
      const plugin = join(folder, 'plugins', 'backend-wasm');
      mkdirSync(plugin, { recursive: true });
      const source = join(root, 'plugins', 'backend-wasm');
      cpSync(join(source, 'src'), join(plugin, 'src'), { recursive: true });
      cpSync(join(source, 'dist', 'kernels.wasm'), join(plugin, 'dist', 'kernels.wasm'));
      cpSync(join(source, 'package.json'), join(plugin, 'package.json'));
      cpSync(join(source, 'node_modules'), join(plugin, 'node_modules'), {
        recursive: true,
        verbatimSymlinks: false,
      });
      const main = join(plugin, 'main.mts');
      writeFileSync(main, script.replace("import '@engine/backend-wasm'", "import './src/index.ts'"));
      const { status, output, stderr } = run(['--conditions=@engine/source', ...tsx, main], plugin, {
        TSX_TSCONFIG_PATH: join(root, 'tsconfig.base.json'),
      });
      expect(stderr).toBe('');
      expect(JSON.parse(output)).toEqual(expected);
      expect(status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
