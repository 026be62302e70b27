// The quickstart: ResNet-20 on CIFAR-10, three epochs. Run it with `npm run quickstart`, or
// `engine train apps/examples/cifar10/resnet20.config.ts [key=value …] [--resume]`.
import { defineConfig } from '@engine/core';
import { hasCifar10 } from '@engine/vision';

export default async () => {
  const real = await hasCifar10(undefined, { download: true });
  // Without data and without a way to download them, the same network learns generated images.
  const dataset = (train: boolean) =>
    real
      ? ({ type: 'vision.CIFAR10', train } as const)
      : ({ type: 'vision.GeneratedImages', train, numSamples: train ? 10_000 : 2_000, seed: 0 } as const);

  return defineConfig({
    plugins: ['@engine/vision'],
    model: {
      type: 'vision.ImageClassifier',
      backbone: { type: 'vision.ResNet', depth: 20, numClasses: 10 },
      dataPreprocessor: {
        type: 'ImgDataPreprocessor',
        mean: [125.307, 122.961, 113.8575],
        std: [51.5865, 50.847, 51.255],
      },
    },
    trainDataloader: {
      batchSize: 64,
      sampler: { type: 'DefaultSampler', shuffle: true },
      collateFn: 'defaultCollate',
      dataset: {
        ...dataset(true),
        pipeline: [
          { type: 'vision.RandomCrop', size: 32, padding: 4 },
          { type: 'vision.RandomFlip', prob: 0.5 },
          { type: 'vision.PackInputs' },
        ],
      },
    },
    valDataloader: {
      batchSize: 100,
      sampler: { type: 'DefaultSampler', shuffle: false },
      collateFn: 'defaultCollate',
      dataset: { ...dataset(false), pipeline: [{ type: 'vision.PackInputs' }] },
    },
    valEvaluator: { type: 'Accuracy', topk: 1 },
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.1, momentum: 0.9, weightDecay: 5e-4 } },
    paramScheduler: [
      { type: 'LinearLR', startFactor: 0.01, byEpoch: false, begin: 0, end: 100 },
      { type: 'CosineAnnealingLR', byEpoch: false, begin: 100 },
    ],
    trainCfg: { maxEpochs: 3, valInterval: 1 },
    valCfg: {},
    defaultHooks: {
      logger: { type: 'LoggerHook', interval: 20 },
      checkpoint: { type: 'CheckpointHook', interval: 1, maxKeepCkpts: 3, saveBest: 'auto' },
    },
    customHooks: [{ type: 'NaNGuardHook' }],
    randomness: { seed: 0 },
    workDir: 'work_dirs/resnet20',
  });
};
