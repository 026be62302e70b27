import { tf } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { convFilterGrad } from './conv-filter.js';
import { exactFilterGrad, isSmall } from './conv-filter-exact.js';
import { engineConvShape, type EngineConvAttrs } from './conv-geometry.js';
import type { ConvShape } from './conv-plan.js';
import { random } from './conformance.fixture.js';
import { depthwiseFilterGrad, isDepthwise } from './depthwise.js';
import type { EngineWasm } from './engine-wasm.js';
import { sumColumns } from './reductions.js';
import { WasmBackend } from './wasm-backend.js';

type Values = Float32Array;
type Filter = [number, number, number, number];

/** The definition, in double precision, and beside each element the norm of its terms. */
function definition(
  s: ConvShape,
  x: Values,
  dy: Values,
  [kh, kw, perGroup, outs]: Filter,
): { sums: Float64Array; norms: Float64Array } {
  const sums = new Float64Array(kh * kw * perGroup * outs);
  const squares = new Float64Array(sums.length);
  for (let n = 0; n < s.images; n++) {
    for (let oh = 0; oh < s.outHeight; oh++) {
      for (let ow = 0; ow < s.outWidth; ow++) {
        for (let i = 0; i < kh * kw; i++) {
          const ih = oh * s.strides[0] - s.pads[0] + Math.floor(i / kw) * s.dilations[0];
          const iw = ow * s.strides[1] - s.pads[1] + (i % kw) * s.dilations[1];
          if (ih < 0 || iw < 0 || ih >= s.height || iw >= s.width) continue;
          const pixel = ((n * s.height + ih) * s.width + iw) * s.channels;
          const grad = ((n * s.outHeight + oh) * s.outWidth + ow) * outs;
          for (let o = 0; o < outs; o++) {
            const first = Math.floor((o * s.groups) / outs) * perGroup;
            for (let c = 0; c < perGroup; c++) {
              const product = x[pixel + first + c]! * dy[grad + o]!;
              sums[(i * perGroup + c) * outs + o]! += product;
              squares[(i * perGroup + c) * outs + o]! += product * product;
            }
          }
        }
      }
    }
  }
  return { sums, norms: squares.map(Math.sqrt) };
}

/** name, x, filter, geometry */
const CASES: [string, number[], Filter, Partial<EngineConvAttrs>][] = [
  ['plain', [2, 11, 11, 3], [3, 3, 3, 6], { pads: [1, 1, 1, 1] }],
  ['5x5 with stride 2', [2, 11, 11, 4], [5, 5, 4, 8], { strides: [2, 2], pads: [2, 2, 2, 2] }],
  ['dilation', [2, 11, 11, 4], [3, 3, 4, 6], { dilations: [2, 2], pads: [2, 2, 2, 2] }],
  ['dilation and stride', [2, 13, 12, 4], [3, 2, 4, 6], { dilations: [2, 3], strides: [2, 1] }],
  ['depthwise', [2, 11, 11, 6], [3, 3, 1, 6], { strides: [2, 2], pads: [1, 1, 1, 1], groups: 6 }],
  ['depthwise with multiplier', [2, 6, 6, 3], [3, 3, 1, 6], { groups: 3, pads: [1, 1, 1, 1] }],
  ['groups', [2, 11, 11, 8], [3, 3, 4, 4], { groups: 2, pads: [1, 1, 1, 1] }],
  ['groups without padding', [2, 6, 7, 12], [2, 2, 4, 15], { groups: 3 }],
  ['uneven padding', [3, 7, 9, 5], [3, 3, 5, 7], { strides: [2, 2], pads: [0, 1, 2, 1] }],
  ['one column', [2, 11, 11, 3], [3, 1, 3, 5], { pads: [1, 1, 0, 0] }],
  ['1x1 with stride', [2, 9, 8, 6], [1, 1, 6, 9], { strides: [2, 2] }],
  ['stride beyond the filter', [2, 11, 11, 4], [2, 2, 4, 8], { strides: [3, 3] }],
  ['filter wider than the image', [4, 3, 2, 2], [5, 5, 2, 3], { pads: [2, 2, 2, 2] }],
  ['many pixels', [4, 33, 31, 3], [3, 3, 3, 5], { pads: [1, 1, 1, 1] }],
];

describe('gradient of a filter', () => {
  beforeAll(() => new WasmBackend().activate('2'));

  for (const [name, shape, filter, given] of CASES) {
    it(`${name}: plain sums within rounding, small ones exact`, () => {
      const geometry: EngineConvAttrs = {
        strides: [1, 1],
        pads: [0, 0, 0, 0],
        dilations: [1, 1],
        groups: 1,
        ...given,
      };
      const s = engineConvShape(shape, filter, geometry);
      const backend = tf.backend() as EngineWasm;
      for (const seed of [0, 1]) {
        const x = random(`${name} ${seed} x`, shape).values as Values;
        const grad = random(`${name} ${seed} dy`, [s.images, s.outHeight, s.outWidth, filter[3]]);
        const expected = definition(s, x, grad.values as Values, filter);
        tf.tidy(() => {
          const [xs, dys] = [tf.tensor(x, shape), tf.tensor(grad.values, grad.shape)];
          const plain = isDepthwise(s) ? depthwiseFilterGrad : convFilterGrad;
          for (const [pass, bound] of [
            [plain, 4e-6],
            // One rounding, of the result.
            [exactFilterGrad, 0],
          ] as const) {
            const info = backend.output(filter);
            pass(backend.runtime, s, backend.address(xs), backend.address(dys), backend.address(info));
            const received = tf.engine().makeTensorFromTensorInfo(info).dataSync();
            for (let i = 0; i < received.length; i++) {
              const error = Math.abs(received[i]! - expected.sums[i]!);
              const allowed = 2 ** -24 * Math.abs(expected.sums[i]!) + bound * expected.norms[i]! + 1e-15;
              if (error > allowed) expect(error, `element ${i}, seed ${seed}`).toBeLessThanOrEqual(allowed);
            }
          }
        });
      }
    });
  }

  it('is summed exactly where that costs next to nothing, and only there', () => {
    const s = (images: number): ConvShape =>
      engineConvShape([images, 32, 32, 16], [3, 3, 16, 16], {
        strides: [1, 1],
        pads: [1, 1, 1, 1],
        dilations: [1, 1],
        groups: 1,
      });
    expect(
      isSmall(
        engineConvShape([2, 11, 11, 8], [7, 7, 8, 8], {
          strides: [1, 1],
          pads: [3, 3, 3, 3],
          dilations: [1, 1],
          groups: 1,
        }),
      ),
    ).toBe(true);
    expect(isSmall(s(64))).toBe(false);
  });

  it('of the bias: sums over all rows, each rounded as a sum of at most 64', () => {
    const backend = tf.backend() as EngineWasm;
    for (const [rows, channels] of [
      [1600, 3],
      [40_000, 8],
      [7, 5],
      [1, 1],
    ] as const) {
      const values = random(`${rows} rows`, [rows, channels]).values as Values;
      tf.tidy(() => {
        const info = sumColumns(backend, tf.tensor(values, [rows, channels]), channels);
        const received = tf.engine().makeTensorFromTensorInfo(info).dataSync();
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let r = 0; r < rows; r++) sum += values[r * channels + c]!;
          // Of each part's sum, which has the size of the square root of its length, the last bit.
          expect(Math.abs(received[c]! - sum)).toBeLessThanOrEqual(2 ** -23 * Math.sqrt(rows));
        }
      });
    }
  });
});
