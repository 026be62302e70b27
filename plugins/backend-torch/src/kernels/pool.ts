import { tf } from '@engine/tensor';

import { aten, atenAll } from '../aten.js';
import type { Storage } from '../storage.js';
import { kernel, on } from './define.js';
import { torchPads } from './shape.js';

type Info = tf.backend_util.Conv2DInfo;
type Info3d = tf.backend_util.Conv3DInfo;

/** NHWC as libtorch's channels-last NCHW, and back; nothing is moved. */
export const toNchw = (x: Storage): Storage => aten('permute', aten('contiguous', x), [0, 3, 1, 2]);
export const toNhwc = (x: Storage): Storage => aten('permute', x, [0, 2, 3, 1]);
const toNcdhw = (x: Storage): Storage => aten('permute', aten('contiguous', x), [0, 4, 1, 2, 3]);
const toNdhwc = (x: Storage): Storage => aten('permute', x, [0, 2, 3, 4, 1]);

/** Windows as libtorch wants them: padding that is the same on both sides inside, the rest by a padded copy. */
interface Windows {
  kernel: number[];
  stride: number[];
  padding: number[];
  dilation: number[];
  /** [before, after] for each spatial axis, when the two differ. */
  extra: [number, number][] | undefined;
}

/** Padding behind the input: what the number of windows needs, which rounding up can make more than was asked for. */
function behind(
  size: number,
  out: number,
  kernel: number,
  stride: number,
  dilation: number,
  pads: number[],
): number {
  return Math.max(pads[1]!, (out - 1) * stride + (kernel - 1) * dilation + 1 - size - pads[0]!);
}

function windows(
  sizes: number[],
  outs: number[],
  kernel: number[],
  stride: number[],
  dilation: number[],
  given: [number, number][],
): Windows {
  const pads = given.map((pair, i): [number, number] => [
    pair[0],
    behind(sizes[i]!, outs[i]!, kernel[i]!, stride[i]!, dilation[i]!, pair),
  ]);
  const even = pads.every(([before, after], i) => before === after && before <= kernel[i]! / 2);
  return {
    kernel,
    stride,
    dilation,
    padding: even ? pads.map(([before]) => before) : pads.map(() => 0),
    extra: even ? undefined : pads,
  };
}

export function windows2d({
  filterHeight,
  filterWidth,
  strideHeight,
  strideWidth,
  dilationHeight,
  dilationWidth,
  padInfo,
  inHeight,
  inWidth,
  outHeight,
  outWidth,
}: Info): Windows {
  return windows(
    [inHeight, inWidth],
    [outHeight, outWidth],
    [filterHeight, filterWidth],
    [strideHeight, strideWidth],
    [dilationHeight, dilationWidth],
    [
      [padInfo.top, padInfo.bottom],
      [padInfo.left, padInfo.right],
    ],
  );
}

function windows3d(info: Info3d): Windows {
  const { padInfo } = info;
  return windows(
    [info.inDepth, info.inHeight, info.inWidth],
    [info.outDepth, info.outHeight, info.outWidth],
    [info.filterDepth, info.filterHeight, info.filterWidth],
    [info.strideDepth, info.strideHeight, info.strideWidth],
    [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    [
      [padInfo.front, padInfo.back],
      [padInfo.top, padInfo.bottom],
      [padInfo.left, padInfo.right],
    ],
  );
}

/** The input with its uneven padding applied, when it has one; channels come last. */
export function padded(x: Storage, extra: Windows['extra'], value: number): Storage {
  return extra ? aten('constant_pad_nd', x, torchPads([[0, 0], ...extra, [0, 0]]), value) : x;
}

/** The part of a padded input's gradient that belongs to the input. */
export function unpadded(dx: Storage, extra: Windows['extra'], shape: readonly number[]): Storage {
  if (!extra) return dx;
  return aten(
    'contiguous',
    extra.reduce((y, [before], i) => aten('slice.Tensor', y, i + 1, before, before + shape[i + 1]!, 1), dx),
  );
}

/** What the families of two and of three spatial axes differ in. */
interface Family {
  max: string;
  maxGrad: string;
  avg: string;
  avgGrad: string;
  toFirst: (x: Storage) => Storage;
  toLast: (x: Storage) => Storage;
}

const FLAT: Family = {
  max: 'max_pool2d_with_indices',
  maxGrad: 'max_pool2d_with_indices_backward',
  avg: 'avg_pool2d',
  avgGrad: 'avg_pool2d_backward',
  toFirst: toNchw,
  toLast: toNhwc,
};
const DEEP: Family = {
  max: 'max_pool3d_with_indices',
  maxGrad: 'max_pool3d_with_indices_backward',
  avg: 'avg_pool3d',
  avgGrad: 'avg_pool3d_backward',
  toFirst: toNcdhw,
  toLast: toNdhwc,
};

function maxPool(x: Storage, w: Windows, f: Family): Storage {
  const input = f.toFirst(padded(x, w.extra, -Infinity));
  const [y] = atenAll(f.max, input, w.kernel, w.stride, w.padding, w.dilation, false);
  return aten('contiguous', f.toLast(y!));
}

function maxPoolGrad(dy: Storage, x: Storage, w: Windows, f: Family): Storage {
  const input = f.toFirst(padded(x, w.extra, -Infinity));
  const [, indices] = atenAll(f.max, input, w.kernel, w.stride, w.padding, w.dilation, false);
  const dx = aten(f.maxGrad, f.toFirst(dy), input, w.kernel, w.stride, w.padding, w.dilation, false, indices);
  return unpadded(f.toLast(dx), w.extra, x.shape);
}

/** Instead of zero for windows that see nothing but padding, whose mean is zero. */
const TINY = 1e-30;

/** tfjs leaves padding out of the mean. With uneven padding the number of inputs is counted by pooling ones. */
function avgPool(x: Storage, w: Windows, f: Family): Storage {
  const mean = (y: Storage, include: boolean): Storage =>
    aten(f.avg, f.toFirst(y), w.kernel, w.stride, w.padding, false, include, null);
  if (!w.extra) return aten('contiguous', f.toLast(mean(x, false)));
  const share = aten('clamp', mean(padded(aten('ones_like', x), w.extra, 0), true), TINY);
  return aten('contiguous', f.toLast(aten('div.Tensor', mean(padded(x, w.extra, 0), true), share)));
}

function avgPoolGrad(dy: Storage, x: Storage, w: Windows, f: Family): Storage {
  const input = f.toFirst(padded(x, w.extra, 0));
  let gradient = f.toFirst(dy);
  if (w.extra) {
    const ones = f.toFirst(padded(aten('ones_like', x), w.extra, 0));
    gradient = aten(
      'div.Tensor',
      gradient,
      aten(f.avg, ones, w.kernel, w.stride, w.padding, false, true, null),
    );
  }
  const dx = aten(
    f.avgGrad,
    gradient,
    input,
    w.kernel,
    w.stride,
    w.padding,
    false,
    w.extra !== undefined,
    null,
  );
  return unpadded(f.toLast(dx), w.extra, x.shape);
}

type Attrs = tf.MaxPoolAttrs;

function info2d(shape: readonly number[], { filterSize, strides, pad, dimRoundingMode }: Attrs): Info {
  return tf.backend_util.computePool2DInfo(shape as never, filterSize, strides, 1, pad, dimRoundingMode);
}

function info3d(shape: readonly number[], attrs: tf.MaxPool3DAttrs): Info3d {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  return tf.backend_util.computePool3DInfo(shape as never, filterSize, strides, 1, pad, dimRoundingMode);
}

/** Windows of average pooling: dilation is not for it. */
kernel<Attrs>('MaxPool', ({ x }, attrs) => maxPool(on(x), windows2d(info2d(x!.shape, attrs)), FLAT));
kernel<Attrs>('MaxPoolGrad', ({ dy, input }, attrs) =>
  maxPoolGrad(on(dy), on(input), windows2d(info2d(input!.shape, attrs)), FLAT),
);
kernel<Attrs>('AvgPool', ({ x }, attrs) => avgPool(on(x), windows2d(info2d(x!.shape, attrs)), FLAT));
kernel<Attrs>('AvgPoolGrad', ({ dy, input }, attrs) =>
  avgPoolGrad(on(dy), on(input), windows2d(info2d(input!.shape, attrs)), FLAT),
);
kernel<tf.MaxPool3DAttrs>('MaxPool3D', ({ x }, attrs) =>
  maxPool(on(x), windows3d(info3d(x!.shape, attrs)), DEEP),
);
kernel<tf.MaxPool3DAttrs>('MaxPool3DGrad', ({ dy, input }, attrs) =>
  maxPoolGrad(on(dy), on(input), windows3d(info3d(input!.shape, attrs)), DEEP),
);
kernel<tf.MaxPool3DAttrs>('AvgPool3D', ({ x }, attrs) =>
  avgPool(on(x), windows3d(info3d(x!.shape, attrs)), DEEP),
);
kernel<tf.MaxPool3DAttrs>('AvgPool3DGrad', ({ dy, input }, attrs) =>
  avgPoolGrad(on(dy), on(input), windows3d(info3d(input!.shape, attrs)), DEEP),
);
