import { hostArray, RandomStream } from '@engine/core';
import { DataLoader, DefaultSampler } from '@engine/data';
import { BaseModel, Linear, Module } from '@engine/nn';
import type { OptimWrapperDict } from '@engine/optim';
import '@engine/optim-extra';
import { dryRun, Runner, type HookMethods, type RunnerOptions } from '@engine/runner';
import { randomNormal, scope, tf, type LogVars, type Scalar, type Tensor } from '@engine/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder, toyLoader, ToyModel, toyVal, weights } from './toy.js';

class Mapper extends Module {
  readonly out = new Linear({ inFeatures: 2, outFeatures: 1 });

  forward(x: Tensor): Tensor {
    return this.out.forward(x as never);
  }
}

const SAMPLES = 11;

/** A generator of numbers that are to look like those of the data, and a critic that tells them apart. */
class TinyGan extends BaseModel {
  readonly generator = new Mapper();
  readonly discriminator = new Mapper();
  private steps = 0;

  forward(inputs: Tensor): unknown {
    return this.generator.forward(inputs);
  }

  override trainStep(data: unknown, wrappers: OptimWrapperDict): LogVars {
    return scope(() => {
      const { inputs } = this.preprocess(data, true) as { inputs: Tensor };
      const noise = randomNormal(inputs.shape, RandomStream.of(3, 'noise', this.steps++));
      const fake = (): Tensor => this.generator.forward(noise);
      const judge = (x: Tensor): Tensor =>
        tf.sigmoid(this.discriminator.forward(tf.concat([x, tf.square(x)], 1)));
      const report = (name: string, loss: Scalar) => ({
        loss,
        logVars: { [name]: tf.keep(loss.clone()) },
      });
      const critic = wrappers
        .get('discriminator')
        .step(() =>
          report(
            'loss_d',
            tf.add(
              tf.mean(judge(fake())),
              tf.mean(tf.sub(1, judge(tf.slice(inputs, [0, 0], [-1, 1])))),
            ) as Scalar,
          ),
        );
      const artist = wrappers
        .get('generator')
        .step(() => report('loss_g', tf.mean(tf.sub(1, judge(fake()))) as Scalar));
      return { ...critic, ...artist };
    });
  }

  override extraState(): Record<string, unknown> {
    return { ...super.extraState(), steps: this.steps };
  }

  override loadExtraState(state: Record<string, unknown>): void {
    const { steps, ...rest } = state;
    this.steps = steps as number;
    super.loadExtraState(rest);
  }
}

class Points {
  readonly metainfo = { name: 'points' };
  readonly length = SAMPLES;
  getItem(index: number): unknown {
    const rng = RandomStream.of(9, 'point', index);
    return { inputs: hostArray(Float32Array.of(rng.normal() + 2, rng.normal()), [2]) };
  }
}

function loader(): DataLoader {
  const dataset = new Points();
  const sampler = new DefaultSampler(dataset, { shuffle: true, seed: 1 });
  return new DataLoader({ dataset, sampler, batchSize: 3, collateFn: 'defaultCollate' });
}

function options(workDir: string, changes: Partial<RunnerOptions> = {}): RunnerOptions {
  return {
    model: { type: TinyGan } as never,
    workDir,
    device: 'cpu',
    logLevel: 'ERROR',
    trainDataloader: loader() as never,
    trainCfg: { maxEpochs: 4 },
    optimWrapper: {
      generator: { optimizer: { type: 'Adam', lr: 0.02 }, accumulativeCounts: 2 },
      discriminator: {
        optimizer: { type: 'SGD', lr: 0.1, momentum: 0.5, weightDecay: 0.01 },
        paramwiseCfg: { biasDecayMult: 0 },
        clipGrad: { maxNorm: 1 },
      },
    },
    paramScheduler: {
      generator: [
        { type: 'LinearLR', startFactor: 0.5, end: 4, byEpoch: false, step: 'optimizerStep' },
        { type: 'CosineAnnealingLR', begin: 4, byEpoch: false, step: 'optimizerStep' },
      ],
      discriminator: { type: 'StepLR', stepSize: 1, gamma: 0.5 },
    },
    randomness: { seed: 3 },
    ...changes,
  };
}

/** What the logs and groups say of the rates in each iteration. */
function watch(): { rates: Record<string, number[]>; hook: HookMethods } {
  const rates: Record<string, number[]> = { generator: [], discriminator: [] };
  const hook: HookMethods = {
    priority: 'LOWEST',
    beforeTrainIter: (run) => {
      for (const name of Object.keys(rates)) rates[name]!.push(run.optimWrapper.getLr()[`${name}.lr`]![0]!);
    },
  };
  return { rates, hook };
}

const folder = temporaryFolder();
let reference: { weights: number[]; optim: unknown };

async function finish(runner: Runner): Promise<{ weights: number[]; optim: unknown }> {
  await runner.train();
  const { tensors, json } = runner.optimWrapper.stateDict();
  const values = Object.entries(tensors).map(([name, tensor]) => [name, [...tensor.dataSync()]]);
  const found = { weights: weights(runner), optim: { json, values } };
  await runner.close();
  runner.optimWrapper.dispose();
  runner.model.dispose();
  return found;
}

beforeAll(async () => {
  reference = await finish(new Runner(options(`${folder.path}/reference`)));
});
afterAll(() => folder.dispose());

describe('a run with several optimizers', () => {
  it('gives each its submodule, its schedulers and its name in the logs', async () => {
    const { rates, hook } = watch();
    const runner = new Runner(options(`${folder.path}/watched`, { customHooks: [hook] }));
    await finish(runner);
    const { discriminator, generator } = (runner.optimWrapper as OptimWrapperDict).paramGroups;
    expect(generator!.flatMap(({ params }) => params.map(({ name }) => name))).toEqual([
      'generator.out.weight',
      'generator.out.bias',
    ]);
    // Two groups, and the settings that schedulers drive beside them.
    expect(discriminator!.map(({ weightDecay }) => weightDecay)).toEqual([0.01, 0, 0.01]);
    // Four iterations in an epoch.
    expect(rates.discriminator!.map((lr) => Number(lr.toFixed(6)))).toEqual(
      [0.1, 0.05, 0.025, 0.0125].flatMap((lr) => [lr, lr, lr, lr]),
    );
    // Two iterations for each update: 4 updates up (the last at the full rate), 4 down.
    const up = [0.5, 2 / 3, 5 / 6, 1].map((factor) => 0.02 * factor);
    const down = [0, 1, 2, 3].map((n) => 0.01 * (1 + Math.cos((Math.PI * n) / 4)));
    [...up, ...down]
      .flatMap((lr) => [lr, lr])
      .forEach((lr, i) => expect(rates.generator![i]).toBeCloseTo(lr, 8));
    expect(runner.messageHub.getScalar('train/generator.lr').current()).toBeCloseTo(down[3]!, 8);
    expect(runner.messageHub.getScalar('train/discriminator.base_lr').current()).toBeCloseTo(0.0125, 8);
  });

  it.each([1, 5, 8, 13])('stopped after %i iterations and resumed it ends with the same bits', async (at) => {
    const workDir = `${folder.path}/stopped${at}`;
    const stop: HookMethods = {
      afterTrainIter: (run) => {
        if (run.iter + 1 === at) run.requestStop('a test');
      },
    };
    await finish(new Runner(options(workDir, { customHooks: [stop] })));
    expect(await finish(new Runner(options(workDir, { resume: true })))).toEqual(reference);
  });

  it('dies between checkpoints and resumes from the last', async () => {
    const workDir = `${folder.path}/died`;
    const die: HookMethods = {
      beforeTrainIter: (run) => {
        if (run.iter === 10) throw new Error('the power went');
      },
    };
    await expect(new Runner(options(workDir, { customHooks: [die] })).train()).rejects.toThrow('power');
    expect(await finish(new Runner(options(workDir, { resume: true })))).toEqual(reference);
  });

  it('scales every rate to the batch, counting accumulation', async () => {
    const runner = new Runner(
      options(`${folder.path}/scaled`, {
        trainCfg: { maxEpochs: 1 },
        autoScaleLr: { enable: true, baseBatchSize: 12 },
        paramScheduler: undefined as never,
      }),
    );
    await finish(runner);
    const rates = runner.optimWrapper.getLr();
    expect(rates['generator.lr']).toEqual([0.02 * (6 / 12)]);
    expect(rates['discriminator.lr']).toEqual([0.1 * (3 / 12), 0.1 * (3 / 12)]);
  });

  it('is tried out without an update', async () => {
    const report = await dryRun(options(`${folder.path}/dry`));
    expect(report).toMatchObject({ optimizer: 'Adam, SGD', paramGroups: 3 });
    expect(Object.keys(report.losses)).toEqual(['loss_d', 'loss_g']);
  });

  it('names a part of the model that is not there', async () => {
    const wrong = options(`${folder.path}/wrong`, {
      optimWrapper: { generatr: { optimizer: { type: 'Adam' } } },
      paramScheduler: undefined as never,
    });
    await expect(new Runner(wrong).train()).rejects.toThrow(
      /E_OPTIM_WRAPPER_MODULE[^]*optimWrapper\.generatr[^]*did you mean 'generator'/,
    );
    const misplaced = options(`${folder.path}/misplaced`, {
      optimWrapper: { lr: 0.1 } as never,
      paramScheduler: undefined as never,
    });
    await expect(new Runner(misplaced).train()).rejects.toThrow(/E_CONFIG_VALUE[^]*optimWrapper\.lr/);
    const inner = options(`${folder.path}/inner`, {
      optimWrapper: { generator: { optimizer: { type: 'Adam', lrr: 1 } as never } },
      paramScheduler: undefined as never,
    });
    await expect(new Runner(inner).train()).rejects.toThrow(/optimWrapper\.generator\.optimizer/);
  });
});

describe('ScheduleFree', () => {
  it('is switched for validation and checkpoints, and resumes to the bit', async () => {
    const make = (name: string, hook: HookMethods, changes: Partial<RunnerOptions> = {}): Runner =>
      new Runner({
        ...options(`${folder.path}/${name}`),
        model: { type: ToyModel } as never,
        trainDataloader: toyLoader() as never,
        ...toyVal([0.5]),
        optimWrapper: { optimizer: { type: 'ScheduleFreeAdamW', lr: 0.05 } },
        paramScheduler: undefined as never,
        customHooks: [hook],
        ...changes,
      });
    const seen: string[] = [];
    const note =
      (event: string): HookMethods['beforeVal'] =>
      (run) =>
        void seen.push(`${event} ${run.optimWrapper.evaluating}`);
    const spying: HookMethods = {
      beforeTrainIter: note('train') as never,
      beforeVal: note('val') as never,
      beforeSaveCheckpoint: note('saved') as never,
    };
    const whole = await finish(make('free', spying));
    expect(seen.filter((text) => text.startsWith('train')).every((text) => text.endsWith('false'))).toBe(
      true,
    );
    expect(seen.filter((text) => text.startsWith('val')).every((text) => text.endsWith('true'))).toBe(true);
    const stop: HookMethods = {
      afterTrainIter: (run) => {
        if (run.iter + 1 === 6) run.requestStop('a test');
      },
    };
    await finish(make('free-stopped', stop));
    expect(await finish(make('free-stopped', {}, { resume: true }))).toEqual(whole);
  });
});
