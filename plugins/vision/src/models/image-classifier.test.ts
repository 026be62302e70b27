import { RandomStream, hostArray, type HostArray } from '@engine/core';
import {
  disposeTree,
  expectNoLeak,
  sgdUpdate,
  tf,
  type LogVars,
  type OptimWrapperLike,
  type Scalar,
  type Tensor,
} from '@engine/tensor';
import { describe, expect, it } from 'vitest';

import '../index.js';
import { MODELS } from '../registry.js';
import { ImageClassifier, type ClassPredictions } from './image-classifier.js';

/** Images whose brightness tells the class. */
function batch(size: number): { inputs: HostArray; gtLabels: HostArray } {
  const stream = RandomStream.of(1, 'images');
  const labels = Int32Array.from({ length: size }, (_, i) => i % 2);
  const pixels = new Uint8Array(size * 8 * 8 * 3);
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = 60 + 120 * labels[Math.floor(i / 192)]! + stream.int(40);
  return { inputs: hostArray(pixels, [size, 8, 8, 3]), gtLabels: hostArray(labels, [size]) };
}

const tiny = (numClasses: number): object[] => [
  { type: 'Conv2d', inChannels: 3, outChannels: 4, kernelSize: 3, stride: 2, padding: 1 },
  { type: 'BatchNorm2d', numFeatures: 4 },
  { type: 'ReLU' },
  { type: 'AdaptiveAvgPool2d', outputSize: 1 },
  { type: 'Flatten' },
  { type: 'Linear', inFeatures: 4, outFeatures: numClasses },
];

const build = (numClasses = 2, options: object = {}): ImageClassifier =>
  MODELS.build<ImageClassifier>({
    type: 'ImageClassifier',
    backbone: tiny(numClasses),
    dataPreprocessor: { type: 'ImgDataPreprocessor', mean: [127], std: [60] },
    ...options,
  } as never);

function descent(model: ImageClassifier, lr: number): OptimWrapperLike {
  return {
    step: (compute) => {
      let logVars: LogVars = {};
      tf.tidy(() => {
        const variables = model.parameters();
        const { grads } = tf.variableGrads(() => {
          const result = compute();
          ({ logVars } = result);
          return result.loss;
        }, variables);
        sgdUpdate({
          params: variables,
          grads: variables.map((variable) => grads[variable.name] as Tensor),
          lr,
        });
      });
      return logVars;
    },
  };
}

describe('ImageClassifier', () => {
  it('learns to tell two kinds of images, by steps that leak nothing', () => {
    const model = build();
    model.initWeights({ seed: 0 });
    const optim = descent(model, 0.5);
    const losses: number[] = [];
    const step = (): void => {
      const logVars = model.trainStep(batch(4), optim);
      losses.push((logVars['loss'] as Scalar).dataSync()[0]!);
      disposeTree(logVars);
    };
    step();
    expectNoLeak(step);
    for (let i = 0; i < 15; i++) step();
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
    model.dispose();
  });

  it('predicts scores, classes and the true classes', () => {
    const model = build(3).eval();
    expectNoLeak(() => {
      const { scores, predLabels, gtLabels } = model.valStep(batch(3)) as ClassPredictions;
      const rows = scores.arraySync() as number[][];
      expect(rows.map((row) => row.indexOf(Math.max(...row)))).toEqual(Array.from(predLabels.dataSync()));
      for (const row of rows) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      expect(predLabels.dtype).toBe('int32');
      expect(Array.from(gtLabels!.dataSync())).toEqual([0, 1, 0]);
      disposeTree([scores, predLabels, gtLabels]);
    });
    expectNoLeak(() => disposeTree(model.testStep({ inputs: batch(1).inputs })));
    model.dispose();
  });

  it('takes a step of a ResNet without a leak', () => {
    const model = build(2, { backbone: { type: 'ResNet', depth: 20, numClasses: 2 } });
    const before = model.stateDict()['backbone.conv1.weight']!.dataSync().slice();
    expectNoLeak(() => disposeTree(model.trainStep(batch(2), descent(model, 0.1))));
    expect(model.stateDict()['backbone.conv1.weight']!.dataSync()).not.toEqual(before);
    expect(model.stateDict()['backbone.layer3.2.bn2.num_batches_tracked']!.dataSync()[0]).toBe(1);
    model.dispose();
  });

  it('names its parts as the checkpoints do', () => {
    const model = build(2, { backbone: { type: 'ResNet', depth: 20, numClasses: 2 } });
    expect(Object.keys(model.stateDict())[0]).toBe('backbone.conv1.weight');
    expect(model.namedParameters().every(([name]) => name.startsWith('backbone.'))).toBe(true);
    model.dispose();
  });

  it('refuses a label that is no class, and a batch without labels', () => {
    const model = build(2);
    const wrong = { ...batch(2), gtLabels: hostArray(new Int32Array([0, 2]), [2]) };
    expect(() => model.trainStep(wrong, descent(model, 0.1))).toThrow(/E_MODEL_LABEL.*2 classes.*label 2/s);
    expect(() => model.trainStep({ inputs: batch(1).inputs }, descent(model, 0.1))).toThrow('gtLabels');
    model.dispose();
  });

  it('takes another loss, and leaves out its ignored label', () => {
    const model = build(2, { loss: { type: 'CrossEntropyLoss', ignoreIndex: 255, labelSmoothing: 0.1 } });
    const some = { ...batch(2), gtLabels: hostArray(new Int32Array([0, 255]), [2]) };
    const logVars = model.trainStep(some, descent(model, 0));
    expect(Number.isFinite((logVars['loss'] as Scalar).dataSync()[0])).toBe(true);
    disposeTree(logVars);
    model.dispose();
    expect(() => new ImageClassifier({} as never)).toThrow('ImageClassifier.backbone');
  });
});
