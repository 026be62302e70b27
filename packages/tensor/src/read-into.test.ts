import { expect, it } from 'vitest';
import { byteSize, readInto, tf } from './index.js';

it('copies the bytes of a tensor to where it is told', () => {
  const memory = new SharedArrayBuffer(32);
  const target = new Uint8Array(memory as unknown as ArrayBuffer, 8, 12);
  const tensor = tf.tensor1d([1, -0, NaN]);
  readInto(tensor, target);
  expect([...new Float32Array(memory as unknown as ArrayBuffer, 8, 3)]).toEqual([1, -0, NaN]);
  const flags = tf.tensor1d([true, false], 'bool');
  expect(byteSize(flags)).toBe(2);
  readInto(flags, target.subarray(0, 2));
  expect([...target.subarray(0, 2)]).toEqual([1, 0]);
});

it('refuses a place of another size, and strings', () => {
  expect(() => readInto(tf.tensor1d([1]), new Uint8Array(8))).toThrow(
    /E_TENSOR_SIZE.*4 bytes for float32 \[1\]/s,
  );
  expect(() => readInto(tf.tensor(['a']), new Uint8Array(4))).toThrow('E_TENSOR_DTYPE');
});
