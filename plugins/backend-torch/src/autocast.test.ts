import {
  adaptiveAvgPool2d,
  addRelu,
  autocast,
  autocastDtypes,
  batchNormEval,
  batchNormTrain,
  conv2d,
  dropout,
  expectNoLeak,
  gelu,
  layerNorm,
  linear,
  relu,
  requireAutocast,
  selfAttention,
  sgdUpdate,
  softmaxCrossEntropy,
  tf,
  toFloat32,
  unscaleGradients,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { storageDtype } from './index.js';
import { native } from './native.js';
import { distance, draw, missing, useTorch, values } from './torch.fixture.js';

/** The nearest bfloat16, ties to even, by its definition. */
function rounded(value: number): number {
  const [bits] = new Uint32Array(new Float32Array([value]).buffer);
  const low = bits! & 0xffff;
  let high = bits! >>> 16;
  if (low > 0x8000 || (low === 0x8000 && (high & 1) === 1)) high++;
  return new Float32Array(new Uint32Array([(high << 16) >>> 0]).buffer)[0]!;
}

/** A narrow tensor of [N, H, W, C]: a convolution by the identity. */
function narrow(x: Tensor): Tensor {
  return tf.tidy(() => {
    const c = x.shape[3]!;
    return autocast('bfloat16', () => conv2d(x, tf.reshape(tf.eye(c), [1, 1, c, c])));
  });
}

const dtypes = (...tensors: Tensor[]): string[] => tensors.map(storageDtype);

describe.skipIf(missing)('autocast', () => {
  beforeAll(useTorch);

  it('stores what convolutions and products give in bfloat16, and reads it as float32', async () => {
    const x = draw([2, 5, 5, 3], 'x');
    const y = narrow(x);
    expect(dtypes(x, y)).toEqual(['float32', 'bfloat16']);
    expect(y.dtype).toBe('float32');
    const read = y.dataSync();
    expect(read).toBeInstanceOf(Float32Array);
    expect(Array.from(read)).toEqual(values(x).map(rounded));
    expect(await y.data()).toEqual(read);
    tf.dispose([x, y]);
  });

  it('infinities and NaN stay what they are', () => {
    tf.tidy(() => {
      const x = tf.mul(narrow(tf.tensor4d([2, -2, 0, 3], [1, 1, 4, 1])), Infinity);
      expect(values(x)).toEqual([Infinity, -Infinity, NaN, Infinity]);
      const sum = addRelu(x, tf.zerosLike(x));
      expect(dtypes(sum)).toEqual(['bfloat16']);
      expect(values(sum)).toEqual([Infinity, 0, 0, Infinity]);
      const { y } = batchNormTrain(x, tf.ones([1]), tf.zeros([1]));
      expect(dtypes(y)).toEqual(['bfloat16']);
      expect(values(y)).toEqual([NaN, NaN, NaN, NaN]);
    });
  });

  it('activations flow on as they are stored', () => {
    tf.tidy(() => {
      const a = narrow(draw([2, 4, 4, 6], 'a'));
      const b = narrow(draw([2, 4, 4, 6], 'b'));
      const ones = tf.ones([6]);
      const zeros = tf.zeros([6]);
      expect(
        dtypes(
          relu(a),
          tf.relu(a),
          gelu(a),
          tf.add(a, b),
          tf.mul(a, 2),
          addRelu(a, b),
          tf.mean(a, [1, 2]),
          tf.maxPool(a as Tensor4D, 2, 2, 0),
          tf.avgPool(a as Tensor4D, 2, 2, 0),
          adaptiveAvgPool2d(a, [2, 2]),
          dropout(a, { p: 0.5, key: [1, 2], call: 0 }),
          tf.concat([a, b], 3),
          tf.reshape(a, [2, 96]),
          tf.transpose(a, [0, 3, 1, 2]),
          batchNormTrain(a, ones, zeros).y,
          batchNormTrain(a, ones, zeros, { relu: true }).y,
          batchNormEval(a, ones, zeros, { mean: zeros, variance: ones }),
          linear(a, draw([6, 4], 'w'), tf.zeros([4])),
        ),
      ).toEqual(new Array(18).fill('bfloat16'));
    });
  });

  it('what is sensitive is float32, and the wider type wins', () => {
    tf.tidy(() => {
      const a = narrow(draw([2, 4, 4, 6], 'a'));
      const wide = draw([2, 4, 4, 6], 'wide');
      const rows = tf.reshape(a, [32, 6]);
      const labels = tf.zeros([32], 'int32');
      const { mean, variance } = batchNormTrain(a, tf.ones([6]), tf.zeros([6]));
      expect(
        dtypes(
          tf.exp(a),
          tf.softmax(a),
          tf.sum(a),
          tf.pow(a, 2),
          softmaxCrossEntropy(rows, labels),
          layerNorm(rows, tf.ones([6]), tf.zeros([6])),
          mean,
          variance,
          tf.add(a, wide),
          addRelu(a, wide),
          tf.concat([a, wide], 3),
          tf.where(tf.greater(a, 0), a, wide),
          toFloat32(a),
        ),
      ).toEqual(new Array(13).fill('float32'));
      // In float32 from the first bit on: what one gets from the widened logits.
      expect(values(softmaxCrossEntropy(rows, labels))).toEqual(
        values(softmaxCrossEntropy(toFloat32(rows), labels)),
      );
    });
  });

  it('narrow batch norm is the float32 one, rounded', () => {
    tf.tidy(() => {
      const x = narrow(draw([8, 16, 16, 24], 'x'));
      const gamma = draw([24], 'gamma');
      const beta = draw([24], 'beta');
      for (const withRelu of [false, true]) {
        const run = (input: Tensor) => batchNormTrain(input, gamma, beta, { relu: withRelu });
        const [low, full] = [run(x), run(toFloat32(x))];
        expect(values(low.mean)).toEqual(values(full.mean));
        expect(values(low.variance)).toEqual(values(full.variance));
        expect(values(low.y)).toEqual(values(full.y).map(rounded));
        const dy = narrow(draw([8, 16, 16, 24], 'dy'));
        const slopes = (input: Tensor, given: Tensor): Tensor[] => {
          const f = (a: Tensor, b: Tensor, c: Tensor): Tensor =>
            batchNormTrain(a, b, c, { relu: withRelu }).y;
          return tf.grads(f)([input, gamma, beta], given);
        };
        const received = slopes(x, dy);
        const expected = slopes(toFloat32(x), toFloat32(dy));
        expect(dtypes(...received)).toEqual(['bfloat16', 'float32', 'float32']);
        expect(values(received[1]!)).toEqual(values(expected[1]!));
        expect(values(received[2]!)).toEqual(values(expected[2]!));
        expect(values(received[0]!)).toEqual(values(expected[0]!).map(rounded));
      }
    });
  });

  it('gradients have the types of what they belong to', () => {
    tf.tidy(() => {
      const x = narrow(draw([2, 4, 4, 6], 'x'));
      const image = draw([2, 4, 4, 6], 'image');
      const filter = draw([3, 3, 6, 5], 'filter');
      const bias = draw([5], 'bias');
      const f = (a: Tensor, w: Tensor, b: Tensor): Tensor =>
        autocast('bfloat16', () => tf.sum(tf.square(conv2d(a, w, { bias: b, pads: [1, 1, 1, 1] }))));
      const g = (a: Tensor, w: Tensor, b: Tensor): Tensor =>
        tf.sum(tf.square(conv2d(a, w, { bias: b, pads: [1, 1, 1, 1] })));
      expect(dtypes(...tf.grads(f as never)([x, filter, bias]))).toEqual(['bfloat16', 'float32', 'float32']);
      const received = tf.grads(f as never)([image, filter, bias]);
      expect(dtypes(...received)).toEqual(['float32', 'float32', 'float32']);
      const expected = tf.grads(g as never)([image, filter, bias]);
      received.forEach((grad, i) => expect(distance(values(grad), values(expected[i]!))).toBeLessThan(0.02));
      const weight = draw([6, 4], 'weight');
      const h = (a: Tensor, w: Tensor): Tensor => tf.sum(tf.square(linear(a, w)));
      expect(dtypes(...tf.grads(h as never)([x, weight]))).toEqual(['bfloat16', 'float32']);
    });
  });

  it('attention and matrix products stay near float32', () => {
    tf.tidy(() => {
      const qkv = draw([2, 8, 24], 'qkv');
      const options = { heads: 2, causal: true };
      const low = autocast('bfloat16', () => selfAttention(qkv, options));
      expect(dtypes(low)).toEqual(['bfloat16']);
      expect(distance(values(low), values(selfAttention(qkv, options)))).toBeLessThan(0.01);
      const [a, b] = [draw([40, 50], 'a'), draw([50, 60], 'b')] as [Tensor2D, Tensor2D];
      const product = autocast('bfloat16', () => tf.matMul(a, b));
      expect(dtypes(product)).toEqual(['bfloat16']);
      expect(distance(values(product), values(tf.matMul(a, b)))).toBeLessThan(0.01);
      expect(dtypes(autocast('bfloat16', () => autocast('float32', () => tf.matMul(a, b))))).toEqual([
        'float32',
      ]);
    });
  });

  it('a weight that was overwritten is cast anew', () => {
    tf.tidy(() => {
      const x = tf.ones([4, 20]) as Tensor2D;
      const weight = tf.variable(tf.ones([20, 3]));
      const product = (): number => values(autocast('bfloat16', () => tf.matMul(x, weight as never)))[0]!;
      expect(product()).toBe(20);
      sgdUpdate({ params: [weight], grads: [tf.ones([20, 3])], lr: 0.5 });
      expect(product()).toBe(10);
      weight.assign(tf.zeros([20, 3]));
      expect(product()).toBe(0);
      weight.dispose();
    });
  });

  it('leaves nothing behind, in tfjs or in libtorch', () => {
    const weight = tf.variable(draw([3, 3, 4, 4], 'weight'));
    const step = (): void =>
      expectNoLeak(() => {
        const { value, grads } = tf.variableGrads(() =>
          autocast('bfloat16', () => {
            const y = conv2d(draw([2, 6, 6, 4], 'x'), weight, { pads: [1, 1, 1, 1] });
            return tf.mean(relu(batchNormTrain(y, tf.ones([4]), tf.zeros([4])).y));
          }),
        );
        tf.dispose([value, grads]);
      });
    step();
    const { tensors, allocated } = native().stats();
    for (let i = 0; i < 5; i++) step();
    const after = native().stats();
    expect([after.tensors, after.allocated]).toEqual([tensors, allocated]);
    weight.dispose();
  });

  it('unscales gradients and finds what is not finite', () => {
    tf.tidy(() => {
      const fine = [draw([40000], 'g0'), draw([3, 3], 'g1')];
      const { grads, overflow } = unscaleGradients(fine, 1 / 1024);
      expect(overflow.dataSync()[0]).toBe(0);
      grads.forEach((grad, i) => expect(values(grad)).toEqual(values(tf.div(fine[i]!, 1024))));
      for (const strange of [Infinity, -Infinity, NaN]) {
        const given = [tf.zeros([70000]), tf.tensor1d([1, strange, 2])];
        expect(unscaleGradients(given, 0.5).overflow.dataSync()[0]).not.toBe(0);
      }
    });
  });

  it('an operator that libtorch has in float32 only runs in float32', () => {
    tf.tidy(() => {
      const x = narrow(draw([1, 4, 4, 2], 'x')) as Tensor4D;
      const resized = tf.image.resizeBilinear(x, [8, 8]);
      const expected = tf.image.resizeBilinear(toFloat32(x) as Tensor4D, [8, 8]);
      expect(distance(values(resized), values(expected))).toBeLessThan(0.01);
      const { values: top } = tf.topk(tf.reshape(x, [4, 8]), 2);
      expect(values(top)).toEqual(values(tf.topk(tf.reshape(toFloat32(x), [4, 8]), 2).values));
    });
  });

  it('tells what it can, and refuses what it cannot', () => {
    expect(autocastDtypes()).toEqual(['bfloat16']);
    expect(requireAutocast('test')).toBe('bfloat16');
    expect(() => autocast('float16', () => tf.scalar(1))).toThrow(
      /\[E_AUTOCAST_DTYPE\].*'torch' cannot compute in float16 here[^]*one of bfloat16, float32/,
    );
  });
});
