// What all programs of this bench save: ResNet-50 for 1000 classes with SGD and momentum, 205 MB.
import { hostArray } from '@engine/core';
import { BaseModel, crossEntropy } from '@engine/nn';
import { Runner } from '@engine/runner';
import { ResNet } from '@engine/vision';

class Classifier extends BaseModel {
  net = new ResNet({ depth: 50, numClasses: 1000 });

  forward(images, labels, mode = 'tensor') {
    const scores = this.net.forward(images);
    return mode === 'loss' ? { loss: crossEntropy(scores, labels) } : scores;
  }
}

/** Images of one grey, so that data cost nothing. */
class Grey {
  constructor(length, side) {
    this.length = length;
    this.image = hostArray(new Float32Array(side * side * 3).fill(0.5), [side, side, 3]);
  }

  getItem(index) {
    return [this.image, index % 1000];
  }
}

/** A run of `iterations` steps of two images each. */
export function runOf({ device, workDir, iterations, side = 32, ...options }) {
  return new Runner({
    model: { type: Classifier },
    workDir,
    device,
    logLevel: 'ERROR',
    trainDataloader: {
      batchSize: 2,
      collateFn: 'defaultCollate',
      sampler: { type: 'DefaultSampler', shuffle: false },
      dataset: new Grey(2 * iterations, side),
    },
    trainCfg: { type: 'IterBasedTrainLoop', maxIters: iterations },
    optimWrapper: { optimizer: { type: 'SGD', lr: 1e-4, momentum: 0.9 } },
    randomness: { seed: 0 },
    ...options,
  });
}

export function answer(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}
