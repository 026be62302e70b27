import { isEngineError } from '@engine/core';
import { assign } from '@engine/nn';
import type { HookMethods, Run, RunnerOptions } from '@engine/runner';
import { tf } from '@engine/tensor';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, toyLoader, toyOptions, trained } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

/** Breaks the bias before a step, and writes down the latest iteration begun. */
function saboteur(at: number, value = NaN): { hook: HookMethods; seen: { iter: number; run?: Run } } {
  const seen: { iter: number; run?: Run } = { iter: 0 };
  const hook: HookMethods = {
    beforeTrainIter(run) {
      Object.assign(seen, { iter: run.iter + 1, run });
      if (run.iter + 1 !== at) return;
      const bias = run.model.paramRefs().find(({ leaf }) => leaf === 'bias')!;
      assign(bias.variable, tf.fill(bias.variable.shape, value));
    },
  };
  return { hook, seen };
}

const guarded = (
  options: Record<string, unknown>,
  hook: HookMethods,
  changes: Partial<RunnerOptions> = {},
): RunnerOptions =>
  toyOptions(workDir, { customHooks: [{ type: 'NaNGuardHook', ...options } as never, hook], ...changes });

async function failure(options: RunnerOptions): Promise<{ code: string; message: string; exitCode: number }> {
  const error: unknown = await trained(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isEngineError(error)) throw new Error(`expected an engine error, got ${String(error)}`);
  return error;
}

describe('NaNGuardHook', () => {
  it('ends the run with exit code 3, naming iteration, batch, samples and parameter', async () => {
    const { hook, seen } = saboteur(6);
    const error = await failure(guarded({ interval: 4 }, hook));
    expect([error.code, error.exitCode]).toEqual(['E_NOT_FINITE', 3]);
    expect(seen.iter).toBe(8);
    const loader = toyLoader();
    loader.setEpoch(1);
    const samples = (loader.batchSampler.batches(1).next().value as number[]).join(', ');
    expect(error.message).toContain(`became NaN in iteration 6.`);
    expect(error.message).toContain(`batch 1 of epoch 2, samples ${samples};`);
    expect(error.message).toContain("the first parameter that is not finite is 'linear.weight'");
  });

  it('names the batch of iteration loops too', async () => {
    const { hook } = saboteur(7, Infinity);
    const error = await failure(
      guarded({ interval: 2 }, hook, {
        trainCfg: { maxIters: 12 },
        trainDataloader: toyLoader({ infinite: true }) as never,
      }),
    );
    const samples = (toyLoader({ infinite: true }).batchSampler.batches(6).next().value as number[]).join(
      ', ',
    );
    expect(error.message).toContain(`in iteration 7.`);
    expect(error.message).toContain(`batch 6 of the data, samples ${samples};`);
  });

  it('never lets a checkpoint of broken weights be written, whatever the interval', async () => {
    const { hook, seen } = saboteur(6);
    const error = await failure(guarded({ interval: 100 }, hook));
    expect(error.code).toBe('E_NOT_FINITE');
    const { directory } = seen.run!;
    expect(readFileSync(join(workDir, 'last_checkpoint'), 'utf8')).toContain('step_000004');
    expect(existsSync(join(directory.checkpoints, 'step_000008'))).toBe(false);
    expect(JSON.parse(readFileSync(directory.path('error.json'), 'utf8'))).toMatchObject({
      code: 'E_NOT_FINITE',
    });
  });

  it('reads nothing from the device between its looks', async () => {
    const pending: number[] = [];
    const watch: HookMethods = {
      priority: 'LOWEST',
      afterTrainIter: (run) => void pending.push(run.messageHub.logScalars.get('train/loss')!.pendingCount),
    };
    await trained(
      guarded({ interval: 3 }, watch, {
        trainCfg: { maxIters: 6 },
        defaultHooks: { logger: null, checkpoint: null },
      }),
    );
    expect(pending).toEqual([1, 2, 0, 1, 2, 0]);
  });

  it('tells of a spike, and stops when asked', async () => {
    const spike = { interval: 1, spikeFactor: 50, spikeWindow: 5 };
    const loud = guarded(spike, saboteur(9, 1e4).hook, { logLevel: 'WARNING' });
    const log = readFileSync((await trained(loud)).directory.logFile, 'utf8');
    expect(log).toMatch(/E_LOSS_SPIKE\] The loss jumped in iteration 9\.[^]*the mean of the 5 before/);
    const error = await failure(guarded({ ...spike, spikeAction: 'stop' }, saboteur(9, 1e4).hook));
    expect([error.code, error.exitCode]).toEqual(['E_LOSS_SPIKE', 3]);
  });

  it('leaves a healthy run alone', async () => {
    expect((await trained(guarded({ interval: 1, spikeFactor: 1000 }, {}))).iter).toBe(12);
  });

  it.each([
    [{ interval: 0 }, /interval/],
    [{ monitor: 'lose', interval: 1 }, /NaNGuardHook\.monitor/],
    [{ spikeFactor: 1 }, /spikeFactor/],
    [{ spikeAction: 'cry' }, /spikeAction/],
    [{ intervall: 3 }, /did you mean 'interval'/],
  ])('%j is refused', async (options, message) => {
    await expect(trained(guarded(options, {}))).rejects.toThrow(message);
  });
});
