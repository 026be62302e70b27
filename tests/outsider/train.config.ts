import { defineConfig } from '@engine/core';
import '@engine/runner';
import '@engine/vision';
import './src/index.js';

// Parts of three scopes: this repository's (`outsider`, the default one), `vision`'s and the engine's own.
const dataset = (count: number, seed: number, augment: boolean) =>
  ({
    type: 'outsider.Stripes',
    count,
    seed,
    pipeline: [
      { type: 'outsider.DrawStripes', size: 12 },
      ...(augment ? [{ type: 'vision.RandomFlip', prob: 0.5 }] : []),
      { type: 'vision.PackInputs' },
    ],
  }) as const;

export default defineConfig({
  plugins: ['@engine/vision', './src/index.ts'],
  defaultScope: 'outsider',
  device: 'wasm',
  workDir: 'work_dirs/stripes',
  model: {
    type: 'outsider.StripeClassifier',
    backbone: { type: 'vision.ResNet', depth: 20, numClasses: 2 },
    dataPreprocessor: { type: 'ImgDataPreprocessor', mean: [128, 128, 128], std: [64, 64, 64] },
  },
  trainDataloader: {
    batchSize: 16,
    numWorkers: 1,
    collateFn: 'defaultCollate',
    sampler: { type: 'DefaultSampler', shuffle: true },
    dataset: dataset(160, 1, true),
  },
  valDataloader: {
    batchSize: 40,
    collateFn: 'defaultCollate',
    sampler: { type: 'DefaultSampler', shuffle: false },
    dataset: dataset(80, 2, false),
  },
  optimWrapper: { optimizer: { type: 'outsider.Signum', lr: 0.001, momentum: 0.9 } },
  paramScheduler: [{ type: 'CosineAnnealingLR', byEpoch: false }],
  trainCfg: { maxEpochs: 3, valInterval: 1 },
  valCfg: {},
  valEvaluator: [{ type: 'Accuracy' }, { type: 'outsider.ErrorRate' }],
  visualizer: {
    type: 'Visualizer',
    visBackends: [{ type: 'LocalVisBackend' }, { type: 'outsider.CsvVisBackend' }],
  },
  randomness: { seed: 5 },
});

/** Plain names that the engine does not know, and misspelt options of its parts, are errors of the compiler. */
export const mistakes = [
  // @ts-expect-error `momentun` is no option of SGD
  () => defineConfig({ optimWrapper: { optimizer: { type: 'SGD', lr: 0.1, momentun: 0.9 } } }),
  // @ts-expect-error there is no optimizer SDG
  () => defineConfig({ optimWrapper: { optimizer: { type: 'SDG', lr: 0.1 } } }),
];
