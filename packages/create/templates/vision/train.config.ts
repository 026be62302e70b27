import { defineConfig } from '@engine/core';
import '@engine/runner';
import { hasCifar10 } from '@engine/vision';

/** Folder with CIFAR-10's binary files: `DATA_ROOT=… npm run train`; ENGINE_DATA_ROOT or ./data where it is not set. */
const dataRoot = process.env['DATA_ROOT'];

export default async () => {
  // Without data the same network learns generated images, so that the recipe can be tried.
  const real = await hasCifar10(dataRoot);
  const dataset = (train: boolean) =>
    real
      ? ({ type: 'vision.CIFAR10', train, ...(dataRoot !== undefined && { dataRoot }) } as const)
      : ({ type: 'vision.GeneratedImages', train, numSamples: train ? 10_000 : 2_000, seed: 0 } as const);

  return defineConfig({
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
    defaultHooks: { checkpoint: { type: 'CheckpointHook', interval: 1, maxKeepCkpts: 3, saveBest: 'auto' } },
    randomness: { seed: 0 },
    workDir: 'work_dirs/resnet20',
  });
};
