import { BaseMetric } from '@engine/evaluator';
import { Runner, withTTA, type RunnerOptions } from '@engine/runner';
import { tf, type Tensor } from '@engine/tensor';
import '@engine/vision';
import { afterAll, expect, it } from 'vitest';
import { temporaryFolder } from './toy.js';

const folder = temporaryFolder();
afterAll(() => folder.dispose());

/** Keeps the scores that it is shown. */
class Scores extends BaseMetric<number> {
  seen: number[] = [];
  labels: number[] = [];
  override async process(_batch: unknown, samples: unknown): Promise<void> {
    const { scores, predLabels } = samples as { scores: Tensor; predLabels: Tensor };
    this.seen.push(...(await scores.data()));
    this.labels.push(...(await predLabels.data()));
  }
  override computeMetrics(): Record<string, number> {
    return { count: this.labels.length };
  }
}

const flip = (prob: number): object => ({ type: 'vision.RandomFlip', prob });
const pack = { type: 'vision.PackInputs' };

async function scores(tta: boolean, ...flips: object[]): Promise<Scores> {
  const metric = new Scores({});
  const options = {
    workDir: folder.path,
    device: 'cpu',
    logLevel: 'ERROR',
    randomness: { seed: 2 },
    model: {
      type: 'vision.ImageClassifier',
      dataPreprocessor: { type: 'ImgDataPreprocessor', mean: [127], std: [50] },
      backbone: [{ type: 'Flatten' }, { type: 'Linear', inFeatures: 192, outFeatures: 4 }],
    },
    testDataloader: {
      dataset: {
        type: 'vision.GeneratedImages',
        numSamples: 10,
        numClasses: 4,
        imageSize: 8,
        pipeline: [...flips, pack],
      },
      batchSize: 4,
      sampler: { type: 'DefaultSampler', shuffle: false },
      collateFn: 'defaultCollate',
    },
    testCfg: {},
    testEvaluator: metric,
    ttaModel: { type: 'vision.AverageClsScoreTTA' },
    ttaPipeline: [{ type: 'vision.TestTimeAug', transforms: [[flip(0), flip(1)], [pack]] }],
  } as unknown as RunnerOptions;
  const runner = new Runner(tta ? withTTA(options) : options);
  await runner.test();
  await runner.close();
  runner.model.dispose();
  return metric;
}

it('test-time augmentation of a classifier comes from its config alone: scores are averaged over the views', async () => {
  const before = tf.memory().numTensors;
  const [plain, flipped, both] = [
    await scores(false, flip(0)),
    await scores(false, flip(1)),
    await scores(true),
  ];
  expect(both.seen).toHaveLength(40);
  both.seen.forEach((score, i) => expect(score).toBeCloseTo((plain.seen[i]! + flipped.seen[i]!) / 2, 6));
  expect(plain.seen).not.toEqual(flipped.seen);
  both.labels.forEach((label, n) => {
    const row = both.seen.slice(4 * n, 4 * n + 4);
    expect(row[label]).toBe(Math.max(...row));
  });
  expect(tf.memory().numTensors).toBe(before);
});
