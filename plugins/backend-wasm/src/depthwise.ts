import { convCost } from './conv.js';
import type { ConvShape } from './conv-plan.js';
import { KERNEL } from './kernel-ids.js';
import type { KernelRuntime } from './kernel-runtime.js';

const MAX_PARTS = 16;

/** True for a convolution whose groups have one input channel each. */
export function isDepthwise(s: ConvShape): boolean {
  return s.groups > 1 && s.groups === s.channels;
}

function args(s: ConvShape, x: number, filter: number, y: number): number[] {
  return [
    x,
    filter,
    y,
    s.images,
    s.height,
    s.width,
    s.channels,
    s.outChannels / s.channels,
    s.outHeight,
    s.outWidth,
    s.filterHeight,
    s.filterWidth,
    s.strides[0],
    s.strides[1],
    s.pads[0],
    s.pads[1],
    s.dilations[0],
    s.dilations[1],
  ];
}

/** Output of a depthwise convolution; the filter is `[kh, kw, 1, o]` or, the same memory, `[kh, kw, c, multiplier]`. */
export function depthwiseForward(
  runtime: KernelRuntime,
  s: ConvShape,
  x: number,
  filter: number,
  y: number,
  bias: number,
): void {
  runtime.run(KERNEL.depthwise, s.images * s.outHeight, [...args(s, x, filter, y), bias], convCost(s));
}

/** Gradient of the input of a depthwise convolution. */
export function depthwiseInputGrad(
  runtime: KernelRuntime,
  s: ConvShape,
  dy: number,
  filter: number,
  dx: number,
): void {
  runtime.run(KERNEL.depthwiseInput, s.images * s.height, args(s, dx, filter, dy), convCost(s));
}

/** Gradient of the filter of a depthwise convolution. */
export function depthwiseFilterGrad(
  runtime: KernelRuntime,
  s: ConvShape,
  x: number,
  dy: number,
  dfilter: number,
): void {
  const size = s.filterHeight * s.filterWidth * s.outChannels;
  const parts = Math.max(1, Math.min(s.images, MAX_PARTS));
  const partial = runtime.workspace(parts * size * 4);
  runtime.run(KERNEL.depthwiseFilter, parts, [...args(s, x, 0, dy), 0, parts, partial], convCost(s));
  runtime.run(KERNEL.columnSums, 1, [partial, dfilter, parts, size, 1], parts * size);
}
