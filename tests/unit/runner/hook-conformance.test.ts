import { extendRegistries, HOOKS } from '@engine/core';
import { Hook, readCheckpoint, Runner, type HookMethods, type RunnerOptions } from '@engine/runner';
import { tf } from '@engine/tensor';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MINIMAL } from './hook-options.js';
import { temporaryFolder, toyOptions, toyVal } from './toy.js';

const CHECKED = Object.keys(MINIMAL);

const folder = temporaryFolder();
afterAll(() => folder.dispose());

const build = (name: string): HookMethods =>
  HOOKS.build<HookMethods>({ type: name, ...MINIMAL[name] } as never);
const options = (name: string, hook: HookMethods, changes: Partial<RunnerOptions> = {}): RunnerOptions =>
  toyOptions(join(folder.path, name), {
    ...toyVal([1, 2, 3]),
    trainCfg: { maxEpochs: 2 },
    paramScheduler: { type: 'StepLR', stepSize: 1 } as never,
    customHooks: [hook],
    ...changes,
  });
/** Hooks of the registry and of all scopes below it that no row stands for. */
const unclaimed = (): string[] =>
  HOOKS.list()
    .map(({ name }) => name.slice(name.lastIndexOf('.') + 1))
    .filter((name) => !(name in MINIMAL))
    .sort();
const free = async (runner: Runner): Promise<void> => {
  await runner.close();
  runner.optimWrapper.dispose();
  runner.model.dispose();
};

describe('every registered hook', () => {
  it('has a row here, and a new one without a row is noticed', () => {
    expect(unclaimed()).toEqual([]);
    expect(Object.keys(MINIMAL).filter((name) => !HOOKS.has(name))).toEqual([]);
    HOOKS.add('NobodysHook', class NobodysHook extends Hook {} as never);
    extendRegistries('strangers').HOOKS.add('StrangersHook', class StrangersHook extends Hook {} as never);
    expect(unclaimed()).toEqual(['NobodysHook', 'StrangersHook']);
  });

  it.each(Object.keys(MINIMAL))(
    '%s survives two train() calls, then a resume, and leaks nothing',
    async (name) => {
      const hook = build(name);
      const before = tf.memory().numTensors;
      const runner = new Runner(options(name, hook));
      expect([await runner.train(), await runner.train()]).toEqual(['finished', 'finished']);
      expect([runner.epoch, runner.iter]).toEqual([2, 8]);
      await free(runner);
      expect(tf.memory().numTensors).toBe(before);
      const saved = await readCheckpoint(realpathSync(join(runner.directory.checkpoints, 'last')));

      // A longer run goes on from there with a new hook, which takes the state over.
      const next = build(name);
      let restored: unknown;
      const watch: HookMethods = {
        priority: 'HIGHEST',
        beforeTrain: () => void (restored = next.stateDict?.()),
      };
      const resumed = new Runner(
        options(name, next, { trainCfg: { maxEpochs: 3 }, resume: true, customHooks: [next, watch] }),
      );
      await resumed.train();
      expect([resumed.epoch, resumed.iter]).toEqual([3, 12]);
      await free(resumed);
      expect(tf.memory().numTensors).toBe(before);
      if (!next.stateDict) return;
      expect(restored).toEqual(saved.hooks![name]);
      const again = build(name);
      again.loadStateDict!(JSON.parse(JSON.stringify(next.stateDict())));
      expect(again.stateDict!()).toEqual(next.stateDict());
    },
  );

  it.each(CHECKED)('%s refuses an option it does not know', (name) => {
    const config = { type: name, ...MINIMAL[name], unheardOf: 1 };
    const make = (): HookMethods => HOOKS.build<HookMethods>(config as never);
    // The averaged model, which takes what EMAHook does not know, exists only with a model.
    if (name === 'EMAHook') expect(make).not.toThrow();
    else expect(make).toThrow('unheardOf');
  });
});
