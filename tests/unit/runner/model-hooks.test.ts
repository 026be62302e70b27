import { hostArray, HOOKS } from '@engine/core';
import { LocalGroup } from '@engine/dist';
import { assign, BaseModel, BatchNorm1d, Dropout, Linear, type ForwardMode } from '@engine/nn';
import {
  recalibrateBatchNorm,
  type Runner,
  type HookMethods,
  type Run,
  type RunnerOptions,
} from '@engine/runner';
import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, ToyDataset, toyLoader, toyOptions, toyVal, trained, weights } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

/** The toy problem with normalised inputs. */
class NormedModel extends BaseModel {
  norm = new BatchNorm1d({ numFeatures: 2 });
  dropout = new Dropout({ p: 0.25 });
  linear = new Linear({ inFeatures: 2, outFeatures: 1 });

  override forward(inputs: Tensor, targets: Tensor, mode: ForwardMode): unknown {
    const out = this.linear.forward(this.dropout.forward(this.norm.forward(inputs)) as never);
    return mode === 'loss' ? { loss: tf.mean(tf.squaredDifference(out, targets)) } : [out, targets];
  }
}
const normed = (changes: Partial<RunnerOptions> = {}): RunnerOptions =>
  toyOptions(workDir, { model: { type: NormedModel } as never, ...changes });

describe('FreezeHook', () => {
  const history = async (config: Record<string, unknown>, changes: Partial<RunnerOptions> = {}) => {
    const seen: { weight: number; bias: number; training: boolean }[] = [];
    const watch: HookMethods = {
      priority: 'LOWEST',
      afterTrainIter: (run) => {
        const { linear } = run.model as unknown as { linear: Linear };
        const [weight, bias] = [linear.weight, linear.bias!].map((variable) => variable.dataSync()[0]!);
        seen.push({ weight: weight!, bias: bias!, training: linear.training });
      },
    };
    const runner = await trained(
      toyOptions(workDir, { customHooks: [{ type: 'FreezeHook', ...config } as never, watch], ...changes }),
    );
    return { seen, runner };
  };
  const changes = (values: readonly number[]): boolean[] =>
    values.slice(1).map((value, i) => value !== values[i]);

  it('freezes by name from begin to end, and only what is named', async () => {
    const { seen, runner } = await history({ names: 'linear.weight', begin: 1, end: 2 });
    const frozen = changes(seen.map(({ weight }) => weight)).map((changed) => !changed);
    // Changes are those of iterations 2 to 12; the second epoch is iterations 5 to 8.
    expect(frozen).toEqual([false, false, false, true, true, true, true, false, false, false, false]);
    expect(changes(seen.map(({ bias }) => bias))).not.toContain(false);
    expect(runner.model.paramRefs().every(({ requiresGrad }) => requiresGrad)).toBe(true);
  });

  it('counts iterations where training does', async () => {
    const { seen } = await history({ names: ['linear.weight'], end: 3 }, { trainCfg: { maxIters: 6 } });
    expect(changes(seen.map(({ weight }) => weight))).toEqual([false, false, true, true, true]);
  });

  it('keeps frozen modules in evaluation mode when asked', async () => {
    const { seen } = await history(
      { names: 'norm', begin: 1, end: 2, evalMode: true },
      { model: { type: NormedModel } as never },
    );
    expect(new Set(seen.map(({ training }) => training))).toEqual(new Set([true]));
    const modes: boolean[] = [];
    const watch: HookMethods = {
      priority: 'LOWEST',
      beforeTrainIter: (run) => void modes.push((run.model as unknown as NormedModel).norm.training),
    };
    const hook = { type: 'FreezeHook', names: 'norm', begin: 1, end: 2, evalMode: true } as never;
    await trained(normed({ customHooks: [hook, watch] }));
    expect(modes.map((mode) => !mode)).toEqual(Array.from({ length: 12 }, (_, i) => i >= 4 && i < 8));
  });

  it('needs no state to resume in the middle of a frozen stretch', async () => {
    const hook = { type: 'FreezeHook', names: 'linear.weight', begin: 1, end: 2 } as never;
    const whole = weights(await trained(toyOptions(join(workDir, 'whole'), { customHooks: [hook] })));
    for (const cut of [4, 6, 8, 10]) {
      const dir = join(workDir, `cut${cut}`);
      const stop: HookMethods = {
        afterTrainIter: (run) => (run.iter + 1 === cut ? run.requestStop('test') : undefined),
      };
      await trained(toyOptions(dir, { customHooks: [hook, stop] }));
      const resumed = await trained(toyOptions(dir, { customHooks: [hook], resume: true }));
      expect(weights(resumed), `cut at ${cut}`).toEqual(whole);
    }
  });

  it('names the parameter that was meant', async () => {
    await expect(history({ names: 'liner' })).rejects.toThrow(/E_MODULE_NO_PARAMETER[^]*'linear'/);
    await expect(history({ names: [] })).rejects.toThrow(/FreezeHook\.names/);
    await expect(history({ names: 'linear', begin: 2, end: 1 })).rejects.toThrow(/FreezeHook\.end/);
  });
});

describe('batch-norm recalibration', () => {
  /** Mean and population variance of the inputs of the toy data. */
  const population = (length: number): { mean: number[]; variance: number[] } => {
    const dataset = new ToyDataset(length);
    const rows = Array.from({ length }, (_, i) => {
      const [x] = dataset.getItem(i) as [{ data: Float32Array }];
      return [...x.data];
    });
    const mean = [0, 1].map((axis) => rows.reduce((sum, row) => sum + row[axis]!, 0) / length);
    const variance = [0, 1].map(
      (axis) => rows.reduce((sum, row) => sum + (row[axis]! - mean[axis]!) ** 2, 0) / length,
    );
    return { mean, variance };
  };

  it('finds the mean of the data, and their variance but for the correction of each batch', async () => {
    const model = new NormedModel();
    const used = await recalibrateBatchNorm(model, toyLoader({ length: 12, batchSize: 12 }).iterate(0), 5);
    expect(used).toBe(1);
    const { mean, variance } = population(12);
    const { runningMean, runningVar } = model.norm;
    [...runningMean!.dataSync()].forEach((value, i) => expect(value).toBeCloseTo(mean[i]!, 5));
    // One batch of all data has the unbiased variance, 12/11 of the population's.
    [...runningVar!.dataSync()].forEach((value, i) => expect(value).toBeCloseTo((variance[i]! * 12) / 11, 5));
    model.dispose();
  });

  it('adds the spread of the batch means to the variance within batches', async () => {
    const model = new NormedModel();
    const data = (values: number[]): unknown => [
      hostArray(Float32Array.from(values.flatMap((value) => [value, -value])), [values.length, 2]),
      hostArray(new Float32Array(values.length), [values.length, 1]),
    ];
    async function* batches(): AsyncGenerator<unknown> {
      yield data([0, 2]);
      yield data([10, 12]);
    }
    await recalibrateBatchNorm(model, batches(), 10);
    expect([...model.norm.runningMean!.dataSync()]).toEqual([6, -6]);
    // Unbiased variance within batches 2, of the means 1 and 11 around 6: 25.
    [...model.norm.runningVar!.dataSync()].forEach((value) => expect(value).toBeCloseTo(27, 4));
    model.dispose();
  });

  it('changes nothing but the statistics, and leaks nothing', async () => {
    const model = new NormedModel().train();
    model.linear.training = false;
    assign(model.norm.numBatchesTracked!, tf.scalar(7, 'int32'));
    const before = weights({ model } as unknown as Runner);
    const extra = JSON.stringify(model.extraState());
    await expectNoLeak(async () => {
      await recalibrateBatchNorm(model, toyLoader().iterate(0), 3);
    });
    expect([model.norm.training, model.dropout.training, model.linear.training]).toEqual([true, true, false]);
    expect(model.norm.momentum).toBe(0.1);
    expect(JSON.stringify(model.extraState())).toBe(extra);
    const after = weights({ model } as unknown as Runner);
    const changed = after.flatMap((value, i) => (value === before[i] ? [] : [i]));
    const names = Object.entries(model.stateDict()).flatMap(([name, variable]) =>
      new Array<string>(variable.size).fill(name),
    );
    expect(new Set(changed.map((i) => names[i]))).toEqual(new Set(['norm.running_mean', 'norm.running_var']));
    model.dispose();
  });

  it('happens before validation and does not disturb training, nor a resumed run', async () => {
    const hook = { type: 'BatchNormRecalibrationHook', numBatches: 2 } as never;
    const means: number[][] = [];
    const watch: HookMethods = {
      afterValEpoch: (run) =>
        void means.push([...(run.model as unknown as NormedModel).norm.runningMean!.dataSync()]),
    };
    const make = (dir: string, hooks: unknown[], resume = false): RunnerOptions =>
      normed({ workDir: join(workDir, dir), ...toyVal([1]), customHooks: hooks as never, resume });
    const parameters = (runner: Runner): number[] =>
      runner.model.parameters().flatMap((variable) => [...variable.dataSync()]);
    const plain = await trained(make('plain', []));
    const whole = await trained(make('whole', [hook, watch]));
    expect(parameters(whole)).toEqual(parameters(plain));
    expect(weights(whole)).not.toEqual(weights(plain));
    expect(new Set(means.map(String)).size).toBe(3);
    for (const cut of [4, 5, 8]) {
      const stop: HookMethods = {
        afterTrainIter: (run) => (run.iter + 1 === cut ? run.requestStop('test') : undefined),
      };
      await trained(make(`cut${cut}`, [hook, stop]));
      expect(weights(await trained(make(`cut${cut}`, [hook], true))), `cut at ${cut}`).toEqual(
        weights(whole),
      );
    }
  });

  it('happens at the end where nothing is validated', async () => {
    const hook = { type: 'BatchNormRecalibrationHook', numBatches: 100 } as never;
    const runner = await trained(normed({ customHooks: [hook] }));
    const { mean } = population(12);
    const found = [...(runner.model as unknown as NormedModel).norm.runningMean!.dataSync()];
    found.forEach((value, i) => expect(value).toBeCloseTo(mean[i]!, 5));
  });
});

describe('SyncBuffersHook', () => {
  it('averages buffers over the ranks after an epoch, and once only', async () => {
    const ranks = LocalGroup.create(3).map((processGroup) => {
      const model = new NormedModel();
      assign(model.norm.runningMean!, tf.tensor1d([processGroup.rank, 3]));
      assign(model.norm.numBatchesTracked!, tf.scalar(5, 'int32'));
      const run = { model, processGroup, trainLoop: {}, iter: 4 } as unknown as Run;
      return { model, run, hook: HOOKS.build<HookMethods>({ type: 'SyncBuffersHook' }) };
    });
    const tensors = tf.memory().numTensors;
    await Promise.all(ranks.map(async ({ hook, run }) => hook.afterTrainEpoch!(run)));
    for (const { model } of ranks) {
      expect([...model.norm.runningMean!.dataSync()]).toEqual([1, 3]);
      expect(model.norm.numBatchesTracked!.dataSync()[0]).toBe(5);
    }
    assign(ranks[0]!.model.norm.runningMean!, tf.tensor1d([9, 9]));
    await Promise.all(ranks.map(async ({ hook, run }) => hook.beforeValEpoch!(run)));
    expect([...ranks[1]!.model.norm.runningMean!.dataSync()]).toEqual([1, 3]);
    await Promise.all(ranks.map(async ({ hook, run }) => hook.beforeValEpoch!({ ...run, iter: 8 })));
    expect(ranks[1]!.model.norm.runningMean!.dataSync()[0]).toBeCloseTo(11 / 3, 5);
    expect(tf.memory().numTensors).toBe(tensors);
    for (const { model } of ranks) model.dispose();
  });
});

describe('EmptyCacheHook', () => {
  it('asks a backend that can, when it is told to', async () => {
    const calls: string[] = [];
    let stage = '';
    const note = (name: string) => (): void => void (stage = name);
    const hook = { type: 'EmptyCacheHook', beforeEpoch: true, afterEpoch: false, afterIter: true } as never;
    const watch = { priority: 'HIGHEST', beforeTrainEpoch: note('epoch'), afterTrainIter: note('iter') };
    const backend = (): { emptyCache?: () => void } => tf.backend() as never;
    await trained(toyOptions(join(workDir, 'without'), { customHooks: [hook] }));
    backend().emptyCache = () => void calls.push(stage);
    try {
      await trained(
        toyOptions(workDir, { customHooks: [hook, watch as HookMethods], trainCfg: { maxEpochs: 1 } }),
      );
    } finally {
      delete backend().emptyCache;
    }
    expect(calls).toEqual(['epoch', 'iter', 'iter', 'iter', 'iter']);
  });
});
