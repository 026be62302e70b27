// ResNet-50 with the CIFAR stem: the quickstart's recipe over a larger network. Only what differs is said.
//   engine train apps/examples/cifar10/resnet50.config.ts trainDataloader.numBatchPerEpoch=50
import { defineConfig } from '@engine/core';

export default defineConfig({
  _base_: './resnet20.config.ts',
  model: { backbone: { depth: 50, stem: 'cifar' } },
  trainDataloader: { batchSize: 32 },
  optimWrapper: { optimizer: { lr: 0.05 }, clipGrad: { maxNorm: 5 } },
  workDir: 'work_dirs/resnet50',
});
