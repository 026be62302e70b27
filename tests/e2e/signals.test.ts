import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checksum, engine, startEngine, tinyConfig, workFolder, writeConfig } from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());

/** Waits until a run is iterating. */
async function underWay(output: () => string): Promise<void> {
  while (!/Saving checkpoint at \d+ iterations/.test(output()))
    await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('finishes the step, saves, exits with 75, and the resumed run ends with the same bits', async () => {
    const whole = writeConfig(
      folder.path,
      tinyConfig({ workDir: `whole-${signal}` }),
      `whole-${signal}.json`,
    );
    expect((await engine(['train', whole], folder.path)).code).toBe(0);

    const config = writeConfig(folder.path, tinyConfig({ workDir: `cut-${signal}` }), `cut-${signal}.json`);
    const run = startEngine(['train', config], folder.path);
    await underWay(run.output);
    run.process.kill(signal);
    const stopped = await run.done;
    expect(stopped.code, stopped.stderr).toBe(75);
    expect(stopped.stdout).toMatch(new RegExp(`Stopped by ${signal} at iteration \\d+; saved to`));

    const resumed = await engine(['resume', config], folder.path);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(checksum(join(folder.path, `cut-${signal}`))).toBe(checksum(join(folder.path, `whole-${signal}`)));
  });
});

it('a second signal stops at once, without saving', async () => {
  // A batch so large that the step outlasts the pause between the two signals.
  const config = tinyConfig({ workDir: 'twice', trainCfg: { maxEpochs: 1 } });
  const loader = config.trainDataloader as { batchSize: number; dataset: { numSamples: number } };
  loader.batchSize = loader.dataset.numSamples = 4000;
  const run = startEngine(['train', writeConfig(folder.path, config, 'twice.json')], folder.path);
  while (!run.output().includes('Checkpoints will be saved'))
    await new Promise((resolve) => setTimeout(resolve, 5));
  run.process.kill('SIGTERM');
  while (!run.output().includes('finishing the step')) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 400));
  run.process.kill('SIGTERM');
  const { code, stdout } = await run.done;
  expect(code).toBe(143);
  expect(stdout).not.toContain('Stopped by');
});
