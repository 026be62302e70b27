import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checksum, engine, ROOT, tinyConfig, workFolder, writeConfig } from './harness.js';

const PLUGIN = join(ROOT, 'plugins/backend-torch');
const built = existsSync(join(PLUGIN, 'build/Release/engine_torch.node'));
const folder = workFolder();
afterAll(folder.dispose);

/** Runs a module that stands in the work folder, where it finds the packages. */
function runModule(
  name: string,
  text: string,
  env: Record<string, string> = {},
): { code: number | null; stdout: string; stderr: string } {
  const file = join(folder.path, name);
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    encoding: 'utf8',
    timeout: 300_000,
    env: { ...process.env, NODE_OPTIONS: '', VITEST: '', ...env },
  });
  return { code: status, stdout, stderr };
}

describe.skipIf(!built)('backend-torch in processes of its own', () => {
  it('trains to the same bits each time, whatever would be measured', async () => {
    const train = async (name: string, env: Record<string, string>): Promise<string> => {
      const config = tinyConfig({
        device: 'torch:cpu',
        workDir: name,
        trainCfg: { maxEpochs: 1 },
        randomness: { seed: 7, deterministic: true },
        ...Object.fromEntries(['valDataloader', 'valCfg', 'valEvaluator'].map((key) => [key, null])),
        defaultHooks: { checkpoint: { type: 'CheckpointHook', interval: 1 } },
      });
      const file = writeConfig(folder.path, config, `${name}.json`);
      const { code, stderr, stdout } = await engine(['train', file], folder.path, env);
      expect(code, stderr).toBe(0);
      expect(stdout + stderr).not.toContain('tfjs’s slow CPU backend');
      return checksum(join(folder.path, name));
    };
    const cache = join(folder.path, 'cache');
    const first = await train('one', {});
    expect(await train('two', {})).toBe(first);
    expect(await train('three', { ENGINE_TORCH_GEMM: 'measure', XDG_CACHE_HOME: cache })).toBe(first);
  });

  it('computes in two worker threads and the main one at once, and ends', () => {
    const { code, stdout, stderr } = runModule(
      'threads.mjs',
      `import { Worker, isMainThread, parentPort } from 'node:worker_threads';
       import { selectDevice, tf } from '@engine/tensor';
       await selectDevice('torch:cpu');
       function compute() {
         let sum = 0;
         for (let i = 0; i < 40; i++) {
           sum += tf.tidy(() => {
             const x = tf.reshape(tf.range(0, 2 * 8 * 8 * 3), [2, 8, 8, 3]).div(100);
             const w = tf.variable(tf.ones([3, 3, 3, 4]));
             const { grads } = tf.variableGrads(() => tf.mean(tf.relu(tf.conv2d(x, w, 1, 'same'))), [w]);
             const total = tf.sum(Object.values(grads)[0]).dataSync()[0];
             w.dispose();
             tf.dispose(grads);
             return total;
           });
         }
         return sum;
       }
       if (!isMainThread) parentPort.postMessage(compute());
       else {
         const workers = [1, 2].map(() => new Worker(new URL(import.meta.url)));
         const results = workers.map((w) => new Promise((ok, no) => w.on('message', ok).on('error', no)));
         const ends = workers.map((w) => new Promise((ok) => w.on('exit', ok)));
         const own = compute();
         console.log(JSON.stringify([own, ...(await Promise.all(results)), ...(await Promise.all(ends))]));
       }`,
    );
    expect([code, stderr]).toEqual([0, '']);
    const [own, ...others] = JSON.parse(stdout) as number[];
    expect(own).toBeGreaterThan(0);
    expect(others).toEqual([own, own, 0, 0]);
  });
});

describe('backend-torch without libtorch', () => {
  const copy = join(folder.path, 'plugin');
  const without = { LIBTORCH: join(folder.path, 'nowhere') };
  const build = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [join(copy, 'scripts/build-addon.mjs'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...without },
    });

  it('is installed all the same, and says what is missing when it is asked for', () => {
    mkdirSync(copy);
    for (const part of ['package.json', 'binding.gyp', 'scripts', 'src/native', 'dist']) {
      cpSync(join(PLUGIN, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(PLUGIN, 'node_modules'), join(copy, 'node_modules'));

    const installed = build('--optional');
    expect([installed.status, installed.stderr]).toEqual([0, '']);
    expect(installed.stdout).toMatch(/backend-torch is not built: the folder in LIBTORCH \(.*nowhere\)/);
    expect(readFileSync(join(copy, 'build/unavailable.txt'), 'utf8')).toContain('holds no libtorch');
    const asked = build();
    expect(asked.status).toBe(1);

    const { stdout } = runModule(
      'asks.mjs',
      `import './plugin/dist/index.js';
       import { selectDevice } from '@engine/tensor';
       try {
         await selectDevice('torch');
       } catch (error) {
         console.log(error.message);
       }
       console.log((await selectDevice('auto')).name);`,
    );
    expect(stdout).toMatch(
      /\[E_DEVICE_UNAVAILABLE\] The device 'torch' cannot be used here: the folder in LIBTORCH .* holds no libtorch\.\n[\s\S]*fix +npm run setup:torch/,
    );
    expect(stdout.trim().split('\n').at(-1)).toBe('wasm');
  });

  it('setup:torch says what cannot be helped by installing', () => {
    const setup = (env: Record<string, string>): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, [join(ROOT, 'scripts/setup-torch.mjs')], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
      });
    const wrong = setup(without);
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toMatch(/The folder in LIBTORCH \(.*nowhere\) holds no libtorch: correct it/);
    const bare = setup({ PATH: folder.path, LIBTORCH: '' });
    expect(bare.status).toBe(1);
    expect(bare.stderr).toMatch(/Missing: .*g\+\+, make; and this is neither Debian nor Ubuntu/);
  });
});
