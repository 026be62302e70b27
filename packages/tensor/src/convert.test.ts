import { hostArray } from '@engine/core';
import { describe, expect, it } from 'vitest';

import { copyTensor, expectNoLeak, lazyScalar, tf, toHostArray, toTensor } from './index.js';

describe('toTensor', () => {
  it('maps host dtypes to what the device holds', () => {
    const cases = [
      [hostArray(new Uint8Array([1, 255]), [2]), 'int32', [1, 255]],
      [hostArray(new Float64Array([1.5, -2]), [2]), 'float32', [1.5, -2]],
      [hostArray(new BigInt64Array([5n, -7n]), [2]), 'int32', [5, -7]],
      [hostArray(new Uint8Array([0, 1]), [2], 'bool'), 'bool', [0, 1]],
      // Bit patterns of IEEE half precision: 1.5, -2, the smallest subnormal, infinity.
      [
        hostArray(new Uint16Array([0x3e00, 0xc000, 1, 0x7c00]), [4], 'float16'),
        'float32',
        [1.5, -2, 2 ** -24, Infinity],
      ],
      [hostArray(new Uint16Array([0x3fc0, 0xc000]), [2], 'bfloat16'), 'float32', [1.5, -2]],
    ] as const;
    for (const [array, dtype, values] of cases) {
      const tensor = toTensor(array);
      expect(tensor.dtype).toBe(dtype);
      expect(Array.from(tensor.dataSync())).toEqual([...values]);
    }
    expect(toTensor(hostArray(new Uint8Array([7]), [1, 1]), 'float32').dtype).toBe('float32');
    expect(toTensor([1, 2]).shape).toEqual([2]);
    expect(toTensor(new Int32Array([3])).dtype).toBe('int32');
  });

  it('copies: a buffer that is reused later does not change the tensor', () => {
    const buffer = new Float32Array([1, 2]);
    const tensor = toTensor(hostArray(buffer, [2]));
    buffer[0] = 9;
    expect(Array.from(tensor.dataSync())).toEqual([1, 2]);
    const back = toHostArray(tensor);
    back.data[0] = 5;
    expect(Array.from(tensor.dataSync())).toEqual([1, 2]);
  });

  it('refuses an integer beyond int32', () => {
    expect(() => toTensor(hostArray(new BigInt64Array([2n ** 31n]), [1]))).toThrow(
      /E_TENSOR_RANGE.*2147483648 at position 0/s,
    );
  });
});

describe('toHostArray', () => {
  it('keeps dtype and shape, and refuses strings', () => {
    expect(toHostArray(tf.tensor2d([[1, 2]], [1, 2], 'int32'))).toEqual({
      dtype: 'int32',
      shape: [1, 2],
      data: new Int32Array([1, 2]),
    });
    expect(() => toHostArray(tf.tensor(['a']))).toThrow('E_TENSOR_DTYPE');
  });
});

it('copyTensor has storage of its own, bit for bit', () => {
  const tensor = tf.tensor1d([-0, NaN, 3]);
  const copy = copyTensor(tensor);
  expect(copy.dataId).not.toBe(tensor.dataId);
  expect(Object.is(copy.dataSync()[0], -0)).toBe(true);
  expect(Array.from(copyTensor(tf.tensor1d([true, false], 'bool')).dataSync())).toEqual([1, 0]);
  expectNoLeak(() => copyTensor(tensor).dispose());
});

describe('lazyScalar', () => {
  it('reads late, owns its tensor, and remembers what was read', () => {
    expectNoLeak(() => {
      const lazy = tf.tidy(() => lazyScalar(tf.scalar(4)) as never) as ReturnType<typeof lazyScalar>;
      expect(lazy.read()).toBe(4);
      lazy.dispose();
      lazy.dispose();
      expect(lazy.read()).toBe(4);
    });
  });

  it('says so when it is read for the first time too late', () => {
    const lazy = lazyScalar(tf.scalar(4));
    lazy.dispose();
    expect(() => lazy.read()).toThrow('E_TENSOR_DISPOSED');
  });
});
