import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import {
  BatchNorm2d,
  Conv2d,
  ConvTranspose2d,
  fuseConvBn,
  Module,
  ReLU,
  Sequential,
  turnOnActivationCheckpointing,
  turnOnEfficientConvBnEval,
} from '../index.js';
import { findPairs } from './find-pairs.js';

beforeAll(async () => void (await tf.setBackend('cpu')));

const nets: Module[] = [];
afterAll(() => nets.forEach((net) => net.dispose()));

/** Every kind of pair, and three convolutions that are none. */
class Net extends Module {
  conv1 = new Conv2d({ inChannels: 2, outChannels: 4, kernelSize: 3, padding: 1 });
  bn1 = new BatchNorm2d({ numFeatures: 4 });
  grouped = new Sequential([
    new Conv2d({ inChannels: 4, outChannels: 4, kernelSize: 3, groups: 2, bias: false }),
    new BatchNorm2d({ numFeatures: 4, affine: false, eps: 0.1 }),
    new ReLU(),
  ]);
  depthwise = new Conv2d({ inChannels: 4, outChannels: 4, kernelSize: 3, padding: 1, groups: 4 });
  bn2 = new BatchNorm2d({ numFeatures: 4 });
  up = new ConvTranspose2d({ inChannels: 4, outChannels: 6, kernelSize: 2, stride: 2, groups: 2 });
  bn3 = new BatchNorm2d({ numFeatures: 6 });
  /** Read by an addition too. */
  twice = new Conv2d({ inChannels: 6, outChannels: 6, kernelSize: 1 });
  bn4 = new BatchNorm2d({ numFeatures: 6 });
  /** Uses the statistics of the batch even in evaluation. */
  conv5 = new Conv2d({ inChannels: 6, outChannels: 3, kernelSize: 1 });
  bn5 = new BatchNorm2d({ numFeatures: 3, trackRunningStats: false });
  /** Handed out as it is. */
  last = new Conv2d({ inChannels: 3, outChannels: 2, kernelSize: 1 });
  bn6 = new BatchNorm2d({ numFeatures: 2 });

  forward(x: Tensor, mode: 'sum' | 'maps' = 'sum'): Tensor | Tensor[] {
    let y = this.bn1.forwardRelu(this.conv1.forward(x));
    y = this.grouped.forward(y);
    y = this.bn2.forward(this.depthwise.forward(y));
    y = this.bn3.forward(this.up.forward(y));
    const z = this.twice.forward(y);
    y = this.bn5.forward(this.conv5.forward(tf.add(this.bn4.forward(z), z)));
    const logits = this.last.forward(y);
    const found = this.bn6.forward(logits);
    return mode === 'maps' ? [logits, found] : tf.sum(tf.pow(tf.add(found, 1), 3));
  }
}

const PAIRS = ['conv1', 'depthwise', 'grouped.0', 'last', 'up'];

function make(): Net {
  const net = new Net();
  nets.push(net);
  net.initWeights({ seed: 3 });
  net.namedBuffers().forEach(([name, variable], i) => {
    if (name.includes('tracked')) return;
    const range = name.endsWith('var') ? [0.3, 2] : [-1, 1];
    variable.assign(tf.randomUniform(variable.shape, range[0], range[1], 'float32', i + 1));
  });
  net.namedParameters().forEach(([name, variable], i) => {
    if (name.startsWith('bn')) variable.assign(tf.randomUniform(variable.shape, 0.5, 1.5, 'float32', 50 + i));
  });
  return net.eval();
}

const image = (): Tensor => tf.randomNormal([2, 6, 6, 2], 0, 1, 'float32', 9);

/** Value and gradients by name of a few forward passes (the first is watched). */
function results(net: Net): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (let pass = 0; pass < 2; pass++) {
    tf.tidy(() => {
      const named = net.namedParameters();
      const { value, grads } = tf.variableGrads(
        () => net.forward(image()) as tf.Scalar,
        named.map(([, variable]) => variable),
      );
      found[`${pass} value`] = [...value.dataSync()];
      for (const [name, variable] of named) {
        if (grads[variable.name]) found[`${pass} ${name}`] = [...grads[variable.name]!.dataSync()];
      }
      (net.forward(image(), 'maps') as Tensor[]).forEach(
        (map, i) => (found[`${pass} ${i}`] = [...map.dataSync()]),
      );
    });
  }
  return found;
}

function near(received: Record<string, number[]>, expected: Record<string, number[]>): void {
  expect(Object.keys(received)).toEqual(Object.keys(expected));
  // Some gradients are zero but for rounding: before statistics of the batch no shift matters.
  const grads = Object.entries(expected).flatMap(([key, values]) => (key.endsWith('value') ? [] : values));
  const least = 0.05 * Math.max(...grads.map(Math.abs));
  for (const [key, values] of Object.entries(expected)) {
    const size = Math.max(least, ...values.map(Math.abs));
    values.forEach((value, i) =>
      expect(
        Math.abs(received[key]![i]! - value) / size,
        `${key} ${i}: ${received[key]![i]} for ${value}`,
      ).toBeLessThan(2e-4),
    );
  }
}

/** How many times each batch norm normalised. */
function watchNorms(net: Net): () => string[] {
  const spies = net
    .namedModules()
    .flatMap(([name, module]) =>
      module instanceof BatchNorm2d
        ? [[name, vi.spyOn(module as unknown as { normalize(): void }, 'normalize')] as const]
        : [],
    );
  return () => spies.flatMap(([name, spy]) => (spy.mock.calls.length > 0 ? [name] : [])).sort();
}

describe('pairs of convolution and batch norm', () => {
  it('are those where nothing else reads what the convolution makes', () => {
    const net = make();
    const names = new Map(net.namedModules().map(([name, module]) => [module, name]));
    const found = tf.tidy(() => findPairs(net, () => net.forward(image())).pairs as never) as unknown as Map<
      Module,
      Module
    >;
    expect([...found.keys()].map((conv) => names.get(conv)).sort()).toEqual(PAIRS);
    const maps = tf.tidy(
      () => findPairs(net, () => net.forward(image(), 'maps')).pairs as never,
    ) as unknown as Map<Module, Module>;
    expect(maps.has(net.last)).toBe(false);
    expect(maps.size).toBe(4);
    // Watching leaves nothing behind.
    expect(Object.hasOwn(net.conv1, 'forward') || Object.hasOwn(tf.engine(), 'runKernelFunc')).toBe(false);
  });
});

describe('efficientConvBnEval', () => {
  it('gives the same results and gradients in evaluation mode, without the batch norms', () => {
    const net = make();
    expect(turnOnEfficientConvBnEval(net)).toEqual(['']);
    near(results(net), results(make()));
    const normalising = watchNorms(net);
    tf.tidy(() => net.forward(image()));
    expect(normalising()).toEqual(['bn4', 'bn5']);
    tf.tidy(() => net.forward(image(), 'maps'));
    expect(normalising()).toEqual(['bn4', 'bn5', 'bn6']);
    expect(turnOnEfficientConvBnEval(net)).toEqual([]);
  });

  it('leaves training as it is, bit for bit', () => {
    const [plain, net] = [make(), make()];
    turnOnEfficientConvBnEval(net);
    expect(results(net.train())).toEqual(results(plain.train()));
    const buffers = (of: Net): number[][] =>
      of.namedBuffers().map(([, variable]) => [...variable.dataSync()]);
    expect(buffers(net)).toEqual(buffers(plain));
    expect(Object.keys(net.stateDict())).toEqual(Object.keys(plain.stateDict()));
  });

  it('folds where the norm is frozen and nowhere else while training, and only in the modules named', () => {
    const tuned = (net: Net): Net => {
      net.train();
      net.bn1.eval();
      net.grouped.eval();
      return net;
    };
    const net = tuned(make());
    expect(() => turnOnEfficientConvBnEval(net, ['groupd'])).toThrow(/E_MODULE_NAME[^]*'grouped'/);
    expect(turnOnEfficientConvBnEval(net, 'grouped')).toEqual(['grouped']);
    near(results(net), results(tuned(make())));
    const normalising = watchNorms(net);
    tf.tidy(() => net.forward(image()));
    expect(normalising()).not.toContain('grouped.1');
    expect(normalising()).toContain('bn1');
  });

  it('goes together with activation checkpointing, which repeats what was folded', () => {
    const net = make();
    turnOnActivationCheckpointing(net, ['grouped', 'up']);
    turnOnEfficientConvBnEval(net);
    const plain = make();
    turnOnEfficientConvBnEval(plain);
    near(results(net), results(plain));
  });

  it('leaks nothing', () => {
    const net = make();
    turnOnEfficientConvBnEval(net);
    expectNoLeak(() => void results(net));
  });
});

describe('fuseConvBn', () => {
  it('folds for good, keeps results, and says so in the state dict', () => {
    const [net, plain] = [make(), make()];
    const found = fuseConvBn(net, () => net.forward(image()));
    expect(found.map(([conv]) => conv).sort()).toEqual(PAIRS);
    expect(found).toContainEqual(['grouped.0', 'grouped.1']);
    const value = (of: Net): number => tf.tidy(() => (of.forward(image()) as Tensor).dataSync()[0]!);
    expect(value(net) / value(plain)).toBeCloseTo(1, 4);
    const normalising = watchNorms(net);
    value(net);
    expect(normalising()).toEqual(['bn4', 'bn5']);

    // Another network of the same layers computes the same from the state dict, its batch norms being neutral.
    const state = net.stateDict();
    expect(Object.keys(state)).toContain('grouped.0.bias');
    const other = make();
    fuseConvBn(other, () => other.forward(image()));
    other.loadStateDict(state, { strict: true });
    expect(value(other)).toBe(value(net));
    expectNoLeak(() => void value(net));
  });

  it('leaves a norm that reads anything else', () => {
    class Shared extends Module {
      conv = new Conv2d({ inChannels: 2, outChannels: 2, kernelSize: 1 });
      bn = new BatchNorm2d({ numFeatures: 2 });
      forward(x: Tensor): Tensor {
        return tf.add(this.bn.forward(this.conv.forward(x)), this.bn.forward(x));
      }
    }
    const net = new Shared().eval();
    nets.push(net);
    expect(fuseConvBn(net, () => net.forward(image()))).toEqual([]);
  });
});
