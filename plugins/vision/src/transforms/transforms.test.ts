import { hostArray, type RandomStream, TRANSFORMS as ROOT, type HostArray } from '@engine/core';
import type { SampleContext, Transform } from '@engine/data';
import { sampleContext } from '@engine/data';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImageSample } from './image.js';
import {
  CenterCrop,
  Normalize,
  PackInputs,
  RandomCrop,
  RandomFlip,
  Resize,
  resize,
  ToTensor,
} from './index.js';

/** An image whose values say where they are: 100 · row + 10 · column + channel. */
function grid(
  rows: number,
  columns: number,
  channels = 3,
  dtype: 'uint8' | 'float32' = 'float32',
): HostArray {
  const Data = dtype === 'uint8' ? Uint8Array : Float32Array;
  const data = new Data(rows * columns * channels);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels);
    data[i] = 100 * Math.floor(pixel / columns) + 10 * (pixel % columns) + (i % channels);
  }
  return hostArray(data, [rows, columns, channels]);
}

/** A stream that gives these integers and this number. */
function fixed(ints: number[], float = 0): SampleContext {
  const rng = { int: () => ints.shift()!, float: () => float } as unknown as RandomStream;
  return { rng, index: 0, epoch: 0 };
}

function at(img: HostArray, row: number, column: number, channel: number): number {
  const [, columns, channels] = img.shape as [number, number, number];
  return Number(img.data[(row * columns + column) * channels + channel]);
}

function apply(transform: Transform, img: HostArray, context = sampleContext(0)): HostArray {
  const before = [...(img.data as Float32Array)];
  const sample = transform.transform({ img }, context) as ImageSample;
  // Nobody may write into the memory of the dataset.
  expect([...(img.data as Float32Array)]).toEqual(before);
  return sample.img;
}

describe('RandomCrop', () => {
  it('cuts where the stream says, with padding around', () => {
    for (const dtype of ['uint8', 'float32'] as const) {
      const img = grid(2, 2, 3, dtype);
      const cut = apply(new RandomCrop({ size: 2, padding: 1, padValue: 7 }), img, fixed([0, 1]));
      const Data = dtype === 'uint8' ? Uint8Array : Float32Array;
      expect(cut).toEqual(hostArray(Data.of(7, 7, 7, 7, 7, 7, 0, 1, 2, 10, 11, 12), [2, 2, 3]));
    }
  });

  it('equals a look-up of every pixel', () => {
    const arbitrary = fc.record({
      rows: fc.integer({ min: 1, max: 6 }),
      columns: fc.integer({ min: 1, max: 6 }),
      channels: fc.integer({ min: 1, max: 4 }),
      pads: fc.tuple(fc.nat(8), fc.nat(8)),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(arbitrary, fc.double({ min: 0.01, max: 1, noNaN: true }), (p, share) => {
        const img = grid(p.rows, p.columns, p.channels);
        const height = Math.max(1, Math.floor((p.rows + 2 * p.pads[0]) * share));
        const width = Math.max(1, Math.floor((p.columns + 2 * p.pads[1]) * share));
        const crop = new RandomCrop({ size: [height, width], padding: p.pads, padValue: -1 });
        const cut = apply(crop, img, sampleContext(p.seed));
        const { rng } = sampleContext(p.seed);
        const top = rng.int(p.rows + 2 * p.pads[0] - height + 1) - p.pads[0];
        const left = rng.int(p.columns + 2 * p.pads[1] - width + 1) - p.pads[1];
        expect(cut.shape).toEqual([height, width, p.channels]);
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const [row, column] = [y + top, x + left];
            const inside = row >= 0 && row < p.rows && column >= 0 && column < p.columns;
            for (let c = 0; c < p.channels; c++)
              expect(at(cut, y, x, c)).toBe(inside ? at(img, row, column, c) : -1);
          }
        }
      }),
    );
  });

  it('reaches every place', () => {
    const crop = new RandomCrop({ size: 1, padding: 0 });
    const seen = new Set(
      Array.from({ length: 300 }, (_, i) => at(apply(crop, grid(3, 3), sampleContext(i)), 0, 0, 0)),
    );
    expect(seen.size).toBe(9);
  });

  it('rejects images that are too small, and wrong options', () => {
    expect(() => new RandomCrop({ size: 5 }).transform({ img: grid(4, 4) }, sampleContext(0))).toThrow(
      /4 × 4.*\n.*at least 5 × 5/,
    );
    expect(() => new RandomCrop({ size: 0 })).toThrow(/RandomCrop\.size = 0/);
    expect(() => new RandomCrop({ size: 4, padding: [1] as never })).toThrow(/RandomCrop\.padding/);
    expect(() => new RandomCrop({ size: 4, pading: 1 } as never)).toThrow(/did you mean 'padding'/);
    expect(() => new RandomCrop({ size: 4 }).transform({ img: 5 as never }, sampleContext(0))).toThrow(
      /img: 5/,
    );
  });
});

describe('CenterCrop', () => {
  it('cuts from the middle, or pads', () => {
    const cut = apply(new CenterCrop({ size: 2 }), grid(4, 5));
    expect([at(cut, 0, 0, 0), at(cut, 1, 1, 2)]).toEqual([110, 222]);
    const wide = apply(new CenterCrop({ size: [1, 4], padValue: -1 }), grid(1, 2));
    expect([...(wide.data as Float32Array)]).toEqual([-1, -1, -1, 0, 1, 2, 10, 11, 12, -1, -1, -1]);
  });
});

describe('RandomFlip', () => {
  it.each(['horizontal', 'vertical', 'diagonal'] as const)('mirrors %s', (direction) => {
    for (const channels of [1, 3]) {
      const img = grid(3, 4, channels);
      const flipped = apply(new RandomFlip({ prob: 1, direction }), img);
      for (let y = 0; y < 3; y++) {
        for (let x = 0; x < 4; x++) {
          const row = direction === 'horizontal' ? y : 2 - y;
          const column = direction === 'vertical' ? x : 3 - x;
          for (let c = 0; c < channels; c++) expect(at(flipped, y, x, c)).toBe(at(img, row, column, c));
        }
      }
    }
  });

  it('flips with its probability, and says so', () => {
    const flip = new RandomFlip({ prob: 0.25, direction: ['horizontal', 'vertical'] });
    const samples = Array.from({ length: 2000 }, (_, i) =>
      flip.transform({ img: grid(1, 2) }, sampleContext(i)),
    );
    const flipped = samples.filter((sample) => sample['flip']);
    // Five standard deviations of a binomial with n = 2000.
    expect(Math.abs(flipped.length - 500)).toBeLessThan(97);
    expect(new Set(flipped.map((sample) => sample['flipDirection']))).toEqual(
      new Set(['horizontal', 'vertical']),
    );
    expect(new RandomFlip({ prob: 0 }).transform({ img: grid(1, 2) }, sampleContext(0)).img).toEqual(
      grid(1, 2),
    );
    expect(() => new RandomFlip({ prob: 2 })).toThrow(/RandomFlip\.prob = 2/);
    expect(() => new RandomFlip({ direction: 'up' as never })).toThrow(/RandomFlip\.direction/);
  });
});

describe('Normalize', () => {
  it('is (x - mean) / std for bytes and floats', () => {
    const options = { mean: [1, 2, 3], std: [0.5, 2, 4] };
    for (const dtype of ['uint8', 'float32'] as const) {
      const img = grid(2, 2, 3, dtype);
      const out = apply(new Normalize(options), img);
      expect(out.dtype).toBe('float32');
      img.data.forEach((x: number | bigint, i: number) => {
        expect(out.data[i]).toBeCloseTo((Number(x) - options.mean[i % 3]!) / options.std[i % 3]!, 5);
      });
    }
    expect(() => new Normalize({ mean: [1], std: [0] })).toThrow(/Normalize\.std/);
    expect(() => new Normalize({ mean: [1, 2], std: [1] })).toThrow(/Normalize\.std/);
    expect(() => new Normalize({ mean: [1], std: [1] }).transform({ img: grid(1, 1, 3) })).toThrow(
      /3 channels/,
    );
  });
});

describe('Resize', () => {
  it('has the values of PyTorch’s bilinear interpolation', () => {
    // torch.nn.functional.interpolate([0, 1], size=4, mode='bilinear', align_corners=False) and back from 4 to 2.
    const row = hostArray(Float32Array.of(0, 1), [1, 2, 1]);
    expect([...(resize(row, 1, 4).data as Float32Array)]).toEqual([0, 0.25, 0.75, 1]);
    expect([...(resize(resize(row, 1, 4), 1, 2).data as Float32Array)]).toEqual([0.125, 0.875]);
    expect([...(resize(hostArray(Uint8Array.of(0, 255), [2, 1, 1]), 4, 1).data as Uint8Array)]).toEqual([
      0, 64, 191, 255,
    ]);
  });

  it('keeps planes, and images of the same size', () => {
    const ramp = resize(grid(4, 4), 8, 8);
    // A plane is reproduced exactly wherever no edge is clamped: at ((x + 0.5) / 2 - 0.5).
    for (let y = 1; y < 7; y++) {
      for (let x = 1; x < 7; x++)
        expect(at(ramp, y, x, 1)).toBeCloseTo(100 * (y / 2 - 0.25) + 10 * (x / 2 - 0.25) + 1, 3);
    }
    expect(resize(grid(3, 5), 3, 5)).toEqual(grid(3, 5));
    expect(resize(grid(3, 5), 3, 5, 'nearest')).toEqual(grid(3, 5));
  });

  it('takes the pixel above for nearest, and the shorter side for a single number', () => {
    const row = hostArray(Uint8Array.of(1, 2, 3), [1, 3, 1]);
    expect([...(resize(row, 1, 5, 'nearest').data as Uint8Array)]).toEqual([1, 1, 2, 2, 3]);
    expect(apply(new Resize({ size: 8 }), grid(4, 6)).shape).toEqual([8, 12, 3]);
    expect(apply(new Resize({ size: [2, 3] }), grid(4, 6)).shape).toEqual([2, 3, 3]);
    expect(() => new Resize({ size: 4, interpolation: 'cubic' as never })).toThrow(/Resize\.interpolation/);
  });
});

describe('ToTensor and PackInputs', () => {
  it('scale bytes to 0–1, and name what classifiers take', () => {
    const img = hostArray(Uint8Array.of(0, 51, 255), [1, 1, 3]);
    expect([...(apply(new ToTensor(), img).data as Float32Array)]).toEqual([0, Math.fround(0.2), 1]);
    expect([...(apply(new ToTensor({ scale: false }), img).data as Float32Array)]).toEqual([0, 51, 255]);
    const sample = { img, gtLabel: 4, sampleIdx: 9, flip: true };
    expect(new PackInputs().transform(sample)).toEqual({ inputs: img, gtLabels: 4 });
    expect(new PackInputs({ metaKeys: ['sampleIdx'] }).transform(sample)).toEqual({
      inputs: img,
      gtLabels: 4,
      sampleIdx: 9,
    });
    expect(new PackInputs().transform({ img })).toEqual({ inputs: img });
  });

  it('are found by name in the scope vision', () => {
    expect(ROOT.build({ type: 'vision.RandomCrop', size: 4 })).toBeInstanceOf(RandomCrop);
  });
});
