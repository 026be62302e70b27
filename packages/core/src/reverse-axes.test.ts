import { describe, expect, it } from 'vitest';
import { hostArray, reverseAxes, type ThreeAxes } from './index.js';

describe('reverseAxes', () => {
  it.each([
    [[1, 1, 1]],
    [[2, 3, 4]],
    [[9, 33, 17]],
    [[1, 40, 19]],
    [[50, 1, 3]],
    [[18, 16, 1]],
    [[33, 17, 9]],
    [[40, 1, 50]],
  ] as [ThreeAxes][])('moves every element of %j to its place', (axes) => {
    const [A, B, C] = axes;
    const data = Float32Array.from({ length: A * B * C }, (_, i) => i);
    const { data: out, shape } = reverseAxes(hostArray(data, [A, B, C]), axes, [C, B, A]);
    expect(shape).toEqual([C, B, A]);
    const wrong: number[][] = [];
    for (let a = 0; a < A; a++) {
      for (let b = 0; b < B; b++) {
        for (let c = 0; c < C; c++) {
          if (out[(c * B + b) * A + a] !== data[(a * B + b) * C + c]) wrong.push([a, b, c]);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('writes to memory that it is given, and refuses memory of another size or kind', () => {
    const array = hostArray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    const out = new Float32Array(new SharedArrayBuffer(32) as unknown as ArrayBuffer, 8, 6);
    expect(reverseAxes(array, [2, 1, 3], [3, 2], out).data).toBe(out);
    expect([...out]).toEqual([1, 4, 2, 5, 3, 6]);
    for (const wrong of [new Float32Array(5), new Int32Array(6)])
      expect(() => reverseAxes(array, [2, 1, 3], [3, 2], wrong)).toThrow('E_ARRAY_SHAPE');
  });

  it('keeps dtype and bit patterns, and comes back', () => {
    const half = hostArray(new Uint16Array([0x3e00, 0x7c01, 1, 2, 3, 4]), [2, 3], 'float16');
    const there = reverseAxes(half, [2, 1, 3], [3, 2]);
    expect(there.dtype).toBe('float16');
    expect(reverseAxes(there, [3, 1, 2], [2, 3])).toEqual(half);
  });
});
