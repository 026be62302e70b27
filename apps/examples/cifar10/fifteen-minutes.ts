// MMEngine's "15 minutes to get started", in our API: a model of your own, a metric of your own, and a Runner.
//   ENGINE_DATA_ROOT=../shared/data npx tsx apps/examples/cifar10/fifteen-minutes.ts
import { METRICS, MODELS, register } from '@engine/core';
import { BaseMetric } from '@engine/evaluator';
import { BaseModel, crossEntropy, type ForwardMode } from '@engine/nn';
import { Runner } from '@engine/runner';
import { tf, type Tensor1D, type Tensor2D, type Tensor4D } from '@engine/tensor';
import { ResNet } from '@engine/vision';

@register(MODELS)
class MMResNet extends BaseModel {
  resnet: ResNet;

  constructor({ depth }: { depth: 20 | 50 }) {
    super({
      dataPreprocessor: { type: 'ImgDataPreprocessor', mean: [125.3, 123, 113.9], std: [51.6, 50.8, 51.3] },
    });
    this.resnet = new ResNet({ depth, numClasses: 10, stem: 'cifar' });
  }

  forward(images: Tensor4D, { gtLabels }: { gtLabels: Tensor1D }, mode: ForwardMode) {
    const logits = this.resnet.forward(images) as Tensor2D;
    if (mode === 'loss') return { loss: crossEntropy(logits, gtLabels) };
    return mode === 'predict' ? { logits, gtLabels } : logits;
  }
}

@register(METRICS, { name: 'MyAccuracy' })
class Accuracy extends BaseMetric<{ size: number; correct: number }> {
  process(_batch: unknown, { logits, gtLabels }: { logits: Tensor2D; gtLabels: Tensor1D }) {
    const correct = tf.tidy(() => tf.sum(tf.equal(tf.argMax(logits, 1), gtLabels)).dataSync()[0]!);
    this.results.push({ size: gtLabels.shape[0], correct });
  }

  computeMetrics(results: { size: number; correct: number }[]) {
    const sum = (key: 'size' | 'correct') => results.reduce((total, result) => total + result[key], 0);
    return { accuracy: (100 * sum('correct')) / sum('size') };
  }
}

const sampler = (shuffle: boolean) => ({ type: 'DefaultSampler', shuffle }) as const;

const runner = new Runner({
  model: { type: MMResNet, depth: Number(process.env.DEPTH ?? 50) as 20 | 50 },
  workDir: './work_dirs/fifteen-minutes',
  trainDataloader: {
    batchSize: 32,
    sampler: sampler(true),
    collateFn: 'defaultCollate',
    numBatchPerEpoch: process.env.BATCHES ? Number(process.env.BATCHES) : undefined,
    dataset: {
      type: 'vision.CIFAR10',
      train: true,
      pipeline: [
        { type: 'vision.RandomCrop', size: 32, padding: 4 },
        { type: 'vision.RandomFlip', prob: 0.5 },
        { type: 'vision.PackInputs' },
      ],
    },
  },
  valDataloader: {
    batchSize: 32,
    sampler: sampler(false),
    collateFn: 'defaultCollate',
    dataset: { type: 'vision.CIFAR10', train: false, pipeline: [{ type: 'vision.PackInputs' }] },
  },
  optimWrapper: { optimizer: { type: 'SGD', lr: 0.001, momentum: 0.9 } },
  trainCfg: { byEpoch: true, maxEpochs: 5, valInterval: 1 },
  valCfg: {},
  valEvaluator: { type: Accuracy },
});

await runner.train();
await runner.close();
