import { hostArray, type HostArray } from '@engine/core';
import { disposeTree, expectNoLeak, isConstant, tf, type Tensor } from '@engine/tensor';
import { describe, expect, it } from 'vitest';

import { BaseDataPreprocessor, ImgDataPreprocessor, stackBatch } from '../index.js';

const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync());
const image = (shape: number[], from = 0): HostArray =>
  hostArray(
    Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (from + i * 7) % 256),
    shape,
  );

describe('BaseDataPreprocessor', () => {
  it('moves host arrays in objects and lists to the device, and nothing else', () => {
    const preprocessor = new BaseDataPreprocessor();
    const meta = { path: 'a.png' };
    expectNoLeak(() => {
      const out = preprocessor.forward({
        inputs: [hostArray(new Float32Array([1, 2]), [2]), hostArray(new Float32Array([3]), [1])],
        gtLabels: hostArray(new Int32Array([4]), [1]),
        mask: hostArray(new Uint8Array([1]), [1], 'bool'),
        meta,
        none: null,
      }) as { inputs: Tensor[]; gtLabels: Tensor; mask: Tensor; meta: typeof meta; none: null };
      expect(out.inputs.map(values)).toEqual([[1, 2], [3]]);
      expect([out.gtLabels.dtype, out.mask.dtype]).toEqual(['int32', 'bool']);
      expect(out.meta).toEqual(meta);
      expect(out.none).toBeNull();
      disposeTree(out);
    });
    expect(() => new BaseDataPreprocessor({ mean: [1] })).toThrow('E_CONFIG_UNKNOWN_KEY');
  });
});

describe('ImgDataPreprocessor', () => {
  const mean = [10, 20, 30];
  const std = [2, 4, 5];
  const inputs = (data: unknown, options: object = {}): Tensor =>
    (new ImgDataPreprocessor({ mean, std, ...options }).forward({ inputs: data }) as { inputs: Tensor })
      .inputs;

  it('normalises a stacked batch of bytes as (value - mean) / std in float32', () => {
    const batch = image([2, 3, 4, 3]);
    expectNoLeak(() => {
      const out = inputs(batch);
      expect(out.shape).toEqual([2, 3, 4, 3]);
      expect(isConstant(out)).toBe(true);
      const expected = Array.from(batch.data as Uint8Array, (v, i) =>
        Math.fround((v - mean[i % 3]!) / std[i % 3]!),
      );
      expect(values(out)).toEqual(expected);
      out.dispose();
    });
  });

  it('gives the same for bytes, floats, a list, and tensors', () => {
    const batch = image([2, 2, 2, 3]);
    const floats = hostArray(Float32Array.from(batch.data as Uint8Array), batch.shape);
    const half = (n: number): HostArray =>
      hostArray((batch.data as Uint8Array).slice(n * 12, n * 12 + 12), [2, 2, 3]);
    for (const options of [{}, { bgrToRgb: true }, { padSizeDivisor: 4, padValue: 9 }]) {
      const expected = inputs(batch, options);
      const same = [
        floats,
        [half(0), half(1)],
        tf.tensor4d(floats.data as Float32Array, [2, 2, 2, 3]),
        tf.unstack(tf.tensor4d(floats.data as Float32Array, [2, 2, 2, 3])),
      ];
      for (const given of same) {
        const out = inputs(given, options);
        expect(out.shape).toEqual(expected.shape);
        expect(values(out)).toEqual(values(expected));
      }
    }
  });

  it('reverses channels before it normalises', () => {
    const out = inputs(hostArray(new Uint8Array([30, 24, 12]), [1, 1, 1, 3]), { rgbToBgr: true });
    expect(values(out)).toEqual([1, 1, 0]);
  });

  it('pads to a common size at the right and bottom with a value that is not normalised', () => {
    const out = inputs([image([10, 10, 3]), image([15, 15, 3])], { padSizeDivisor: 16, padValue: 10 });
    expect(out.shape).toEqual([2, 16, 16, 3]);
    const pixels = out.arraySync() as number[][][][];
    expect(pixels[0]![0]![10]).toEqual([10, 10, 10]);
    expect(pixels[0]![10]![0]).toEqual([10, 10, 10]);
    expect(pixels[1]![14]![14]).not.toEqual([10, 10, 10]);
    expect(pixels[1]![15]![0]).toEqual([10, 10, 10]);
  });

  it('takes one number for all channels, and leaves the other entries to the base class', () => {
    const out = new ImgDataPreprocessor({ mean: [100], std: [50] }).forward({
      inputs: hostArray(new Uint8Array([100, 150]), [1, 1, 2, 1]),
      gtLabels: hostArray(new Int32Array([3]), [1]),
      name: 'x',
    }) as { inputs: Tensor; gtLabels: Tensor; name: string };
    expect(values(out.inputs)).toEqual([0, 1]);
    expect(values(out.gtLabels)).toEqual([3]);
    expect(out.name).toBe('x');
  });

  it('refuses options and inputs that do not fit', () => {
    expect(() => new ImgDataPreprocessor({ mean: [1] })).toThrow('together, or neither');
    expect(() => new ImgDataPreprocessor({ mean: [1, 2], std: [1, 2] })).toThrow('one number, or three');
    expect(() => new ImgDataPreprocessor({ bgrToRgb: true, rgbToBgr: true })).toThrow('only one of');
    expect(() => inputs(image([2, 2, 2, 1]))).toThrow('3 channels');
    expect(() => inputs(image([2, 3]))).toThrow('[N, H, W, C]');
    expect(() => inputs('no image')).toThrow('a list of [H, W, C]');
    expect(() => new ImgDataPreprocessor().forward([1])).toThrow("under 'inputs'");
  });
});

describe('stackBatch', () => {
  it('pads every axis but the channels', () => {
    tf.tidy(() => {
      const out = stackBatch([tf.ones([1, 2, 1]), tf.ones([2, 1, 1])], 1, 5);
      expect(out.shape).toEqual([2, 2, 2, 1]);
      expect(values(out)).toEqual([1, 1, 5, 5, 1, 5, 1, 5]);
    });
    expect(() => stackBatch([])).toThrow('at least one tensor');
    expect(() => stackBatch([tf.ones([1, 1, 3]), tf.ones([1, 1, 1])])).toThrow('with 3 channels');
  });
});
