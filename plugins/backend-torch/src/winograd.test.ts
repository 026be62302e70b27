import { conv2d, expectNoLeak, runAccelerated, tf, type Tensor } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { native } from './native.js';
import { SCALAR, Storage } from './storage.js';
import { distance, draw, missing, onCpuBackend, useTorch, values } from './torch.fixture.js';
import { isWinograd } from './winograd.js';

type Pads = [number, number, number, number];
const without = missing !== undefined || !native().info().winograd;

/** Batch, height, width, input channels, output channels, padding: odd sizes, full and narrow panels of columns. */
const CASES: [number, number, number, number, number, Pads][] = [
  [2, 14, 14, 48, 48, [1, 1, 1, 1]],
  [3, 11, 13, 48, 80, [1, 1, 1, 1]],
  [2, 16, 15, 32, 64, [0, 2, 1, 0]],
  [2, 13, 13, 80, 32, [2, 2, 2, 2]],
  [2, 18, 18, 64, 144, [0, 0, 0, 0]],
  // More tiles than a batch of them holds.
  [5, 34, 34, 64, 32, [1, 1, 1, 1]],
];

describe.skipIf(without)('Winograd convolution', () => {
  beforeAll(useTorch);

  it.each(CASES)('%i × %i × %i, %i to %i channels, padding %j', async (n, h, w, c, o, pads) => {
    const geometry = {
      strides: [1, 1] as [number, number],
      pads,
      dilations: [1, 1] as [number, number],
      groups: 1,
    };
    const shape = [n, h + pads[0] + pads[1] - 2, w + pads[2] + pads[3] - 2, o];
    const x = draw([n, h, w, c], 'x');
    const filter = draw([3, 3, c, o], 'f');
    const bias = draw([o], 'b');
    const dy = draw(shape, 'dy');
    expect(isWinograd(x.dataId as Storage, filter.dataId as Storage, geometry)).toBe(true);
    const compute = (): number[][] => {
      const y = conv2d(x, filter, { bias, pads });
      const attrs = { ...geometry, needInput: true, needFilter: true, needBias: true };
      const grads = runAccelerated<Tensor[]>('EngineConv2dGrad', { dy, x, filter }, attrs);
      const found = [y, ...grads].map(values);
      expect([y, ...grads].map((t) => t.shape)).toEqual([shape, x.shape, filter.shape, bias.shape]);
      tf.dispose([y, ...grads]);
      return found;
    };
    let received: number[][] = [];
    expectNoLeak(() => void (received = compute()));
    // Two threads share the work differently from one, and must not compute differently.
    const threads = native().threads();
    native().setThreads(threads === 1 ? 3 : 1);
    expect(compute()).toEqual(received);
    native().setThreads(threads);
    process.env.ENGINE_TORCH_CONV = 'direct';
    const expected = compute();
    delete process.env.ENGINE_TORCH_CONV;
    received.forEach((list, i) => expect(distance(list, expected[i]!)).toBeLessThan(3e-6));
    expect(received[0]).not.toEqual(expected[0]);
    if (n * h * w * c * o < 2e6) {
      const onCpu = await onCpuBackend(() =>
        values(
          tf.add(
            tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, [
              [0, 0],
              [pads[0], pads[1]],
              [pads[2], pads[3]],
              [0, 0],
            ]),
            bias,
          ),
        ),
      );
      expect(distance(received[0]!, onCpu)).toBeLessThan(3e-6);
    }
    tf.dispose([x, filter, bias, dy]);
  });

  it('is for filters of 3 by 3, moved by one, over enough channels and tiles', () => {
    const geometry = { strides: [1, 1], pads: [1, 1, 1, 1] as Pads, dilations: [1, 1], groups: 1 };
    const of = (shape: number[]): Storage => new Storage(-1, 6, shape);
    const [x, filter] = [of([2, 16, 16, 48]), of([3, 3, 48, 48])];
    expect(isWinograd(x, filter, geometry)).toBe(true);
    expect(isWinograd(x, filter, { ...geometry, strides: [2, 1] })).toBe(false);
    expect(isWinograd(x, filter, { ...geometry, dilations: [1, 2] })).toBe(false);
    expect(isWinograd(x, filter, { ...geometry, pads: [3, 1, 1, 1] })).toBe(false);
    expect(isWinograd(x, of([3, 3, 24, 48]), { ...geometry, groups: 2 })).toBe(false);
    expect(isWinograd(x, of([1, 3, 48, 48]), geometry)).toBe(false);
    expect(isWinograd(x, of([3, 3, 48, 56]), geometry)).toBe(false);
    expect(isWinograd(of([1, 8, 8, 48]), filter, geometry)).toBe(false);
    expect(isWinograd(of([2, 16, 16, 32]), of([3, 3, 32, 32]), geometry)).toBe(false);
    expect(isWinograd(new Storage(-1, SCALAR.bfloat16, x.shape), filter, geometry)).toBe(false);
    expect(
      isWinograd(new Storage(-1, SCALAR.half, x.shape), new Storage(-1, SCALAR.half, filter.shape), geometry),
    ).toBe(false);
    process.env.ENGINE_TORCH_CONV = 'direct';
    expect(isWinograd(x, filter, geometry)).toBe(false);
    process.env.ENGINE_TORCH_CONV = 'fast';
    expect(() => isWinograd(x, filter, geometry)).toThrow(/ENGINE_TORCH_CONV[^]*'direct' or 'winograd'/);
    delete process.env.ENGINE_TORCH_CONV;
  });
});
