import { hostArray, MODELS } from '@engine/core';
import { DataLoader } from '@engine/data';
import { BaseMetric } from '@engine/evaluator';
import { BaseTTAModel } from '@engine/nn';
import { buildRunnerWithTTA, Runner, withTTA, type RunnerOptions } from '@engine/runner';
import { tf, type Tensor } from '@engine/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder, ToyDataset, ToyModel, toyOptions } from './toy.js';

const folder = temporaryFolder();
afterAll(() => folder.dispose());

/** The mean over the views, of a model that predicts [outputs, targets] for a batch in one piece. */
class MeanOfViews extends BaseTTAModel {
  override mergePreds(): never {
    throw new Error('the toy model gives no lists');
  }
  override mergeViews(views: unknown[]): unknown {
    const pairs = views as [Tensor, Tensor][];
    return [tf.div(tf.addN(pairs.map(([out]) => out)), pairs.length), pairs[0]![1]];
  }
}
MODELS.add('MeanOfViews', MeanOfViews as never);

/** Every sample as it is and with its inputs negated: for a linear model the mean of the two is the bias. */
class TwoViews extends ToyDataset {
  override getItem(index: number): unknown {
    const [x, y] = super.getItem(index) as [{ data: Float32Array }, unknown];
    const negative = hostArray(
      x.data.map((value) => -value),
      [2],
    );
    return [
      [x, negative],
      [y, y],
    ];
  }
}

class Outputs extends BaseMetric<number> {
  constructor() {
    super({ prefix: 'test' });
  }
  override async process(_batch: unknown, samples: unknown): Promise<void> {
    for (const value of await (samples as [Tensor])[0].data()) this.results.push(value);
  }
  override computeMetrics(results: number[]): Record<string, number> {
    return { min: Math.min(...results), max: Math.max(...results), count: results.length };
  }
}

const options = (changes: Partial<RunnerOptions> = {}): RunnerOptions =>
  toyOptions(folder.path, {
    trainCfg: { maxEpochs: 1 },
    testDataloader: new DataLoader({
      dataset: new TwoViews(6),
      batchSize: 3,
      collateFn: 'defaultCollate',
    }) as never,
    testCfg: {},
    testEvaluator: new Outputs() as never,
    customHooks: [{ type: 'PrepareTTAHook', ttaCfg: { type: 'MeanOfViews' } } as never],
    ...changes,
  });

describe('PrepareTTAHook', () => {
  it('tests with the merged predictions of all views, and gives the model back', async () => {
    const before = tf.memory().numTensors;
    const runner = new Runner(options());
    await runner.train();
    const metrics = await runner.test();
    await runner.close();
    const bias = (runner.model as ToyModel).linear.bias!.dataSync()[0]!;
    expect(runner.model).toBeInstanceOf(ToyModel);
    expect(metrics['test/count']).toBe(6);
    expect(metrics['test/min']).toBeCloseTo(bias, 6);
    expect(metrics['test/max']).toBeCloseTo(bias, 6);
    runner.optimWrapper.dispose();
    runner.model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a model that merges nothing', async () => {
    const hook = { type: 'PrepareTTAHook', ttaCfg: { type: ToyModel } } as never;
    await expect(new Runner(options({ customHooks: [hook] })).test()).rejects.toThrow(
      /extends BaseTTAModel|module/,
    );
    const bare = { type: 'PrepareTTAHook', ttaCfg: {} } as never;
    await expect(new Runner(options({ customHooks: [bare] })).test()).rejects.toThrow(/ttaCfg/);
  });
});

describe('BaseTTAModel', () => {
  class Lists extends BaseTTAModel {
    override mergePreds(samples: unknown[][]): unknown {
      return samples;
    }
  }
  class Echo extends ToyModel {
    override testStep(data: unknown): unknown {
      return (data as { inputs: unknown[] }).inputs;
    }
  }

  it('hands each sample with its prediction in every view to mergePreds', () => {
    const model = new Lists({ module: new Echo() });
    expect(
      model.testStep({
        inputs: [
          ['a0', 'b0'],
          ['a1', 'b1'],
          ['a2', 'b2'],
        ],
      }),
    ).toEqual([
      ['a0', 'a1', 'a2'],
      ['b0', 'b1', 'b2'],
    ]);
    expect(() => model.testStep({ inputs: [['a0', 'b0'], ['a1']] })).toThrow(/E_MODEL_TTA/);
    expect(() => model.testStep({ inputs: 3 })).toThrow(/augmented views/);
    expect(() => model.forward()).toThrow(/E_MODEL_TTA/);
    expect(() => new Lists({ module: 3 as never })).toThrow(/Lists\.module/);
    model.dispose();
  });
});

describe('withTTA', () => {
  it('puts the pipeline into the innermost dataset, and the hook behind the others', () => {
    const base = toyOptions(folder.path, {
      testDataloader: { dataset: { type: 'RepeatDataset', dataset: { type: 'X', pipeline: [1] } } } as never,
      testCfg: {},
      testEvaluator: { type: 'Accuracy' },
      ttaModel: { type: 'MeanOfViews' },
      ttaPipeline: [{ type: 'A' }],
    });
    const changed = withTTA(base) as never as {
      testDataloader: { dataset: { dataset: { pipeline: unknown } } };
      customHooks: unknown[];
    };
    expect(changed.testDataloader.dataset.dataset.pipeline).toEqual([{ type: 'A' }]);
    expect(changed.customHooks).toEqual([{ type: 'PrepareTTAHook', ttaCfg: { type: 'MeanOfViews' } }]);
    expect(buildRunnerWithTTA(base)).toBeInstanceOf(Runner);
    expect(() => withTTA({ ...base, ttaModel: undefined } as never)).toThrow(/E_RUNNER_TTA.*\n.*no ttaModel/);
  });
});
