import { convCost, panelsOf, SLACK } from './conv.js';
import { forwardTaps, planWindow, type ConvShape } from './conv-plan.js';
import { KERNEL } from './kernel-ids.js';
import type { KernelRuntime } from './kernel-runtime.js';

/** Bytes of all partial sums of a filter's gradient. */
const PARTIAL_BYTES = 2 * 1024 * 1024;
const MAX_PARTS = 16;
const MIN_CHUNKS = 8;
/** Pixels of a strip: input window and output gradient stay in the first-level cache. */
const STRIP_PIXELS = 128;

/** Gradient of a convolution's filter. */
export function convFilterGrad(
  runtime: KernelRuntime,
  s: ConvShape,
  x: number,
  dy: number,
  dfilter: number,
): void {
  const groupChannels = s.channels / s.groups;
  const channels = s.outChannels / s.groups;
  const depth = s.filterHeight * s.filterWidth * groupChannels;
  const pitch = panelsOf(channels) * 32;
  const bytes = s.groups * depth * pitch;
  const parts = Math.max(1, Math.min(s.images, MAX_PARTS, Math.floor(PARTIAL_BYTES / bytes)));
  const ranges = Math.min(Math.ceil(depth / 6), Math.max(1, Math.ceil(MIN_CHUNKS / (parts * s.groups))));
  const partial = runtime.workspace(parts * bytes);
  const window = planWindow(
    forwardTaps(s.filterHeight, s.dilations[0], s.pads[0]),
    forwardTaps(s.filterWidth, s.dilations[1], s.pads[1]),
    s.strides[0],
    s.strides[1],
    { height: s.height, width: s.width, channels: s.channels, groupChannels },
    { rows: s.outHeight, cols: s.outWidth },
  );
  const stripRows = Math.max(1, Math.min(s.outHeight, Math.round(STRIP_PIXELS / s.outWidth)));
  const windowRows = (stripRows - 1) * window.rowStep + window.rows;
  runtime.run(
    KERNEL.convolveFilter,
    parts * s.groups * ranges,
    [
      x,
      dy,
      partial,
      s.height,
      s.width,
      s.channels * 4,
      s.height * s.width * s.channels * 4,
      groupChannels * 4,
      s.outHeight,
      s.outWidth,
      s.outChannels * 4,
      s.strides[0],
      s.strides[1],
      window.firstRow,
      window.firstCol,
      window.rows,
      window.cols,
      window.padded ? 1 : 0,
      s.images,
      parts,
      ranges,
      stripRows,
      runtime.table(window.segments),
      window.segments.length / 2,
      depth,
      channels,
      s.groups,
      pitch,
    ],
    convCost(s),
    SLACK +
      (stripRows * s.outWidth + 1) * (pitch + 4) +
      (window.padded ? windowRows * window.copiedCols * groupChannels * 4 : 0),
  );
  const sumRanges = Math.min(depth, 8);
  runtime.run(
    KERNEL.sumFilterParts,
    s.groups * sumRanges,
    [partial, dfilter, parts, s.groups, depth, pitch, channels, s.outChannels * 4, sumRanges],
    (parts * bytes) / 4,
  );
}
