import {
  addRelu,
  adamUpdate,
  batchNormEval,
  batchNormTrain,
  relu,
  sgdUpdate,
  softmaxCrossEntropy,
  tf,
  type Tensor,
  type Tensor4D,
} from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { expectClose, expectLikeCpu, onWasm, random, type HostTensor } from './conformance.fixture.js';

const int32 = (values: number[], shape = [values.length]): HostTensor => ({
  shape,
  values: Int32Array.from(values),
});

/** Gradients of a sum weighted with fixed random numbers, so that no element's gradient is like another's. */
function grads(fn: (...given: Tensor[]) => Tensor, inputs: Tensor[]): Tensor[] {
  return tf.grads((...given: Tensor[]) => {
    const y = fn(...given);
    return tf.sum(tf.mul(y, tf.tensor(random('weights', y.shape).values, y.shape)));
  })(inputs);
}

describe('batch norm', () => {
  it.each([
    [[64, 16], false],
    [[3, 5, 7, 10], false],
    [[3, 5, 7, 10], true],
    [[20, 16, 16, 33], true],
    [[6, 3], true],
    [[2, 1, 1, 1], false],
  ] as [number[], boolean][])(
    '%j with relu %s: output, statistics and gradients',
    async (shape, withRelu) => {
      const channels = [shape.at(-1)!];
      const inputs = [random('x', shape), random('gamma', channels), random('beta', channels)];
      await expectLikeCpu(
        inputs,
        ([x, gamma, beta]) => {
          const { y, mean, invStd, variance } = batchNormTrain(x!, gamma!, beta!, {
            relu: withRelu,
            epsilon: 1e-3,
          });
          const back = grads(
            (a, b, c) => batchNormTrain(a!, b!, c!, { relu: withRelu, epsilon: 1e-3 }).y,
            [x!, gamma!, beta!],
          );
          return [y, mean, invStd, variance, ...back];
        },
        { tolerance: 5e-5 },
      );
    },
  );

  it('keeps its precision where the mean is large', async () => {
    const x = random('x', [512, 4]);
    const shifted = { ...x, values: x.values.map((v) => Math.fround(v + 3000)) };
    const ones = { shape: [4], values: Float32Array.of(1, 1, 1, 1) };
    const zeros = { shape: [4], values: new Float32Array(4) };
    const [, variance] = await onWasm(2, [shifted, ones, zeros], ([a, g, b]) => {
      const result = batchNormTrain(a!, g!, b!);
      return [result.y, result.variance];
    });
    const expected = [0, 1, 2, 3].map((c) => {
      const column = Array.from({ length: 512 }, (_, r) => shifted.values[r * 4 + c]!);
      const mean = column.reduce((a, b) => a + b) / 512;
      return column.reduce((a, b) => a + (b - mean) ** 2, 0) / 512;
    });
    expectClose([variance!], [{ shape: [4], values: Float32Array.from(expected) }], 1e-3);
  });

  it('with given statistics', async () => {
    const inputs = [random('x', [4, 5, 9]), ...['g', 'b', 'm', 'v'].map((name) => random(name, [9]))];
    await expectLikeCpu(inputs, ([x, g, b, mean, v]) =>
      batchNormEval(x!, g!, b!, { mean: mean!, variance: tf.abs(v!) }),
    );
  });
});

describe('softmax cross-entropy', () => {
  it.each([
    [0, 10],
    [0.1, 10],
    [0.3, 3],
    [0, 1001],
  ])('label smoothing %f over %i classes, with an ignored row', async (labelSmoothing, classes) => {
    const logits = random('logits', [9, classes]);
    const wide = { ...logits, values: logits.values.map((v) => v * 20) };
    const labels = int32([0, 1, 2, -100, 1, 0, 2, 2, classes - 1]);
    await expectLikeCpu([wide, labels], ([x, y]) => {
      const loss = (a: Tensor): Tensor => softmaxCrossEntropy(a, y!, { labelSmoothing, reduction: 'none' });
      return [loss(x!), ...grads(loss, [x!])];
    });
  });

  it('survives logits whose exponentials overflow', async () => {
    const logits = { shape: [2, 3], values: Float32Array.of(1000, 0, -1000, -500, 500, 499) };
    const [loss] = await onWasm(1, [logits, int32([0, 2])], ([x, y]) =>
      softmaxCrossEntropy(x!, y!, { reduction: 'none' }),
    );
    expectClose([loss!], [{ shape: [2], values: Float32Array.of(0, Math.log(1 + Math.E)) }]);
  });
});

describe('element by element', () => {
  it.each([[[1]], [[3, 5]], [[70, 1001]]])('%j', async (shape) => {
    await expectLikeCpu([random('a', shape), random('b', shape)], ([a, b]) => [
      relu(a!),
      tf.relu(a!),
      addRelu(a!, b!),
      tf.add(a!, b!),
      tf.sub(a!, b!),
      tf.mul(a!, b!),
      ...grads((x, y) => addRelu(x!, y!), [a!, b!]),
      ...grads((x) => relu(x!), [a!]),
    ]);
  });

  it('leaves broadcasting and other types to tfjs', async () => {
    await expectLikeCpu([random('a', [4, 3]), random('b', [3]), int32([1, -2, 3])], ([a, b, c]) => [
      tf.add(a!, b!),
      tf.mul(c!, c!),
      tf.relu(c!),
    ]);
  });
});

describe('gradients of pooling', () => {
  it.each([
    [2, 2, 'valid'],
    [3, 2, 'same'],
    [3, 1, 1],
  ] as const)('maximum of %i with stride %i and padding %s', async (size, stride, pad) => {
    await expectLikeCpu([random('x', [2, 9, 8, 5])], (inputs) =>
      grads((x) => tf.maxPool(x as Tensor4D, size, stride, pad), inputs),
    );
  });

  it('average without padding', async () => {
    await expectLikeCpu([random('x', [2, 8, 8, 5])], (inputs) =>
      grads((x) => tf.avgPool(x as Tensor4D, 2, 2, 'valid'), inputs),
    );
  });

  it('average with padding is the gradient of the forward pass (finite differences)', async () => {
    const x = random('x', [1, 5, 5, 2]);
    const [analytic, numeric] = await onWasm(1, [x], (inputs) => {
      const pool = (given: Tensor): Tensor => tf.avgPool(given as Tensor4D, 3, 2, 'same');
      const weights = random('weights', [1, 3, 3, 2]).values;
      const loss = (values: Float32Array): number => {
        const y = pool(tf.tensor(values, [1, 5, 5, 2])).dataSync();
        return Array.from(y).reduce((sum, v, i) => sum + v * weights[i]!, 0);
      };
      const differences = Array.from(x.values, (_, i) => {
        const at = (delta: number): number =>
          loss(Float32Array.from(x.values, (v, j) => (i === j ? v + delta : v)));
        return at(0.5) - at(-0.5);
      });
      return [grads(pool as never, inputs)[0]!, tf.tensor(differences, [1, 5, 5, 2])];
    });
    expectClose([analytic!], [numeric!], 1e-4);
  });
});

describe('gather', () => {
  it('has a gradient that adds up repeated rows', async () => {
    const indices = int32([3, 0, 3, 6, 3, 1]);
    await expectLikeCpu([random('table', [7, 10]), indices], ([table, rows]) =>
      grads((t) => tf.gather(t!, rows as never), [table!]),
    );
  });

  it('sums segments, leaving out rows out of range', async () => {
    const [sums] = await onWasm(2, [random('x', [3, 2]), int32([1, 5, 1])], ([x, ids]) =>
      tf.unsortedSegmentSum(x!, ids as never, 3),
    );
    const { values: v } = random('x', [3, 2]);
    expectClose(
      [sums!],
      [{ shape: [3, 2], values: Float32Array.of(0, 0, v[0]! + v[4]!, v[1]! + v[5]!, 0, 0) }],
    );
  });
});

const SHAPES = [[3], [40, 500], [7, 7]];

/** Three steps on tensors small and large; returns parameters and state. */
function steps(
  update: (p: tf.Variable[], g: Tensor[], state: tf.Variable[][], step: number) => void,
  slots: number,
) {
  return (): Tensor[] => {
    const make = (name: string): tf.Variable[] =>
      SHAPES.map((shape, i) => tf.variable(tf.tensor(random(`${name}${i}`, shape).values, shape)));
    const params = make('p');
    const state = Array.from({ length: slots }, () => SHAPES.map((shape) => tf.variable(tf.zeros(shape))));
    for (let step = 1; step <= 3; step++) {
      const gradients = make(`g${step} `);
      update(params, gradients, state, step);
      tf.dispose(gradients);
    }
    const all = [...params, ...state.flat()];
    const results = all.map((variable) => variable.clone());
    tf.dispose(all);
    return results;
  };
}

describe('optimizer steps in place', () => {
  it.each([
    {},
    { momentum: 0.9 },
    { momentum: 0.9, weightDecay: 0.01 },
    { momentum: 0.8, nesterov: true, weightDecay: 0.1 },
    { momentum: 0.8, dampening: 0.3, maximize: true },
  ])('SGD %j', async (options) => {
    const slots = 'momentum' in options ? 1 : 0;
    await expectLikeCpu(
      [],
      steps(
        (params, grads_, [momentumBuffers], step) =>
          sgdUpdate({ params, grads: grads_, momentumBuffers, lr: 0.1, first: step === 1, ...options }),
        slots,
      ),
    );
  });

  it.each([
    {},
    { weightDecay: 0.1 },
    { weightDecay: 0.1, decoupled: false, maximize: true },
    { amsgrad: true, beta1: 0.8, beta2: 0.9, eps: 1e-3 },
  ])('Adam %j', async (options) => {
    await expectLikeCpu(
      [],
      steps(
        (params, grads_, [expAvgs, expAvgSqs, maxExpAvgSqs], step) =>
          adamUpdate({
            params,
            grads: grads_,
            expAvgs: expAvgs!,
            expAvgSqs: expAvgSqs!,
            maxExpAvgSqs,
            lr: 0.01,
            step,
            ...options,
          }),
        3,
      ),
      { tolerance: 2e-5 },
    );
  });
});

it('compares something: a wrong result is not close', () => {
  const one = { shape: [2], values: Float32Array.of(1, 2) };
  const other = { shape: [2], values: Float32Array.of(1, 2.1) };
  const broken = { shape: [2], values: Float32Array.of(NaN, 2) };
  expect(() => expectClose([other], [one])).toThrow();
  expect(() => expectClose([broken], [one])).toThrow();
});
