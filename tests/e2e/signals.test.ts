import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checksum, engine, startEngine, tinyConfig, workFolder, writeConfig } from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());

/** Waits until a run is iterating. */
async function underWay(output: () => string): Promise<void> {
  while (!/Saving checkpoint at \d+ iterations/.test(output())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('finishes the step, saves, exits with 75, and the resumed run ends with the same bits', async () => {
    const whole = writeConfig(folder.path, tinyConfig({ workDir: `whole-${signal}` }), `whole-${signal}.json`);
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

it('a second SIGTERM stops at once', async () => {
  const config = writeConfig(folder.path, tinyConfig({ workDir: 'twice', trainCfg: { maxEpochs: 200 } }), 'twice.json');
  const run = startEngine(['train', config], folder.path);
  await underWay(run.output);
  run.process.kill('SIGTERM');
  run.process.kill('SIGTERM');
  const { code } = await run.done;
  // The system may merge two signals that arrive together into one, which then is an ordinary stop.
  expect([143, 75]).toContain(code);
});
