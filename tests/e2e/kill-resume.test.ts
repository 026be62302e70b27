import { RandomStream } from '@engine/core';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  checksum,
  engine,
  startEngine,
  tinyConfig,
  tree,
  workFolder,
  writeConfig,
  type Running,
} from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());

/** Trained without a disturbance; what every interrupted run must end as. */
const reference = (async () => {
  const config = writeConfig(folder.path, tinyConfig({ workDir: 'reference' }), 'reference.json');
  const result = await engine(['train', config], folder.path);
  expect(result.stderr + result.stdout, 'reference run').toContain('run directory:');
  expect(result.code).toBe(0);
  return {
    model: checksum(join(folder.path, 'reference')),
    optim: checksum(join(folder.path, 'reference'), 'optim.safetensors'),
  };
})();

/** Kills a run once `when` holds, looking every few milliseconds; true when it was killed before it ended. */
async function killWhen(run: Running, when: () => boolean): Promise<boolean> {
  let over = false;
  void run.done.then(() => (over = true));
  while (!over && !when()) await new Promise((resolve) => setTimeout(resolve, 1));
  if (!over) run.process.kill('SIGKILL');
  const { signal } = await run.done;
  return signal === 'SIGKILL';
}

const steps = (run: Running): number =>
  Number(/.*Saving checkpoint at (\d+) iterations/s.exec(run.output())?.[1] ?? 0);

/** True while some checkpoint of the work dir is being written. */
function midSave(workDir: string): boolean {
  if (!existsSync(workDir)) return false;
  return readdirSync(workDir).some((launch) => {
    const checkpoints = join(workDir, launch, 'checkpoints');
    return existsSync(checkpoints) && readdirSync(checkpoints).some((name) => name.includes('.tmp-'));
  });
}

async function finishAndCompare(name: string, numWorkers: number, args: string[]): Promise<void> {
  const result = await engine([...args, '--resume'], folder.path);
  expect(result.code, result.stderr + result.stdout).toBe(0);
  const workDir = join(folder.path, name);
  expect(
    {
      model: checksum(workDir),
      optim: checksum(workDir, 'optim.safetensors'),
    },
    `after kills of ${name} with ${numWorkers} workers`,
  ).toEqual(await reference);
  expect(tree(workDir).filter((path) => path.includes('.tmp-'))).toEqual([]);
}

describe.each([0, 2])('a run with %i loader workers', (numWorkers) => {
  const prepare = (name: string): string[] => {
    const config = tinyConfig({ workDir: name });
    (config.trainDataloader as Record<string, unknown>).numWorkers = numWorkers;
    return ['train', writeConfig(folder.path, config, `${name}.json`)];
  };

  it('killed at random moments, again and again, ends with the same bits', async () => {
    await reference;
    const name = `random${numWorkers}`;
    const args = prepare(name);
    // Moments differ from run to run of the machine anyway; the stream only spreads them.
    const rng = RandomStream.of(11, 'kill', numWorkers);
    let killed = 0;
    for (let attempt = 0; attempt < 4; attempt++) {
      const run = startEngine([...args, '--resume'], folder.path);
      const from = Date.now();
      const target = 300 + rng.int(700);
      let started = 0;
      const hit = await killWhen(run, () => {
        if (!started && run.output().includes('Checkpoints will be saved')) started = Date.now();
        return started > 0 && Date.now() - started > target && Date.now() > from;
      });
      if (hit) killed++;
    }
    expect(killed).toBeGreaterThan(0);
    await finishAndCompare(name, numWorkers, args);
  });

  it('killed in the middle of an epoch ends with the same bits', async () => {
    const name = `mid${numWorkers}`;
    const args = prepare(name);
    const run = startEngine(args, folder.path);
    // Ten batches an epoch, saved every four: after 16 iterations the second epoch is under way.
    expect(await killWhen(run, () => steps(run) >= 16)).toBe(true);
    await finishAndCompare(name, numWorkers, args);
  });

  it('killed while a checkpoint is being written ends with the same bits', async () => {
    const name = `save${numWorkers}`;
    const args = prepare(name);
    let hits = 0;
    for (let attempt = 0; attempt < 3; attempt++) {
      const run = startEngine([...args, '--resume'], folder.path);
      if (await killWhen(run, () => steps(run) > 0 && midSave(join(folder.path, name)))) hits++;
    }
    expect(hits).toBeGreaterThan(0);
    await finishAndCompare(name, numWorkers, args);
  });
});
