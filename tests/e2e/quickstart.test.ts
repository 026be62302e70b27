import { existsSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT, workFolder } from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());

/** Runs the README's first command with a few batches only. */
function quickstart(name: string, dataRoot: string): Promise<{ code: number | null; output: string }> {
  const args = [
    'trainCfg.maxEpochs=1',
    'trainDataloader.numBatchPerEpoch=6',
    '--work-dir',
    join(folder.path, name),
  ];
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'scripts/quickstart.mjs'), ...args], {
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: '', VITEST: '', NO_COLOR: '1', ENGINE_DATA_ROOT: dataRoot },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => done({ code, output }));
  });
}

describe('npm run quickstart', () => {
  it('trains on generated images, and says so, where there are no data', async () => {
    const { code, output } = await quickstart('generated', join(folder.path, 'nothing'));
    expect(code, output).toBe(0);
    expect(output).toMatch(/generated/i);
    expect(output).toMatch(/^run directory: .*generated/m);
    expect(output.trimEnd().split('\n').at(-1)).toMatch(/^val accuracy: \d+\.\d\d %$/);
  });

  const data = process.env.ENGINE_DATA_ROOT || resolve(ROOT, '../shared/data');
  const found = existsSync(join(data, 'cifar-10-batches-bin'));
  it.skipIf(!found)(
    `trains on CIFAR-10 where there is some${found ? '' : ' (not found: set ENGINE_DATA_ROOT)'}`,
    async () => {
      const { code, output } = await quickstart('cifar', data);
      expect(code, output).toBe(0);
      expect(output).not.toMatch(/generated images/i);
      expect(output).toMatch(/^val accuracy: \d+\.\d\d %$/m);
    },
  );
});
