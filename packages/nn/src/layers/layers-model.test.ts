import * as tfjs from '@tensorflow/tfjs';
import { sgdUpdate, tf, type Scalar, type Tensor, type Variable } from '@engine/tensor';
import { describe, expect, it } from 'vitest';

import { LayersModelModule, Sequential, crossEntropy } from '../index.js';

function model(): tfjs.Sequential {
  const net = tfjs.sequential();
  net.add(
    tfjs.layers.dense({
      units: 8,
      inputShape: [4],
      activation: 'relu',
      kernelInitializer: tfjs.initializers.glorotNormal({ seed: 1 }),
    }),
  );
  net.add(tfjs.layers.batchNormalization({}));
  net.add(tfjs.layers.dense({ units: 3, kernelInitializer: tfjs.initializers.glorotNormal({ seed: 2 }) }));
  return net;
}

describe('LayersModelModule', () => {
  it('names weights by place, whatever numbers tfjs gave them', () => {
    const names = (): string[] => Object.keys(new LayersModelModule({ model: model() }).stateDict());
    expect(names()).toEqual([
      'layers.0.kernel',
      'layers.0.bias',
      'layers.1.gamma',
      'layers.1.beta',
      'layers.1.moving_mean',
      'layers.1.moving_variance',
      'layers.2.kernel',
      'layers.2.bias',
    ]);
    expect(names()).toEqual(names());
    const module = new LayersModelModule({ model: model() });
    expect(module.paramRefs().map((ref) => [ref.name, ref.ownerKind])).toEqual([
      ['layers.0.kernel', 'linear'],
      ['layers.0.bias', 'linear'],
      ['layers.1.gamma', 'norm'],
      ['layers.1.beta', 'norm'],
      ['layers.2.kernel', 'linear'],
      ['layers.2.bias', 'linear'],
    ]);
  });

  it('trains as a child of a module, unchanged, and keeps its own initial values', () => {
    const inner = model();
    const before = inner.getWeights().map((weight) => Array.from(weight.dataSync()));
    const net = new Sequential([new LayersModelModule({ model: inner }), { type: 'Identity' }]);
    net.initWeights({ seed: 1 });
    expect(inner.getWeights().map((weight) => Array.from(weight.dataSync()))).toEqual(before);
    const x = tf.tensor2d([
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [1, 1, 0, 0],
      [0, 1, 1, 0],
      [1, 0, 1, 0],
    ]);
    const labels = tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32');
    const step = (): number =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(
          () => crossEntropy(net.forward(x), labels) as Scalar,
          net.parameters(),
        );
        const refs = net.paramRefs();
        sgdUpdate({
          params: refs.map((ref) => ref.variable),
          grads: refs.map((ref) => grads[ref.variable.name] as Tensor),
          lr: 0.5,
        });
        return value.dataSync()[0]! as never;
      }) as unknown as number;
    const first = step();
    let last = first;
    for (let i = 0; i < 20; i++) last = step();
    expect(last).toBeLessThan(first / 4);
    const moved = net.stateDict()['0.layers.1.moving_mean'] as Variable;
    expect(Array.from(moved.dataSync()).some((value) => value !== 0)).toBe(true);
    const predicted = inner.predict(x) as Tensor;
    const ours = net.eval().forward(x);
    expect(Array.from(ours.dataSync())).toEqual(Array.from(predicted.dataSync()));
  });

  it('takes a single built layer, and refuses one that is not built', () => {
    const dense = tfjs.layers.dense({ units: 2 });
    expect(() => new LayersModelModule({ model: dense })).toThrow('call layer.build(inputShape) first');
    dense.build([null, 3]);
    const module = new LayersModelModule({ model: dense });
    expect(Object.keys(module.stateDict())).toEqual(['layers.0.kernel', 'layers.0.bias']);
    expect(module.forward(tf.ones([5, 3])).shape).toEqual([5, 2]);
    expect(() => new LayersModelModule({ model: {} as never })).toThrow('LayersModelModule.model');
  });
});
