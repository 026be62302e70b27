import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checksum, engine, startEngine, tinyConfig, workFolder, writeConfig } from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());

/** Optimizers whose state is more than buffers beside the parameters. */
const OPTIMIZERS = [
  { plugin: '@engine/optim-dadaptation', optimizer: { type: 'DAdaptAdam', d0: 1e-3, weightDecay: 0.01 } },
  { plugin: '@engine/optim-extra', optimizer: { type: 'ScheduleFreeAdamW', lr: 0.01, warmupSteps: 5 } },
];

const FILES = ['model.safetensors', 'optim.safetensors'];

describe.each(OPTIMIZERS)('a run with $optimizer.type', ({ plugin, optimizer }) => {
  it('killed after a checkpoint ends with the same bits as one that was not', async () => {
    const config = (workDir: string): string =>
      writeConfig(
        folder.path,
        tinyConfig({
          workDir,
          plugins: ['@engine/vision', plugin],
          optimWrapper: { optimizer, clipGrad: { maxNorm: 5 } },
          paramScheduler: { type: 'CosineAnnealingLR', byEpoch: false },
          trainCfg: { maxEpochs: 1, valInterval: 1 },
        }),
        `${workDir}.json`,
      );
    const state = (workDir: string) => FILES.map((file) => checksum(join(folder.path, workDir), file));
    const whole = `${optimizer.type}-whole`;
    const straight = await engine(['train', config(whole)], folder.path);
    expect(straight.code, straight.stderr + straight.stdout).toBe(0);

    const killed = `${optimizer.type}-killed`;
    const args = ['train', config(killed)];
    const run = startEngine(args, folder.path);
    let over = false;
    void run.done.then(() => (over = true));
    // At the second save the first one is whole.
    while (!over && !/Saving checkpoint at 8 iterations/.test(run.output())) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    run.process.kill('SIGKILL');
    expect((await run.done).signal).toBe('SIGKILL');
    const resumed = await engine([...args, '--resume'], folder.path);
    expect(resumed.code, resumed.stderr + resumed.stdout).toBe(0);
    expect(resumed.stdout + resumed.stderr).toMatch(/resum/i);
    expect(state(killed)).toEqual(state(whole));
  });
});
