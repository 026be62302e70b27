import { Runner, type HookMethods, type RunnerOptions } from '@engine/runner';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, toyOptions, toyVal, trained } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

const stopping = (
  scores: readonly number[],
  options: Record<string, unknown>,
  changes: Partial<RunnerOptions> = {},
): RunnerOptions =>
  toyOptions(workDir, {
    trainCfg: { maxEpochs: 12 },
    ...toyVal(scores),
    customHooks: [{ type: 'EarlyStoppingHook', monitor: 'test/acc', ...options } as never],
    ...changes,
  });

// Appendix A of the behaviour reference: 'greater', min_delta 1, patience 3, scores that rise and then fall.
describe('EarlyStoppingHook', () => {
  it('stops after patience validations without an improvement of minDelta', async () => {
    const runner = await trained(stopping([0, 1, 2, 1, 0, -1, -2], { minDelta: 1, patience: 3 }));
    expect(runner.epoch).toBe(6);
  });

  it('counts a change below minDelta as none', async () => {
    expect((await trained(stopping([0, 0.9, 0.99], { minDelta: 1, patience: 2 }))).epoch).toBe(3);
  });

  it('takes less for better when told, or when the name says so', async () => {
    const falling = [5, 4, 3, 3, 3, 3];
    expect((await trained(stopping(falling, { rule: 'less', patience: 2 }))).epoch).toBe(5);
    expect((await trained(stopping(falling, { patience: 2 }))).epoch).toBe(3);
  });

  it('stops at a metric that is not finite, unless told not to look', async () => {
    expect((await trained(stopping([1, Infinity], {}))).epoch).toBe(2);
    expect((await trained(stopping([1, NaN, 2, 2, 2], { checkFinite: false, patience: 2 }))).epoch).toBe(5);
  });

  it('stops at the threshold', async () => {
    expect((await trained(stopping([1, 2, 3, 4], { stoppingThreshold: 2.5 }))).epoch).toBe(3);
  });

  it('passes over a metric that is not there, or refuses it when strict', async () => {
    const options = { monitor: 'test/ac', rule: 'greater' };
    expect((await trained(stopping([1], { ...options, patience: 1 }))).epoch).toBe(12);
    await expect(trained(stopping([1], { ...options, strict: true }))).rejects.toThrow(
      /E_METRIC_UNKNOWN[^]*did you mean 'test\/acc'/,
    );
  });

  it('goes on counting after a resume, wherever the run was cut', async () => {
    // The scripted metric of a resumed run starts anew, so each part is given the scores of its epochs.
    const scores = [0, 1, 2, 1, 0, -1, -2, -3];
    for (const cut of [13, 16, 18]) {
      const dir = join(workDir, String(cut));
      const stop: HookMethods = {
        afterTrainIter: (run) => (run.iter + 1 === cut ? run.requestStop('test') : undefined),
      };
      const config = { type: 'EarlyStoppingHook', monitor: 'test/acc', minDelta: 1, patience: 3 } as never;
      const base = (from: number): RunnerOptions =>
        toyOptions(dir, { trainCfg: { maxEpochs: 12 }, ...toyVal(scores.slice(from)) });
      await trained({ ...base(0), customHooks: [config, stop] });
      // At iteration 16 the fourth epoch is over and its validation owed; before, three validations were made.
      const done = cut < 16 ? 3 : cut === 16 ? 3 : 4;
      const resumed = await trained({ ...base(done), customHooks: [config], resume: true });
      expect(resumed.epoch, `cut at ${cut}`).toBe(6);
    }
  });

  it('stays stopped when the finished run is resumed, and goes on with more patience', async () => {
    await trained(stopping([3, 2, 1, 0], { patience: 2 }));
    expect((await trained(stopping([0], { patience: 2 }, { resume: true }))).epoch).toBe(3);
    expect((await trained(stopping([0], { patience: 4 }, { resume: true }))).epoch).toBe(5);
  });

  it('has its verdict in the best checkpoint of the same validation', async () => {
    const options = stopping([5, 5, 5], { stoppingThreshold: 4 });
    const runner = new Runner({
      ...options,
      defaultHooks: { checkpoint: { type: 'CheckpointHook', saveBest: 'test/acc' } as never },
    });
    await runner.train();
    await runner.close();
    const again = await trained({ ...options, resume: runner.checkpoints.folderOf({ epoch: 1, iter: 4 }) });
    expect([runner.epoch, again.epoch]).toEqual([1, 1]);
  });

  it.each([
    [{ monitor: '' }, /EarlyStoppingHook\.monitor/],
    [{ monitor: 'x' }, /E_METRIC_RULE/],
    [{ patience: 0 }, /patience/],
    [{ minDelta: -1 }, /minDelta/],
    [{ pateince: 3 }, /did you mean 'patience'/],
    [{ rule: 'more' }, /rule/],
  ])('%j is refused', async (options, message) => {
    await expect(trained(stopping([1], options))).rejects.toThrow(message);
  });
});
