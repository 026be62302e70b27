import { LOOPS } from '@engine/core';
import { DataLoader } from '@engine/data';
import {
  BaseTrainLoop,
  describeDryRun,
  dryRun,
  readCheckpoint,
  Runner,
  trainIteration,
  type AnyDataLoader,
  type Run,
  type RunnerOptions,
} from '@engine/runner';
import type { OptimWrapper } from '@engine/optim';
import { tf, type Tensor } from '@engine/tensor';
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ScriptedMetric,
  spy,
  temporaryFolder,
  ToyDataset,
  toyLoader,
  ToyModel,
  toyOptions,
  toyVal,
  trained,
  weights,
} from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

const valLog = async (trainCfg: RunnerOptions['trainCfg'], hooks: object[] = []): Promise<string[]> => {
  const { log, hook } = spy(['beforeVal']);
  await trained(toyOptions(workDir, { trainCfg, customHooks: [hook, ...hooks], ...toyVal([1]) }));
  return log.map((line) => line.replace('beforeVal ', ''));
};

describe('when a run validates', () => {
  it('changes its interval at milestones, in epochs and in iterations', async () => {
    // MMEngine's case: interval 5, from step 11 on every 2, 12 steps.
    expect(await valLog({ maxIters: 12, valInterval: 5, dynamicIntervals: [[11, 2]] })).toEqual([
      'e0 i5',
      'e0 i10',
      'e0 i12',
    ]);
    expect(await valLog({ maxEpochs: 6, valInterval: 4, dynamicIntervals: [[5, 1]] })).toEqual([
      'e4 i16',
      'e5 i20',
      'e6 i24',
    ]);
  });

  it('waits for valBegin in iterations', async () => {
    expect(await valLog({ maxIters: 8, valInterval: 2, valBegin: 5 })).toEqual(['e0 i6', 'e0 i8']);
  });

  it('ends at once in iterations when a hook sets stopTraining', async () => {
    const stop = { afterTrainIter: (run: Run) => void (run.trainLoop!.stopTraining = run.iter >= 4) };
    expect(await valLog({ maxIters: 12, valInterval: 5 }, [stop])).toEqual(['e0 i5']);
  });
});

describe('losses in evaluation', () => {
  /** Predicts in mode 'predict' with its losses beside, as a list whose last element holds them. */
  class WithLosses extends ToyModel {
    override forward(inputs: Tensor, targets: Tensor, mode: 'loss' | 'predict' | 'tensor' = 'tensor') {
      const out = super.forward(inputs, targets, mode);
      if (mode !== 'predict') return out as never;
      const error = tf.squaredDifference((out as Tensor[])[0]!, targets);
      return [
        ...(out as Tensor[]),
        { loss: { loss_a: error, loss_b: [error, error], note: error } },
      ] as never;
    }
  }

  const validated = async (
    model: unknown,
    valCfg: Record<string, unknown>,
  ): Promise<Record<string, unknown>> => {
    const before = tf.memory().numTensors;
    const runner = new Runner(
      toyOptions(workDir, { model: { type: model } as never, ...toyVal([1]), valCfg }),
    );
    const metrics = await runner.val();
    await runner.close();
    // An independent look: the mean over batches of the mean over samples, with the same weights.
    const [w0, w1, b] = weights(runner) as [number, number, number];
    const dataset = new ToyDataset(12);
    let sum = 0;
    for (let i = 0; i < 12; i++) {
      const [x, y] = dataset.getItem(i) as { data: Float32Array }[];
      sum += (w0 * x!.data[0]! + w1 * x!.data[1]! + b - y!.data[0]!) ** 2;
    }
    runner.model.dispose();
    expect(tf.memory().numTensors).toBe(before);
    return { ...metrics, expected: sum / 12 };
  };

  it('are averaged and join the metrics, with their sum', async () => {
    const found = await validated(WithLosses, {});
    const mean = found.expected as number;
    expect(found['test/acc']).toBe(1);
    expect(found.loss_a).toBeCloseTo(mean, 4);
    expect(found.loss_b).toBeCloseTo(2 * mean, 4);
    expect(found.note).toBeCloseTo(mean, 4);
    expect(found.val_loss).toBeCloseTo(3 * mean, 4);
  });

  it('are computed for a model that only predicts, when valCfg asks for them', async () => {
    const found = await validated(ToyModel, { withLoss: true });
    expect(found.loss).toBeCloseTo(found.expected as number, 4);
    expect(found.val_loss).toBeCloseTo(found.expected as number, 4);
    expect(Object.keys(await validated(ToyModel, {}))).toEqual(['test/acc', 'expected']);
    await expect(validated(ToyModel, { withLoss: 1 })).rejects.toThrow(/valCfg\.withLoss/);
    await expect(validated(ToyModel, { withLos: true })).rejects.toThrow(/did you mean 'withLoss'/);
  });
});

describe('runner.val()', () => {
  it('gives the metrics of the loaded weights, with the events of validation and epoch 0', async () => {
    await trained(toyOptions(workDir));
    const { log, hook } = spy(['beforeRun', 'beforeVal', 'afterValEpoch', 'afterRun', 'beforeTrain']);
    const runner = new Runner(
      toyOptions(workDir, {
        loadFrom: workDir,
        customHooks: [hook],
        valDataloader: toyLoader() as never,
        valCfg: { withLoss: true },
        valEvaluator: new ScriptedMetric([7]) as never,
      }),
    );
    const metrics = await runner.val();
    await runner.close();
    expect(metrics['test/acc']).toBe(7);
    // The weights were loaded: an untrained model is far worse.
    expect(metrics.val_loss).toBeLessThan(1);
    expect(log).toEqual(['beforeRun e0 i0', 'beforeVal e0 i0', 'afterValEpoch e0 i0', 'afterRun e0 i0']);
    expect(runner.trainLoop).toBeUndefined();
    await expect(new Runner(toyOptions(workDir)).val()).rejects.toThrow(/E_RUNNER_MODE/);
  });
});

describe('loops of others', () => {
  /** Makes every batch count twice: a stage of its own between the two steps. */
  class TwiceLoop extends BaseTrainLoop {
    readonly byEpoch = false;
    readonly maxEpochs = 1;
    readonly maxIters: number;

    constructor(owner: Run, dataloader: AnyDataLoader, options: { rounds: number }) {
      super(owner, dataloader, {}, 1000);
      this.maxIters = options.rounds * 2;
    }

    async run(): Promise<void> {
      await this.owner.emit('beforeTrain');
      for await (const batch of this.dataloader.iterate(this.next.batch)) {
        for (let step = 0; step < 2; step++) {
          await trainIteration(this.owner, this.iter, batch, () => {
            this.next = { ...this.next, iter: this.iter + 1, batch: this.next.batch + step };
          });
          this.iter++;
          if (step === 0) await this.owner.callHook('betweenSteps', { iter: this.iter });
        }
        if (this.iter >= this.maxIters) break;
      }
      await this.owner.emit('afterTrain');
      this.completed = true;
    }
  }
  LOOPS.add('TwiceLoop', TwiceLoop as never);

  it('come from the registry by type, with events of their own', async () => {
    const seen: unknown[] = [];
    const hook = { betweenSteps: (_run: Run, payload: unknown) => void seen.push(payload) };
    const runner = await trained(
      toyOptions(workDir, {
        trainCfg: { type: 'TwiceLoop', rounds: 3 },
        customHooks: [hook as never],
        defaultHooks: { checkpoint: { type: 'CheckpointHook' } as never },
      }),
    );
    expect(seen).toEqual([{ iter: 1 }, { iter: 3 }, { iter: 5 }]);
    expect([runner.iter, (runner.optimWrapper as OptimWrapper).innerCount]).toEqual([6, 6]);
    const saved = await readCheckpoint(realpathSync(join(runner.directory.checkpoints, 'last')));
    expect(saved.loop).toMatchObject({ iter: 6, batch: 3 });
    await expect(trained(toyOptions(workDir, { trainCfg: { type: 'TwiceLop', rounds: 3 } }))).rejects.toThrow(
      /did you mean 'TwiceLoop'/,
    );
  });
});

describe('fewer batches', () => {
  it('numBatchPerEpoch shortens the epochs of a config', async () => {
    const runner = await trained(
      toyOptions(workDir, {
        trainDataloader: {
          dataset: new ToyDataset(12),
          batchSize: 3,
          shuffle: true,
          collateFn: 'defaultCollate',
          numBatchPerEpoch: 2,
        } as never,
      }),
    );
    expect([runner.epoch, runner.iter, runner.trainLoop!.dataloader.length]).toEqual([3, 6, 2]);
  });

  it('fastDevRun goes once through everything, and keeps nothing', async () => {
    const { log, hook } = spy(['afterTrainIter', 'afterValIter', 'afterTestIter']);
    const runner = new Runner(
      toyOptions(workDir, {
        fastDevRun: 2,
        trainCfg: { maxEpochs: 50, valBegin: 10, valInterval: 5 },
        ...toyVal([1]),
        testDataloader: toyLoader() as never,
        testCfg: {},
        testEvaluator: new ScriptedMetric([1]) as never,
        customHooks: [hook, { type: 'EarlyStoppingHook', monitor: 'none', strict: true } as never],
      }),
    );
    expect(await runner.train()).toBe('finished');
    await runner.test();
    await runner.close();
    expect(log.map((line) => line.split(' ')[0])).toEqual(
      ['afterTrainIter', 'afterValIter', 'afterTestIter'].flatMap((event) => [event, event]),
    );
    expect([runner.maxEpochs, runner.iter]).toEqual([1, 2]);
    expect(existsSync(runner.directory.checkpoints)).toBe(false);
    const iters = await trained(toyOptions(workDir, { fastDevRun: true, trainCfg: { maxIters: 100 } }));
    expect(iters.iter).toBe(1);
  });

  it('overfitBatches trains and validates on the same first batches, in one order', async () => {
    const seen: { train: number[][]; val: number[][] } = { train: [], val: [] };
    const note = (into: number[][]) => (_run: Run, payload: { dataBatch: unknown }) =>
      void into.push([...(payload.dataBatch as { data: Float32Array }[])[0]!.data]);
    await trained(
      toyOptions(workDir, {
        overfitBatches: 2,
        ...toyVal([1]),
        customHooks: [{ beforeTrainIter: note(seen.train), beforeValIter: note(seen.val) }],
      }),
    );
    expect(seen.train).toHaveLength(6);
    expect(seen.train.slice(2, 4)).toEqual(seen.train.slice(0, 2));
    expect(seen.val).toEqual(seen.train);
  });

  it.each([
    [{ fastDevRun: 0 }, /fastDevRun/],
    [{ overfitBatches: 1.5 }, /overfitBatches/],
    [{ overfitBatches: true }, /overfitBatches/],
    [{ numSanityValSteps: -1 }, /numSanityValSteps/],
  ])('%j is refused', (changes, message) => {
    expect(() => new Runner(toyOptions(workDir, changes as never))).toThrow(message);
  });
});

describe('validation before training', () => {
  it('finds a mistake before the first step, and changes nothing otherwise', async () => {
    const { log, hook } = spy(['beforeTrainIter', 'beforeVal', 'afterValIter']);
    class Broken extends ScriptedMetric {
      override computeMetrics(): never {
        throw new Error('a metric with a mistake');
      }
    }
    const options = toyOptions(workDir, {
      ...toyVal([1]),
      valEvaluator: new Broken([1]) as never,
      numSanityValSteps: 1,
      customHooks: [hook],
    });
    await expect(trained(options)).rejects.toThrow('a metric with a mistake');
    expect(log).toEqual([]);
    const steps = vi.spyOn(ToyModel.prototype, 'valStep');
    const plain = weights(await trained(toyOptions(workDir, { trainCfg: { maxEpochs: 1 }, ...toyVal([1]) })));
    expect(steps).toHaveBeenCalledTimes(4);
    const changed = { trainCfg: { maxEpochs: 1 }, ...toyVal([1]), numSanityValSteps: 2 };
    expect(weights(await trained(toyOptions(workDir, changed)))).toEqual(plain);
    expect(steps).toHaveBeenCalledTimes(4 + 2 + 4);
    steps.mockRestore();
  });
});

describe('dryRun', () => {
  const config = (changes: Partial<RunnerOptions> = {}): RunnerOptions =>
    toyOptions(join(workDir, 'none'), {
      model: new ToyModel() as never,
      ...toyVal([1]),
      paramScheduler: { type: 'StepLR', stepSize: 1 } as never,
      testDataloader: toyLoader() as never,
      testCfg: {},
      testEvaluator: { type: 'Accuracy' },
      ...changes,
    });

  it('builds all, tries a batch, changes no weight and writes nothing', async () => {
    const model = new ToyModel();
    model.initWeights({ seed: 3 });
    const before = model.parameters().map((variable) => [...variable.dataSync()]);
    const report = await dryRun(config({ model: model as never }));
    expect(model.parameters().map((variable) => [...variable.dataSync()])).toEqual(before);
    expect(existsSync(join(workDir, 'none'))).toBe(false);
    expect(report).toMatchObject({
      model: 'ToyModel',
      parameters: 3,
      trainable: 3,
      batch: { '0': [3, 2], '1': [3, 1] },
      trainBatches: 4,
      maxEpochs: 3,
      maxIters: 12,
      valBatches: 4,
      testBatches: 4,
      optimizer: 'SGD',
      paramGroups: 1,
      schedulers: ['StepLR'],
    });
    expect(report.losses.loss).toBeGreaterThan(0);
    const text = describeDryRun(report).join('\n');
    expect(text).toContain('3 epochs of 4 batches, 12 iterations');
    expect(text).toContain('0 [3, 2]  1 [3, 1]');
  });

  it('fails where the run would', async () => {
    await expect(dryRun(config({ valEvaluator: { type: 'Acuracy' } as never }))).rejects.toThrow(/Accuracy/);
    const broken = new DataLoader({
      dataset: {
        length: 3,
        getItem: () => {
          throw new Error('no file');
        },
      },
      batchSize: 3,
    });
    await expect(dryRun(config({ trainDataloader: broken as never }))).rejects.toThrow(
      /E_DATA_SAMPLE|no file/,
    );
  });
});
