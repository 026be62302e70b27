import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  isRecomputing,
  Linear,
  Module,
  ReLU,
  Sequential,
  turnOnActivationCheckpointing,
} from './index.js';

beforeAll(async () => void (await tf.setBackend('cpu')));

class Block extends Module {
  conv: Conv2d;
  bn = new BatchNorm2d({ numFeatures: 4 });
  drop = new Dropout({ p: 0.4 });
  calls = 0;

  constructor(inChannels: number) {
    super();
    this.conv = new Conv2d({ inChannels, outChannels: 4, kernelSize: 3, padding: 1 });
  }

  forward(x: Tensor, scale: number): Tensor {
    this.calls++;
    return tf.tidy(() => this.drop.forward(tf.mul(tf.relu(this.bn.forward(this.conv.forward(x))), scale)));
  }
}

class Net extends Module {
  first = new Block(2);
  rest = new Sequential([new Conv2d({ inChannels: 4, outChannels: 4, kernelSize: 3 }), new ReLU()]);
  second = new Block(4);
  head = new Sequential([new Flatten(), new Linear({ inFeatures: 4 * 16, outFeatures: 3 })]);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.second.forward(this.rest.forward(this.first.forward(x, 2)), 0.5));
  }
}

const nets: Net[] = [];
afterAll(() => nets.forEach((net) => net.dispose()));

function make(names?: string | string[]): Net {
  const net = new Net();
  nets.push(net);
  net.initWeights({ seed: 4 });
  if (names) turnOnActivationCheckpointing(net, names);
  return net;
}

/** Two steps: gradients by name and, after them, all buffers and counters of masks. */
function steps(net: Net): { grads: Record<string, number[]>; state: unknown } {
  const grads: Record<string, number[]> = {};
  for (let step = 0; step < 2; step++) {
    const x = tf.randomNormal([3, 6, 6, 2], 0, 1, 'float32', 7 + step);
    const named = net.namedParameters();
    const found = tf.variableGrads(
      () => tf.sum(tf.square(net.forward(x))),
      named.map(([, variable]) => variable),
    );
    named.forEach(([name, variable]) => {
      const grad = found.grads[variable.name];
      if (grad) grads[`${step} ${name}`] = [...grad.dataSync()];
    });
    tf.dispose([x, found.value, ...Object.values(found.grads)]);
  }
  const buffers = net.namedBuffers().map(([name, variable]) => [name, [...variable.dataSync()]]);
  return { grads, state: { buffers, extra: net.extraState() } };
}

describe('activation checkpointing', () => {
  it('gives the same gradients, statistics and masks, bit for bit', () => {
    const plain = steps(make());
    expect(Object.keys(plain.grads)).toHaveLength(2 * 12);
    for (const names of ['first', ['first', 'second'], ['*'], ['second.bn', 'rest', 'second']]) {
      expect(steps(make(names))).toEqual(plain);
    }
  });

  it('computes a second time for gradients only', () => {
    const net = make('first');
    steps(net);
    expect([net.first.calls, net.second.calls]).toEqual([4, 2]);
    tf.tidy(() => net.forward(tf.zeros([1, 6, 6, 2])));
    expect([net.first.calls, net.second.calls]).toEqual([5, 3]);
    expect(isRecomputing()).toBe(false);
  });

  it('keeps less between forward and backward, and nothing after', () => {
    const held = (net: Net): number => {
      let bytes = 0;
      const x = tf.ones([8, 6, 6, 2]);
      const { value, grads } = tf.variableGrads(() => {
        const y = tf.sum(net.forward(x as Tensor));
        bytes = tf.memory().numBytes;
        return y as never;
      });
      tf.dispose([x, value, ...Object.values(grads)]);
      return bytes;
    };
    expect(held(make(['first', 'second']))).toBeLessThan(held(make()) * 0.8);
    const net = make(['first', 'second']);
    expectNoLeak(() => void steps(net));
  });

  it('leaves frozen parameters without gradients, and goes through modules that are all frozen', () => {
    const freeze = (net: Net): Net => {
      net.freeze('second');
      net.freeze('first.conv.weight');
      return net;
    };
    const trained = (net: Net): object => {
      const x = tf.ones([2, 6, 6, 2]);
      const variables = net.parameters().filter((variable) => variable.trainable);
      const found = tf.variableGrads(() => tf.sum(net.forward(x as Tensor)) as never, variables);
      const values = variables.map((variable) => [...found.grads[variable.name]!.dataSync()]);
      tf.dispose([x, found.value, ...Object.values(found.grads)]);
      return values;
    };
    expect(trained(freeze(make(['first', 'second'])))).toEqual(trained(freeze(make())));
  });

  it('is told once per module, and refuses names and modules that cannot be', () => {
    const net = make();
    expect(turnOnActivationCheckpointing(net, ['rest.*', 'first'])).toEqual(['rest.0', 'rest.1', 'first']);
    expect(turnOnActivationCheckpointing(net, 'rest.0')).toEqual([]);
    expect(() => turnOnActivationCheckpointing(net, 'frist')).toThrow(/E_MODULE_NAME.*\n.*\n.*\n.*'first'/);
    class Pair extends Module {
      forward(x: Tensor): Map<string, Tensor> {
        return new Map([['x', x]]);
      }
    }
    class Outer extends Module {
      pair = new Pair();
      linear = new Linear({ inFeatures: 1, outFeatures: 1 });
      forward(x: Tensor): Tensor {
        return this.pair.forward(this.linear.forward(x)).get('x')!;
      }
    }
    const outer = new Outer();
    turnOnActivationCheckpointing(outer, 'pair');
    const x = tf.ones([1, 1]);
    expect(() => tf.variableGrads(() => tf.sum(outer.forward(x)) as never)).toThrow(/E_MODULE_CHECKPOINT/);
  });

  it('goes through modules that take and return objects and lists of tensors', () => {
    interface Maps {
      scaled: Tensor[];
      classes: Tensor;
      same: Tensor;
      note: string;
    }
    class Fork extends Module {
      conv = new Conv2d({ inChannels: 2, outChannels: 3, kernelSize: 3 });
      drop = new Dropout({ p: 0.5 });
      forward({ maps: [x] }: { maps: [Tensor, number] }): Maps {
        const y = this.drop.forward(this.conv.forward(x));
        return { scaled: [tf.mul(y, 2), tf.exp(y), y], classes: tf.argMax(y, -1), same: x, note: 'kept' };
      }
    }
    class Forked extends Module {
      fork = new Fork();
      forward(x: Tensor): Tensor {
        const { scaled, classes, same, note } = this.fork.forward({ maps: [x, 1] });
        expect(note).toBe('kept');
        const chosen = tf.oneHot(tf.cast(classes, 'int32'), 3);
        // The second of the list is read by nothing.
        return tf.add(tf.sum(tf.mul(tf.mul(scaled[0]!, chosen), scaled[2]!)), tf.sum(tf.pow(same, 3)));
      }
    }
    const run = (checkpoint: boolean): number[][] => {
      const net = new Forked();
      net.initWeights({ seed: 1 });
      if (checkpoint) turnOnActivationCheckpointing(net, 'fork');
      const x = tf.tidy(() => tf.variable(tf.randomNormal([2, 5, 5, 2], 0, 1, 'float32', 3)));
      const wanted = [x, ...net.parameters()];
      const { value, grads } = tf.variableGrads(() => net.forward(x) as tf.Scalar, wanted);
      const found = wanted.map(({ name }) => [...grads[name]!.dataSync()]);
      tf.dispose([value, x, ...Object.values(grads)]);
      net.dispose();
      return found;
    };
    expect(run(true)).toEqual(run(false));
    expectNoLeak(() => void run(true));
  });
});
