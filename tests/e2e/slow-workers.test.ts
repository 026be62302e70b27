import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checksum,
  engine,
  startEngine,
  tinyConfig,
  workFolder,
  writeConfig,
  type Finished,
  type Running,
} from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());

// Hangs on sample 100, which is in batch 6 of the first epoch, where HANG says how.
const PLUGIN = `
  import { register, TRANSFORMS } from '@engine/core';
  import { writeSync } from 'node:fs';
  class HangAt {
    static workerModule = import.meta.url;
    transform(results, { index }) {
      const how = process.env.HANG;
      if (!how || index !== 100) return results;
      writeSync(2, 'hanging\\n');
      if (how === 'busy') for (;;);
      return new Promise(() => {});
    }
  }
  register(TRANSFORMS)(HangAt);
`;

function config(name: string, timeout = 0): string {
  const base = tinyConfig({ plugins: ['@engine/vision', './hang.mjs'], workDir: name });
  const train = base['trainDataloader'] as { dataset: { pipeline: unknown[] } };
  train.dataset.pipeline.unshift({ type: 'HangAt' });
  const trainDataloader = {
    ...train,
    numWorkers: 1,
    timeout,
    sampler: { type: 'DefaultSampler', shuffle: false },
  };
  return writeConfig(
    folder.path,
    { ...base, trainCfg: { maxEpochs: 1, valInterval: 1 }, trainDataloader },
    `${name}.json`,
  );
}

/** What came of a run, which is killed (code null) when it does not end. */
async function ended(run: Running): Promise<Finished> {
  const killer = setTimeout(() => run.process.kill('SIGKILL'), 30_000);
  const result = await run.done;
  clearTimeout(killer);
  return result;
}

beforeAll(() => writeFileSync(join(folder.path, 'hang.mjs'), PLUGIN));

describe.each([
  ['SIGTERM', 'busy'],
  ['SIGINT', 'idle'],
] as const)('%s while a data worker is stuck and %s', (signal, how) => {
  it('saves and ends all the same, and the resumed run ends with the same bits', async () => {
    const name = `stuck-${how}`;
    const file = config(name);
    const run = startEngine(['train', file], folder.path, { HANG: how });
    while (!run.output().includes('hanging') && run.process.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 5));
    // All that had been loaded before is used up, and the loop waits.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    run.process.kill(signal);
    const stopped = await ended(run);
    expect(stopped.code, stopped.stderr).toBe(75);
    expect(stopped.stdout).toContain(`Stopped by ${signal} at iteration 6; saved to`);

    const resumed = await engine(['resume', file], folder.path);
    expect(resumed.code, resumed.stderr).toBe(0);
    const whole = await engine(['train', config(`whole-${how}`)], folder.path);
    expect(whole.code, whole.stderr).toBe(0);
    expect(checksum(join(folder.path, name))).toBe(checksum(join(folder.path, `whole-${how}`)));
  });
});

it('a worker that hangs longer than `timeout` ends the run with its name', async () => {
  const run = startEngine(['train', config('timeout', 2)], folder.path, { HANG: 'busy' });
  const failed = await ended(run);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(
    /E_DATA_WORKER_TIMEOUT\] Data worker 0 has given nothing for 2 s on sample 100 in the transform 'HangAt'\./,
  );
});
