import { autocast, conv2d, expectNoLeak, runAccelerated, tf, type Tensor } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { storageDtype } from './autocast.js';
import { native } from './native.js';
import { Storage } from './storage.js';
import { draw, missing, useTorch, values } from './torch.fixture.js';
import { isWinograd } from './winograd.js';

type Pads = [number, number, number, number];
interface Sizes {
  n: number;
  h: number;
  w: number;
  c: number;
  o: number;
  pads: Pads;
}
const without = missing !== undefined || !native().info().winogradNarrow;

/** Batch, height, width, input and output channels, padding: odd sizes and numbers of tiles, narrow panels. */
const CASES: [number, number, number, number, number, Pads][] = [
  [2, 14, 14, 48, 48, [1, 1, 1, 1]],
  [3, 9, 13, 48, 80, [1, 1, 1, 1]],
  [2, 16, 15, 32, 64, [0, 2, 1, 0]],
  [2, 11, 11, 144, 16, [2, 2, 2, 2]],
  // More tiles than a batch of them holds.
  [7, 32, 32, 128, 16, [1, 1, 1, 1]],
];

/** The nearest bfloat16s. */
const rounded = (x: Tensor): Tensor => {
  const bits = new Uint32Array(Float32Array.from(values(x)).buffer);
  const near = bits.map((b) => (b + 0x7fff + ((b >>> 16) & 1)) & 0xffff0000);
  return tf.tensor(new Float32Array(near.buffer), x.shape);
};

/** A narrow tensor with these values: a convolution by the identity. */
const narrow = (x: Tensor): Tensor =>
  tf.tidy(() => {
    const c = x.shape[3]!;
    return autocast('bfloat16', () => conv2d(x, tf.reshape(tf.eye(c), [1, 1, c, c])));
  });

/** y, dx and dfilter by their definitions, in double precision. */
function byDefinition(
  { n, h, w, c, o, pads }: Sizes,
  x: number[],
  filter: number[],
  dy: number[],
): Float64Array[] {
  const [outH, outW] = [h + pads[0] + pads[1] - 2, w + pads[2] + pads[3] - 2];
  const y = new Float64Array(n * outH * outW * o);
  const [dx, dfilter] = [new Float64Array(x.length), new Float64Array(filter.length)];
  for (let pixel = 0; pixel < n * outH * outW; pixel++) {
    const [col, row, image] = [
      pixel % outW,
      Math.floor(pixel / outW) % outH,
      Math.floor(pixel / outW / outH),
    ];
    for (let tap = 0; tap < 9; tap++) {
      const [i, j] = [row + Math.floor(tap / 3) - pads[0], col + (tap % 3) - pads[2]];
      if (i < 0 || j < 0 || i >= h || j >= w) continue;
      for (let from = 0; from < c; from++) {
        const [at, weights] = [((image * h + i) * w + j) * c + from, (tap * c + from) * o];
        const value = x[at]!;
        let sum = 0;
        for (let to = 0; to < o; to++) {
          const [weight, grad] = [filter[weights + to]!, dy[pixel * o + to]!];
          y[pixel * o + to]! += value * weight;
          dfilter[weights + to]! += value * grad;
          sum += weight * grad;
        }
        dx[at]! += sum;
      }
    }
  }
  return [y, dx, dfilter];
}

const rms = (list: ArrayLike<number>): number =>
  Math.sqrt(Array.from(list).reduce((sum, value) => sum + value * value, 0) / list.length);

describe.skipIf(without)('Winograd convolution in bfloat16', () => {
  beforeAll(useTorch);

  it.each(CASES)('%i × %i × %i, %i to %i channels, padding %j', (n, h, w, c, o, pads) => {
    const strides: [number, number] = [1, 1];
    const geometry = { strides, pads, dilations: strides, groups: 1 };
    const outShape = [n, h + pads[0] + pads[1] - 2, w + pads[2] + pads[3] - 2, o];
    const [filter, bias] = [rounded(draw([3, 3, c, o], 'f')), rounded(draw([o], 'b'))];
    const [x, dy] = [narrow(draw([n, h, w, c], 'x')), narrow(draw(outShape, 'dy'))];
    const like = new Storage(-1, 15, filter.shape);
    expect(isWinograd(x.dataId as Storage, like, geometry)).toBe(true);
    const compute = (): number[][] => {
      const y = autocast('bfloat16', () => conv2d(x, filter, { bias, pads }));
      const attrs = { ...geometry, needInput: true, needFilter: true, needBias: false };
      const grads = runAccelerated<Tensor[]>('EngineConv2dGrad', { dy, x, filter }, attrs).slice(0, 2);
      expect([y, ...grads].map(storageDtype)).toEqual(['bfloat16', 'bfloat16', 'float32']);
      const found = [y, ...grads].map(values);
      tf.dispose([y, ...grads]);
      return found;
    };
    compute();
    let received: number[][] = [];
    expectNoLeak(() => void (received = compute()));
    // Two threads share the work differently from one, and must not compute differently.
    const threads = native().threads();
    native().setThreads(threads === 1 ? 3 : 1);
    expect(compute()).toEqual(received);
    native().setThreads(threads);
    const sizes = { n, h, w, c, o, pads };
    const expected = byDefinition(sizes, values(x), values(filter), values(dy));
    const offset = values(bias);
    expected[0]!.forEach((value, i) => (expected[0]![i] = value + offset[i % o]!));
    received.forEach((list, i) => {
      const wrong = list.map((value, k) => value - expected[i]![k]!);
      // Rounding the result alone makes 0.0017 and at most 0.004 times its size; transformed tiles and filters are rounded
      // too.
      const scale = rms(expected[i]!);
      expect(rms(wrong)).toBeLessThan(0.005 * scale);
      expect(wrong.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeLessThan(0.03 * scale);
    });
    tf.dispose([x, filter, bias, dy]);
  });
});
