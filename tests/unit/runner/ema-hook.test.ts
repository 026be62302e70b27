import type { BaseAveragedModel } from '@engine/nn';
import { EMAHook, readCheckpoint, Runner, type HookMethods, type RunnerOptions } from '@engine/runner';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, toyOptions, toyVal, trained, weights } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

const ema = (options: Record<string, unknown> = {}): Partial<RunnerOptions> => ({
  customHooks: [{ type: 'EMAHook', momentum: 0.2, ...options } as never],
});
const stopAt = (iter: number): HookMethods => ({
  afterTrainIter: (run) => (run.iter + 1 === iter ? run.requestStop('test') : undefined),
});
const last = (runner: Runner): string => realpathSync(join(runner.directory.checkpoints, 'last'));
const numbers = (group: Record<string, { data: ArrayLike<unknown> }>): number[] =>
  ['linear.weight', 'linear.bias'].flatMap((name) => [...(group[name]!.data as Float32Array)]);

/** Weights after every iteration of a run, and the model's weights in every validation. */
function recorder(): { raw: number[][]; inVal: number[][]; hook: HookMethods } {
  const raw: number[][] = [];
  const inVal: number[][] = [];
  return {
    raw,
    inVal,
    hook: {
      afterTrainIter: (run) => void raw.push(weights(run as Runner)),
      afterValIter: (run, { batchIdx }) => {
        if (batchIdx === 0) inVal.push(weights(run as Runner));
      },
    },
  };
}

/** The average after each of `raw`, by the definition. */
function averages(raw: readonly number[][], momentum: number): number[][] {
  const found: number[][] = [];
  for (const weights of raw) {
    const before = found.at(-1);
    found.push(before ? weights.map((w, i) => (1 - momentum) * before[i]! + momentum * w) : weights);
  }
  return found;
}

const close = (got: readonly number[], expected: readonly number[]): void => {
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
};

describe('EMAHook', () => {
  it('validates with the average, trains on with the raw weights, and saves both', async () => {
    const { raw, inVal, hook } = recorder();
    const plain = await trained(toyOptions(join(workDir, 'plain'), toyVal([1])));
    const options = toyOptions(join(workDir, 'ema'), { ...toyVal([1]), ...ema() });
    const runner = await trained({ ...options, customHooks: [...options.customHooks!, hook] });
    const expected = averages(raw, 0.2);
    [4, 8, 12].forEach((iter, epoch) => close(inVal[epoch]!, expected[iter - 1]!));
    expect(weights(runner)).toEqual(weights(plain));
    const saved = await readCheckpoint(last(runner));
    close(numbers(saved.model), expected[11]!);
    expect(numbers(saved.extra!.raw_model!)).toEqual(raw[11]);
    expect(saved.hooks!.EMAHook).toEqual({ steps: 12 });
  });

  it('follows the model until it begins', async () => {
    const { raw, inVal, hook } = recorder();
    const options = toyOptions(workDir, { ...toyVal([1]), ...ema({ beginEpoch: 2 }) });
    const runner = await trained({ ...options, customHooks: [...options.customHooks!, hook] });
    expect(inVal[0]).toEqual(raw[3]);
    close(inVal[2]!, averages(raw.slice(4), 0.2).at(-1)!);
    expect((await readCheckpoint(last(runner))).hooks!.EMAHook).toEqual({ steps: 8 });
  });

  it('starts the next run from the average with loadFrom', async () => {
    const first = await trained(toyOptions(join(workDir, 'a'), ema()));
    const saved = await readCheckpoint(last(first));
    const next = await trained(
      toyOptions(join(workDir, 'b'), { ...ema(), loadFrom: last(first), trainCfg: { maxEpochs: 0 } }),
    );
    expect(weights(next)).toEqual(numbers(saved.model));
  });

  it('tests with the average after training in the same process', async () => {
    const { raw, hook } = recorder();
    const tested: number[][] = [];
    const { valDataloader, valEvaluator } = toyVal([1]);
    const options = toyOptions(workDir, {
      ...ema(),
      testDataloader: valDataloader,
      testCfg: {},
      testEvaluator: valEvaluator,
    } as Partial<RunnerOptions>);
    const watch: HookMethods = { afterTestIter: (run) => void tested.push(weights(run as Runner)) };
    const runner = new Runner({ ...options, customHooks: [...options.customHooks!, hook, watch] });
    await runner.train();
    await runner.test();
    await runner.test();
    await runner.close();
    const expected = averages(raw, 0.2).at(-1)!;
    close(tested[0]!, expected);
    close(tested.at(-1)!, expected);
    expect(weights(runner)).toEqual(raw.at(-1));
  });

  it.each([
    ['by epochs', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], {}, {}],
    ['from a later epoch on', [3, 4, 6], { beginEpoch: 2 }, {}],
    [
      'annealed, by iterations',
      [5, 8],
      { emaType: 'MomentumAnnealingEMA', gamma: 3 },
      { trainCfg: { maxIters: 12, valInterval: 5 } },
    ],
    [
      'averaged every third step',
      [4, 10],
      { emaType: { type: 'StochasticWeightAverage' }, momentum: undefined, interval: 3 },
      {},
    ],
  ])('resumes %s, at any iteration, with the same bits', async (_, cuts, options, changes) => {
    const clean = Object.fromEntries(
      Object.entries({ momentum: 0.2, ...options }).filter(([, value]) => value !== undefined),
    );
    const config = { type: 'EMAHook', ...clean } as never;
    const base = { ...toyVal([1]), ...changes } as Partial<RunnerOptions>;
    const run = (dir: string, more: HookMethods[], resume = false): Promise<Runner> =>
      trained(toyOptions(join(workDir, dir), { ...base, resume, customHooks: [config, ...more] }));
    const whole = await run('whole', []);
    const expected = await readCheckpoint(last(whole));
    for (const iter of cuts) {
      await run(`cut${iter}`, [stopAt(iter)]);
      const resumed = await run(`cut${iter}`, [], true);
      expect(weights(resumed), `cut at ${iter}`).toEqual(weights(whole));
      const saved = await readCheckpoint(last(resumed));
      expect(numbers(saved.model), `average, cut at ${iter}`).toEqual(numbers(expected.model));
      expect(saved.hooks!.EMAHook).toEqual(expected.hooks!.EMAHook);
    }
  });

  it('saves the right weights when it is stopped in the middle of a validation', async () => {
    const { raw, hook } = recorder();
    const stop: HookMethods = { afterValIter: (run) => run.requestStop('test') };
    const options = toyOptions(workDir, { ...toyVal([1]), ...ema() });
    const runner = await trained({ ...options, customHooks: [...options.customHooks!, hook, stop] });
    const saved = await readCheckpoint(last(runner));
    expect(numbers(saved.extra!.raw_model!)).toEqual(raw[3]);
    close(numbers(saved.model), averages(raw, 0.2)[3]!);
    expect(weights(runner)).toEqual(raw[3]);
  });

  it('leaves the averaged model to nobody after the run', async () => {
    const hook = new EMAHook({ momentum: 0.2 });
    await trained(toyOptions(workDir, { customHooks: [hook] }));
    expect((hook as unknown as { averaged?: BaseAveragedModel }).averaged).toBeUndefined();
    expect(hook.stateDict()).toEqual({ steps: 12 });
  });

  it.each([
    [{ beginIter: 2, beginEpoch: 1 }, /not both/],
    [{ beginIter: -1 }, /EMAHook\.beginIter/],
    [{ beginEpoch: 9 }, /at most 3/],
    [{ emaType: 'ExponentialMovingAvarage' }, /did you mean 'ExponentialMovingAverage'/],
    [{ decay: 0.99 }, /decay/],
  ])('%j is refused', async (options, message) => {
    await expect(trained(toyOptions(workDir, ema(options)))).rejects.toThrow(message);
  });
});
