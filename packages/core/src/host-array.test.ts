import { expect, it } from 'vitest';
import { BYTES_PER_ELEMENT, hostArray, isHostArray, sizeOf } from './index.js';

it('takes the dtype from the data unless told', () => {
  expect(hostArray(new Uint8Array(6), [2, 3]).dtype).toBe('uint8');
  expect(hostArray(new BigInt64Array(1), []).dtype).toBe('int64');
  expect(hostArray(new Uint16Array(2), [2], 'bfloat16').dtype).toBe('bfloat16');
});

it('keeps the data without copying and refuses a shape they do not fill', () => {
  const data = new Float32Array(4);
  expect(hostArray(data, [2, 2]).data).toBe(data);
  expect(() => hostArray(data, [3])).toThrow(/E_ARRAY_SHAPE.*4 elements.*3 elements/s);
});

it('tells host arrays from other things', () => {
  expect(isHostArray(hostArray(new Float32Array(1), []))).toBe(true);
  expect(isHostArray({ dtype: 'float32', shape: [1], data: [1] })).toBe(false);
  expect(isHostArray(null)).toBe(false);
});

it('knows sizes', () => {
  expect([sizeOf([]), sizeOf([2, 3]), sizeOf([2, 0])]).toEqual([1, 6, 0]);
  expect(BYTES_PER_ELEMENT.float64).toBe(8);
});
