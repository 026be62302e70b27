import { aten, fromArray, toScalar } from '../aten.js';
import { matmul } from '../gemm.js';
import { SCALAR, type Storage } from '../storage.js';
import { kernel, on } from './define.js';
import { toNchw, toNhwc } from './pool.js';

interface Attrs {
  alignCorners: boolean;
  halfPixelCenters?: boolean;
  size: [number, number];
}

/** Where the samples of a resized axis lie on the original one: tfjs's three conventions. */
function position(i: number, from: number, to: number, { alignCorners, halfPixelCenters }: Attrs): number {
  const scale = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  return halfPixelCenters ? Math.max(0, (i + 0.5) * scale - 0.5) : i * scale;
}

/** The linear map [to, from] that resizes one axis. */
function resampler(from: number, to: number, attrs: Attrs, nearest: boolean): Storage {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    if (nearest) {
      const scale = attrs.alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
      const at = attrs.halfPixelCenters ? (i + 0.5) * scale : i * scale;
      const place = attrs.alignCorners ? Math.round(at) : Math.floor(at);
      weights[i * from + Math.min(from - 1, place)]! += 1;
    } else {
      const at = position(i, from, to, attrs);
      const low = Math.min(from - 1, Math.floor(at));
      const share = at - low;
      weights[i * from + low]! += 1 - share;
      weights[i * from + Math.min(from - 1, low + 1)]! += share;
    }
  }
  return fromArray(weights, [to, from], SCALAR.float32);
}

/** Multiplies the two spatial axes of x [N, H, W, C] by a matrix each. */
function mapAxes(x: Storage, rows: Storage, columns: Storage, transpose: boolean): Storage {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const outH = rows.shape[transpose ? 1 : 0]!;
  const outW = columns.shape[transpose ? 1 : 0]!;
  const spread = (m: Storage, count: number): Storage => aten('expand', m, [count, ...m.shape]);
  const tall = matmul(spread(rows, n), aten('reshape', x, [n, h, w * c]), transpose, false);
  const wide = matmul(spread(columns, n * outH), aten('reshape', tall, [n * outH, w, c]), transpose, false);
  return aten('reshape', wide, [n, outH, outW, c]);
}

function resize(x: Storage, attrs: Attrs, nearest: boolean): Storage {
  const [, h, w] = x.shape as [number, number, number];
  const [rows, columns] = [
    resampler(h, attrs.size[0], attrs, nearest),
    resampler(w, attrs.size[1], attrs, nearest),
  ];
  return mapAxes(x, rows, columns, false);
}

/** The transposed map: what every pixel of the original gave to the resized image comes back to it. */
function resizeGrad(dy: Storage, shape: readonly number[], attrs: Attrs, nearest: boolean): Storage {
  const [, h, w] = dy.shape as [number, number, number];
  const rows = resampler(shape[1]!, h, attrs, nearest);
  const columns = resampler(shape[2]!, w, attrs, nearest);
  return mapAxes(dy, rows, columns, true);
}

// libtorch samples at pixel centres or with corners aligned; the third way, neither, is TensorFlow's oldest.
kernel<Attrs>('ResizeBilinear', ({ images }, attrs) => {
  const x = toScalar(on(images), SCALAR.float32);
  if (!attrs.alignCorners && !attrs.halfPixelCenters) return resize(x, attrs, false);
  return toNhwc(aten('upsample_bilinear2d', toNchw(x), attrs.size, attrs.alignCorners));
});

kernel<Attrs>('ResizeBilinearGrad', ({ images, dy }, attrs) => {
  const [n, h, w, c] = images!.shape as [number, number, number, number];
  if (!attrs.alignCorners && !attrs.halfPixelCenters) return resizeGrad(on(dy), images!.shape, attrs, false);
  const size = dy!.shape.slice(1, 3);
  const corners = attrs.alignCorners;
  return toNhwc(aten('upsample_bilinear2d_backward', toNchw(on(dy)), size, [n, c, h, w], corners));
});

kernel<Attrs>('ResizeNearestNeighbor', ({ images }, attrs) => {
  const x = on(images);
  const pixels = toScalar(x, SCALAR.float32);
  const plain = !attrs.alignCorners && !attrs.halfPixelCenters;
  const y = plain
    ? toNhwc(aten('upsample_nearest2d', toNchw(pixels), attrs.size))
    : resize(pixels, attrs, true);
  return toScalar(y, x.scalar);
});

kernel<Attrs>('ResizeNearestNeighborGrad', ({ images, dy }, attrs) => {
  const [n, h, w, c] = images!.shape as [number, number, number, number];
  if (attrs.alignCorners || attrs.halfPixelCenters) return resizeGrad(on(dy), images!.shape, attrs, true);
  return toNhwc(aten('upsample_nearest2d_backward', toNchw(on(dy)), dy!.shape.slice(1, 3), [n, c, h, w]));
});
