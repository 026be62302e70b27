import { describe, expect, it } from 'vitest';

import {
  adamUpdate,
  clipByGlobalNorm,
  clipByValue,
  expectNoLeak,
  globalNorm,
  sgdUpdate,
  tf,
  type Tensor,
  type Variable,
} from '../index.js';

const variable = (values: number[]): Variable => tf.variable(tf.tensor1d(values));
const near = (tensor: Tensor, expected: number[]): void => {
  tensor.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
};

describe('sgdUpdate', () => {
  it('follows torch.optim.SGD with momentum, dampening and weight decay', () => {
    const p = variable([1, -2]);
    const m = variable([99, 99]);
    const g = tf.tensor1d([0.5, 1]);
    const hyper = { lr: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.01 };
    let [x, y] = [1, -2];
    let [bx, by] = [0, 0];
    for (let step = 0; step < 3; step++) {
      expectNoLeak(() =>
        sgdUpdate({ params: [p], grads: [g], momentumBuffers: [m], ...hyper, first: step === 0 }),
      );
      const [gx, gy] = [0.5 + 0.01 * x!, 1 + 0.01 * y!];
      [bx, by] = step === 0 ? [gx, gy] : [0.9 * bx! + 0.5 * gx, 0.9 * by! + 0.5 * gy];
      [x, y] = [x! - 0.1 * bx, y! - 0.1 * by];
    }
    near(p, [x!, y!]);
    near(m, [bx!, by!]);
  });

  it('looks ahead with nesterov and climbs with maximize', () => {
    const p = variable([1]);
    const m = variable([0]);
    const g = tf.tensor1d([2]);
    sgdUpdate({
      params: [p],
      grads: [g],
      momentumBuffers: [m],
      lr: 0.1,
      momentum: 0.5,
      nesterov: true,
      maximize: true,
      first: true,
    });
    near(p, [1 + 0.1 * (2 + 0.5 * 2)]);
    near(m, [-2]);
  });

  it('does not tie the buffer to the gradient', () => {
    const [p, m] = [variable([1]), variable([0])];
    const g = tf.tensor1d([2]);
    sgdUpdate({ params: [p], grads: [g], momentumBuffers: [m], lr: 0.1, momentum: 0.5, first: true });
    g.dispose();
    near(m, [2]);
  });
});

describe('adamUpdate', () => {
  for (const [decoupled, amsgrad] of [
    [true, false],
    [false, false],
    [true, true],
  ] as const) {
    it(`follows torch.optim.${decoupled ? 'AdamW' : 'Adam'}${amsgrad ? ' with amsgrad' : ''}`, () => {
      const [p, m, v, vmax] = [variable([1]), variable([0]), variable([0]), variable([0])];
      let [x, a, b, largest] = [1, 0, 0, 0];
      for (const [step, gradient] of [
        [1, 0.5],
        [2, -3],
        [3, 0.1],
      ] as const) {
        const g = tf.tensor1d([gradient]);
        expectNoLeak(() =>
          adamUpdate({
            params: [p],
            grads: [g],
            expAvgs: [m],
            expAvgSqs: [v],
            maxExpAvgSqs: [vmax],
            lr: 0.01,
            beta1: 0.8,
            beta2: 0.95,
            eps: 1e-6,
            weightDecay: 0.1,
            step,
            decoupled,
            amsgrad,
          }),
        );
        const grad = decoupled ? gradient : gradient + 0.1 * x;
        if (decoupled) x *= 1 - 0.01 * 0.1;
        a = 0.8 * a + 0.2 * grad;
        b = 0.95 * b + 0.05 * grad * grad;
        largest = Math.max(largest, b);
        const root = Math.sqrt(amsgrad ? largest : b) / Math.sqrt(1 - 0.95 ** step);
        x -= ((0.01 / (1 - 0.8 ** step)) * a) / (root + 1e-6);
      }
      near(p, [x]);
      near(m, [a]);
      near(v, [b]);
    });
  }
});

it('prefers a kernel of the backend, with inputs keyed by place', () => {
  const seen: Record<string, unknown>[] = [];
  tf.registerKernel({
    kernelName: 'EngineSgdUpdate',
    backendName: tf.getBackend() || 'cpu',
    kernelFunc: ({ inputs, attrs }) => {
      seen.push({ inputs: Object.keys(inputs), ...attrs });
      return [];
    },
  });
  try {
    const params = [variable([1]), variable([2])];
    const grads = [tf.tensor1d([1]), tf.tensor1d([1])];
    sgdUpdate({ params, grads, lr: 0.5 });
    expect(seen).toEqual([
      {
        inputs: ['p0', 'g0', 'p1', 'g1'],
        count: 2,
        lr: 0.5,
        momentum: 0,
        dampening: 0,
        nesterov: false,
        weightDecay: 0,
        maximize: false,
        first: false,
      },
    ]);
  } finally {
    tf.unregisterKernel('EngineSgdUpdate', tf.getBackend());
  }
});

describe('clipping', () => {
  const grads = [tf.tensor1d([3, 0]), tf.tensor2d([[4]])];

  it('measures the common norm, of any order', () => {
    near(globalNorm(grads), [5]);
    near(globalNorm(grads, 1), [7]);
    near(globalNorm(grads, Infinity), [4]);
    near(globalNorm([]), [0]);
  });

  it('scales down to the norm, never up', () => {
    const clipped = clipByGlobalNorm(grads, 1);
    near(clipped.norm, [5]);
    near(clipped.grads[0]!, [0.6, 0]);
    near(clipped.grads[1]!, [0.8]);
    near(clipByGlobalNorm(grads, 10).grads[1]!, [4]);
  });

  it('cuts values', () => {
    near(clipByValue(grads, 3.5)[1]!, [3.5]);
  });

  it('leaks nothing', () => {
    expectNoLeak(() => {
      const { grads: clipped, norm } = clipByGlobalNorm(grads, 1);
      tf.dispose([...clipped, norm, ...clipByValue(grads, 1), globalNorm(grads)]);
    });
  });
});
