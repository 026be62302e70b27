import { defineConfig } from '@engine/core';
import '@engine/runner';
import './src/index.js';

export default defineConfig({
  plugins: ['./src/index.ts'],
  model: { type: 'Classifier', hidden: 32 },
  trainDataloader: {
    batchSize: 32,
    sampler: { type: 'DefaultSampler', shuffle: true },
    collateFn: 'defaultCollate',
    dataset: { type: 'Spirals', count: 512, seed: 1 },
  },
  valDataloader: {
    batchSize: 128,
    sampler: { type: 'DefaultSampler', shuffle: false },
    collateFn: 'defaultCollate',
    dataset: { type: 'Spirals', count: 256, seed: 2 },
  },
  optimWrapper: { optimizer: { type: 'AdamW', lr: 0.02 } },
  trainCfg: { maxEpochs: 12, valInterval: 4 },
  valCfg: {},
  valEvaluator: { type: 'Accuracy' },
  randomness: { seed: 0 },
  workDir: 'work_dirs/spirals',
});
