import { HOOKS, RandomStream } from '@engine/core';
import { BatchNorm1d, BaseModel, Dropout, Linear, Module } from '@engine/nn';
import type { OptimWrapperDict } from '@engine/optim';
import { Hook, Runner, type HookMethods, type Run, type RunnerOptions } from '@engine/runner';
import { scope, tf, type LogVars, type Scalar, type Tensor } from '@engine/tensor';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { MINIMAL } from './hook-options.js';
import { temporaryFolder, ToyDataset, toyLoader, toyOptions, toyVal, trained } from './toy.js';

const folder = temporaryFolder();
afterAll(() => folder.dispose());

/** Has weights, statistics, and masks that come from counters. */
class StatefulModel extends BaseModel {
  first = new Linear({ inFeatures: 2, outFeatures: 4 });
  norm = new BatchNorm1d({ numFeatures: 4 });
  drop = new Dropout({ p: 0.3 });
  linear = new Linear({ inFeatures: 4, outFeatures: 1 });

  override forward(inputs: Tensor, targets: Tensor, mode: 'loss' | 'predict' | 'tensor') {
    const out = this.linear.forward(this.drop.forward(this.norm.forward(this.first.forward(inputs))));
    if (mode === 'loss') return { loss: tf.mean(tf.squaredDifference(out, targets)) };
    return mode === 'predict' ? [out, targets] : out;
  }
}

/** Has two parts that are trained by optimizers of their own. */
class PairModel extends StatefulModel {
  override trainStep(data: unknown, wrappers: OptimWrapperDict): LogVars {
    return scope(() => {
      const [inputs, targets] = this.preprocess(data, true) as [Tensor, Tensor];
      const report = (name: string): { loss: Scalar; logVars: LogVars } => {
        const { loss } = this.forward(inputs, targets, 'loss') as { loss: Scalar };
        return { loss, logVars: { [name]: tf.keep(loss.clone()) } };
      };
      return {
        ...wrappers.get('first').step(() => report('loss_first')),
        ...wrappers.get('linear').step(() => report('loss')),
      };
    });
  }
}

/**
 * Fields that may differ after a resume: clocks, and what one launch says or shows of itself. Whatever else differs is state
 * that the checkpoint lacks.
 */
const OF_THE_LAUNCH: Record<string, readonly string[]> = {
  IterTimerHook: ['clock', 'startIter', 'trained', 'trainSeconds', 'evalSeconds'],
  MaxTimeHook: ['deadline', 'started', 'begin', 'start'],
  // Losses up to a checkpoint are looked at before it is written.
  NaNGuardHook: ['checked'],
  ProfilerHook: ['recorder', 'waitingSince', 'stepSince', 'open', 'done', 'recording', 'written'],
  ProgressBarHook: ['drawn', 'stream'],
  // Averaging buffers over processes a second time changes nothing.
  SyncBuffersHook: ['syncedAt'],
  SystemMonitorHook: ['last', 'times', 'gpu', 'answer', 'asking'],
  // Set before each validation, for the time of it.
  RuntimeInfoHook: ['stageBefore', 'reported'],
  // A window of measurement begins anew with the launch.
  ThroughputMonitorHook: ['mark', 'cpuMark', 'seconds', 'cpuSeconds', 'batches'],
  // So that one launch does not write the same checkpoint twice.
  CheckpointHook: ['lastSaveTime', 'savedIter'],
  // So that one launch does not estimate the same statistics twice; they come out the same.
  BatchNormRecalibrationHook: ['doneAt'],
  loop: ['owner', 'dataloader', 'breather'],
};

/** Fields of a Runner: what each is part of in the tree, or why it has no state of its own. */
const RUNNER_FIELDS: Record<string, string> = {
  options: 'the config',
  backend: 'the machine',
  compute: 'the machine',
  hookBus: 'tree: each hook',
  services: 'tree: scalars, infos, logProcessor; logger and visualizer only write',
  store: 'tree: best; what is kept is there to be seen on the disk',
  builtSaver: 'saves under way, which a run waits for at its end',
  builtModel: 'tree: model',
  wrapper: 'tree: optimWrapper, wrapperFields',
  schedulers: 'tree: schedulers',
  loops: 'tree: loop, data',
  runSeed: 'tree: seed',
  stopAsked: 'the launch: a resumed run has not been asked to stop',
  stopping: 'the same, as a signal',
  loaded: 'the launch',
  announced: 'the launch',
  wanted: 'empty between events',
  early: 'hooks that came early, until there is a bus',
};
const TIMES = /time|eta|percent|_mb|_per_second/;

/** All that a part holds in its fields, as plain data. */
function fieldsOf(value: unknown, skip: readonly string[] = [], depth = 5): unknown {
  if (typeof value === 'function' || value instanceof Promise || value instanceof WeakSet) return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Runner) return '(the run)';
  // The model is a part of its own.
  if (value instanceof Module) return '(a module)';
  if (value instanceof tf.Tensor) return [...value.dataSync()];
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  if (depth === 0) return `(${value.constructor.name})`;
  if (value instanceof Map || value instanceof Set)
    return [...value].map((one) => fieldsOf(one, [], depth - 1));
  if (Array.isArray(value)) return value.map((one) => fieldsOf(one, [], depth - 1));
  const entries = Object.entries(value).filter(([key]) => !skip.includes(key));
  return Object.fromEntries(entries.map(([key, one]) => [key, fieldsOf(one, [], depth - 1)]));
}

/** Every part of a run that has fields, by name. */
function treeOf(run: Run): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const hook of run.hooks) {
    const name = hook.constructor.name;
    if (name !== 'Object') tree[name] = fieldsOf(hook, OF_THE_LAUNCH[name]);
  }
  const { dataloader } = run.trainLoop!;
  tree.loop = {
    ...(fieldsOf(run.trainLoop, OF_THE_LAUNCH.loop) as object),
    position: run.trainLoop!.position(),
  };
  tree.data = { epoch: dataloader.epoch, sampler: fieldsOf(dataloader.sampler), seed: dataloader.seed };
  tree.optimWrapper = fieldsOf(run.optimWrapper.stateDict());
  tree.wrapperFields = fieldsOf(run.optimWrapper, ['optimizer', 'observer', 'accumulated', 'wrappers']);
  tree.schedulers = run.paramSchedulers.map((scheduler) =>
    fieldsOf(scheduler, ['target', 'wrapper', 'optimizer']),
  );
  tree.model = { state: fieldsOf(run.model.stateDict()), extra: run.model.extraState() };
  tree.seed = run.seed;
  // But for what it has found out about names.
  tree.logProcessor = fieldsOf(run.logProcessor, ['averaged']);
  tree.best = Object.entries(run.checkpoints.bestCheckpoints).map(([key, { score }]) => [key, score]);
  tree.scalars = [...run.messageHub.logScalars]
    .filter(([key]) => !TIMES.test(key))
    .map(([key, { history }]) => [key, Array.from(history.values), Array.from(history.counts)]);
  tree.infos = [...run.messageHub.runtimeInfo].filter(
    ([key, value]) =>
      !TIMES.test(key) && key !== 'experimentName' && !/checkpoints\//.test(JSON.stringify(value)),
  );
  return tree;
}

const hooks = (): HookMethods[] =>
  Object.entries(MINIMAL)
    .filter(
      ([name]) => !['RuntimeInfoHook', 'IterTimerHook', 'DistSamplerSeedHook', 'LoggerHook'].includes(name),
    )
    .filter(([name]) => !['ParamSchedulerHook', 'CheckpointHook'].includes(name))
    .map(([type, options]) => {
      const own = type === 'FreezeHook' ? { names: 'linear.bias', begin: 1, end: 2 } : options;
      return HOOKS.build<HookMethods>({ type, ...own } as never);
    });

const options = (
  workDir: string,
  extra: HookMethods[],
  changes: Partial<RunnerOptions> = {},
): RunnerOptions =>
  toyOptions(join(folder.path, workDir), {
    model: { type: StatefulModel } as never,
    ...toyVal([3, 1, 2]),
    trainCfg: { maxEpochs: 3 },
    optimWrapper: {
      optimizer: { type: 'AdamW', lr: 0.01 },
      accumulativeCounts: 2,
      clipGrad: { maxNorm: 1 },
      paramwiseCfg: { biasLrMult: 2 },
    } as never,
    paramScheduler: [
      { type: 'CosineAnnealingLR', byEpoch: false },
      { type: 'ReduceOnPlateauLR', monitor: 'test/acc', rule: 'greater' },
    ] as never,
    defaultHooks: { checkpoint: { type: 'CheckpointHook', interval: 1, saveBest: 'auto' } },
    customHooks: [...hooks(), ...extra],
    ...changes,
  });

/** The tree in iteration number `at`, after all hooks, of a run that is interrupted (or not) before. */
async function treeAt(
  workDir: string,
  at: number,
  interruptedAt?: number,
  changes: () => Partial<RunnerOptions> = () => ({}),
  more: () => HookMethods[] = () => [],
): Promise<Record<string, unknown>> {
  let tree: Record<string, unknown> | undefined;
  const probe: HookMethods = {
    priority: 'LOWEST',
    afterTrainIter: (run) => void (run.iter + 1 === at ? (tree = treeOf(run)) : undefined),
  };
  if (interruptedAt !== undefined) {
    const stop: HookMethods = {
      afterTrainIter: (run) => (run.iter + 1 === interruptedAt ? run.requestStop('test') : undefined),
    };
    const runner = new Runner(options(workDir, [...more(), stop], changes()));
    expect(await runner.train()).toBe('stopped');
    await runner.close();
  }
  const runner = new Runner(
    options(workDir, [...more(), probe], { ...changes(), resume: interruptedAt !== undefined }),
  );
  await runner.train();
  await runner.close();
  return tree!;
}

describe('the state of a run', () => {
  it.each([
    ['in the middle of an epoch and of a window of gradients', 5, 7],
    ['at the end of an epoch', 4, 5],
    ['after validations, with a frozen part', 9, 12],
  ])('is whole in a checkpoint: interrupted %s', async (_, interruptedAt, at) => {
    const expected = await treeAt(`whole-${at}`, at);
    const resumed = await treeAt(`parts-${at}`, at, interruptedAt);
    expect(Object.keys(expected)).toEqual(Object.keys(resumed));
    for (const part of Object.keys(expected)) expect.soft(resumed[part], part).toEqual(expected[part]);
  });

  it.each([
    [
      'a loss scale that grows',
      (): Partial<RunnerOptions> => ({
        optimWrapper: {
          type: 'AmpOptimWrapper',
          dtype: 'float32',
          lossScale: { initScale: 64, growthInterval: 3 },
          optimizer: { type: 'SGD', lr: 0.01, momentum: 0.9 },
          accumulativeCounts: 2,
        } as never,
      }),
      (tree: Record<string, unknown>) => {
        const { json } = tree['optimWrapper'] as { json: { lossScaler: { scale: number } } };
        expect(json.lossScaler.scale).toBeGreaterThan(64);
      },
    ],
    [
      'optimizers by name',
      (): Partial<RunnerOptions> => ({
        model: { type: PairModel } as never,
        optimWrapper: {
          first: { optimizer: { type: 'Adam', lr: 0.01 }, accumulativeCounts: 3 },
          linear: { optimizer: { type: 'SGD', lr: 0.01, momentum: 0.9 } },
        } as never,
        paramScheduler: {
          first: { type: 'CosineAnnealingLR', byEpoch: false },
          linear: { type: 'StepLR', stepSize: 1 },
        } as never,
      }),
      (tree: Record<string, unknown>) => {
        const { tensors } = tree['optimWrapper'] as { tensors: Record<string, unknown> };
        expect(Object.keys(tensors).some((name) => name.startsWith('first'))).toBe(true);
        expect(Object.keys(tensors).some((name) => name.startsWith('linear'))).toBe(true);
      },
    ],
  ])('is whole in a checkpoint with %s', async (name, changes, check) => {
    const folderName = name.replaceAll(' ', '-');
    const expected = await treeAt(`${folderName}-whole`, 11, undefined, changes);
    check(expected);
    const resumed = await treeAt(`${folderName}-parts`, 11, 9, changes);
    for (const part of Object.keys(expected)) expect.soft(resumed[part], part).toEqual(expected[part]);
  });

  it('is compared as a whole: a hook that keeps something to itself is noticed', async () => {
    class ForgetfulHook extends Hook {
      count = 0;
      override afterTrainIter(): void {
        this.count++;
      }
    }
    const more = (): HookMethods[] => [new ForgetfulHook()];
    const expected = await treeAt('forgetful-whole', 7, undefined, undefined, more);
    const resumed = await treeAt('forgetful-parts', 7, 5, undefined, more);
    expect([expected['ForgetfulHook'], resumed['ForgetfulHook']]).toMatchObject([{ count: 7 }, { count: 2 }]);
  });

  it('has a place for every field of a Runner', () => {
    const runner = new Runner(options('fields', []));
    expect(Object.keys(runner).sort()).toEqual(Object.keys(RUNNER_FIELDS).sort());
  });

  it('covers every registered hook', () => {
    const runner = new Runner(options('names', []));
    expect(
      HOOKS.list(true)
        .map(({ name }) => name)
        .filter((name) => !(name in MINIMAL)),
    ).toEqual([]);
    expect(runner.options.customHooks!.length).toBeGreaterThan(10);
  });
});

describe('resuming far into a run', () => {
  it.each([
    ['an endless loader', true, { pass: 0, batch: 999_999 }],
    ['a loader that ends', false, { pass: 249_999, batch: 3 }],
  ])(
    'from its checkpoint loads no sample and draws no number of what has been trained on: %s',
    async (name, infinite, position) => {
      const workDir = join(folder.path, `far-${name.replaceAll(' ', '-')}`);
      const far: HookMethods = {
        priority: 'HIGHEST',
        beforeTrain: (run) =>
          run.trainLoop!.restore({ epoch: 0, iter: 999_999, ...position, stage: 'batches' }),
      };
      const until = (maxIters: number, changes: Partial<RunnerOptions>): Promise<Runner> =>
        trained(
          toyOptions(workDir, {
            trainDataloader: toyLoader({ infinite }) as never,
            trainCfg: { maxIters },
            ...changes,
          }),
        );
      const first = await until(1_000_000, { customHooks: [far] });
      expect(first.checkpoints.newest).toContain('step_1000000');

      const load = vi.spyOn(ToyDataset.prototype, 'getItem');
      const streams = vi.spyOn(RandomStream, 'of');
      const resumed = await until(1_000_003, { resume: true });
      expect(resumed.iter).toBe(1_000_003);
      // Three batches of three samples, and at most one that was loaded ahead; streams of these, of the order and of weights.
      expect(load.mock.calls.length).toBeLessThanOrEqual(12);
      expect(streams.mock.calls.length).toBeLessThanOrEqual(50);
      load.mockRestore();
      streams.mockRestore();
    },
  );
});
