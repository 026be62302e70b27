import { MODELS } from '@engine/core';
import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { describe, expect, it, vi } from 'vitest';

import {
  assign,
  BatchNorm1d,
  ExponentialMovingAverage,
  Linear,
  MomentumAnnealingEMA,
  Sequential,
  StochasticWeightAverage,
  type BaseAveragedModel,
} from '../index.js';

/** A model of one number, and what an average of it is after each of `values`. */
function trajectory(make: (model: Linear) => BaseAveragedModel, values: readonly number[]): number[] {
  const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  const averaged = make(model);
  const seen = values.map((value) => {
    assign(model.weight, tf.tensor2d([[value]]));
    averaged.updateParameters();
    return averaged.ownState().weight!.dataSync()[0]!;
  });
  averaged.dispose();
  model.dispose();
  return seen;
}

const close = (got: readonly number[], expected: readonly number[]): void =>
  got.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));

describe('averages', () => {
  it('start as a copy and then follow with the momentum', () => {
    const got = trajectory((model) => new ExponentialMovingAverage(model, { momentum: 0.1 }), [1, 2, 5]);
    close(got, [1, 1.1, 0.9 * 1.1 + 0.5]);
  });

  it('anneal the momentum: gamma / (gamma + steps)', () => {
    const got = trajectory(
      (model) => new MomentumAnnealingEMA(model, { momentum: 0.7, gamma: 4 }),
      [1, 2, 3],
    );
    const second = 1 + (4 / 5) * (2 - 1);
    close(got, [1, second, second + 0.7 * (3 - second)]);
  });

  it('are the mean of what was averaged with StochasticWeightAverage, every interval', () => {
    close(
      trajectory((model) => new StochasticWeightAverage(model), [1, 2, 6]),
      [1, 1.5, 3],
    );
    close(
      trajectory((model) => new StochasticWeightAverage(model, { interval: 2 }), [1, 9, 4, 9, 7]),
      [1, 1, 2.5, 2.5, 4],
    );
  });
});

describe('an averaged model', () => {
  const network = (): Sequential =>
    new Sequential({
      modules: [new Linear({ inFeatures: 2, outFeatures: 2 }), new BatchNorm1d({ numFeatures: 2 })],
    } as never);

  it('averages parameters only, or buffers of floating point too; whole numbers stay the model’s', () => {
    const model = network();
    const parameters = new ExponentialMovingAverage(model);
    const all = new ExponentialMovingAverage(model, { updateBuffers: true });
    expect(Object.keys(parameters.ownState())).toEqual(['0.weight', '0.bias', '1.weight', '1.bias']);
    expect(Object.keys(all.ownState()).slice(4)).toEqual(['1.running_mean', '1.running_var']);
    expect(parameters.stateDict()['1.num_batches_tracked']).toBe(model.stateDict()['1.num_batches_tracked']);
    for (const part of [parameters, all, model]) part.dispose();
  });

  it('swaps its values with the model’s and back, copying nothing', () => {
    const model = network();
    const averaged = new ExponentialMovingAverage(model, { momentum: 0.5 });
    averaged.updateParameters();
    assign(model.stateDict()['0.bias']!, tf.tensor1d([3, 5]));
    averaged.updateParameters();
    const bias = (): number[] => [...model.stateDict()['0.bias']!.dataSync()];
    expectNoLeak(() => {
      averaged.swap();
      expect(bias()).not.toEqual([3, 5]);
      expect([...averaged.ownState()['0.bias']!.dataSync()]).toEqual([3, 5]);
      expect(() => averaged.updateParameters()).toThrow('E_AVERAGE_SWAPPED');
      expect(() => averaged.stateDict()).toThrow('E_AVERAGE_SWAPPED');
      averaged.swap();
      expect(bias()).toEqual([3, 5]);
    });
    averaged.dispose();
    expect(bias()).toEqual([3, 5]);
    model.dispose();
  });

  it('runs forward with the averages', async () => {
    const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
    assign(model.weight, tf.tensor2d([[2]]));
    const averaged = new ExponentialMovingAverage(model);
    averaged.updateParameters();
    assign(model.weight, tf.tensor2d([[7]]));
    const x = tf.tensor2d([[1]]);
    expect((averaged.forward(x) as Tensor).dataSync()[0]).toBe(2);
    expect(model.forward(x).dataSync()[0]).toBe(7);
    expect(() => averaged.forward(tf.tensor1d([1, 2, 3]))).toThrow();
    expect(averaged.swapped).toBe(false);
    model.forward = (() => Promise.resolve(model.weight.dataSync()[0])) as never;
    const pending = averaged.forward() as Promise<number>;
    expect([await pending, averaged.swapped]).toEqual([2, false]);
    averaged.dispose();
    model.dispose();
  });

  it('takes a state over, and says what it lacks', () => {
    const model = network();
    const averaged = new ExponentialMovingAverage(model);
    expect(averaged.loadOwnState({ '0.bias': tf.tensor1d([4, 6]) })).toEqual([
      '0.weight',
      '1.weight',
      '1.bias',
    ]);
    expect([...averaged.ownState()['0.bias']!.dataSync()]).toEqual([4, 6]);
    expect(() => averaged.loadOwnState({ '0.bias': tf.tensor1d([4]) })).toThrow('E_STATE_DICT');
    averaged.dispose();
    model.dispose();
  });

  it('updates without leaving tensors behind', () => {
    const model = network();
    const averaged = new MomentumAnnealingEMA(model, { updateBuffers: true });
    expectNoLeak(() => {
      for (let i = 0; i < 5; i++) averaged.updateParameters();
    });
    averaged.dispose();
    model.dispose();
  });

  it.each([
    ['ExponentialMovingAverage', { momentum: 1 }, 'momentum'],
    ['ExponentialMovingAverage', { interval: 0 }, 'interval'],
    ['ExponentialMovingAverage', { decay: 0.9 }, 'decay'],
    ['MomentumAnnealingEMA', { gamma: 0 }, 'gamma'],
    ['StochasticWeightAverage', { momentum: 0.1 }, 'momentum'],
  ])('%s refuses %j', (type, options, name) => {
    const model = network();
    expect(() => MODELS.build({ type, ...options } as never, { args: [model] })).toThrow(name);
    model.dispose();
  });

  it('warns of a momentum that looks like a decay', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const model = network();
    new ExponentialMovingAverage(model, { momentum: 0.999 }).dispose();
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('NEW value'), 'EngineWarning');
    warned.mockRestore();
    model.dispose();
  });
});
