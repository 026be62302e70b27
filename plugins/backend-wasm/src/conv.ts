import {
  forwardTaps,
  phaseTaps,
  planChunks,
  planWindow,
  type ConvShape,
  type WindowPlan,
} from './conv-plan.js';
import { KERNEL } from './kernel-ids.js';
import type { KernelRuntime } from './kernel-runtime.js';

/** Scratch bytes for a tile, alignment, and reads of whole vectors beyond the last element. */
export const SLACK = 512;

/** Panels of 8 columns. */
export const panelsOf = (columns: number): number => Math.ceil(columns / 8);

/** Floats below which a run of input is too short for a loop of its own. */
const SHORT_RUN = 96;

/** Byte offset of each term of some segments; one more where their number is odd, to meet the panel's row of zeros. */
function termOffsets(segments: readonly number[]): number[] {
  const offsets: number[] = [];
  for (let s = 0; s < segments.length; s += 2) {
    for (let i = 0; i < segments[s + 1]!; i++) offsets.push(segments[s]! + i * 4);
  }
  if (offsets.length % 2) offsets.push(0);
  return offsets;
}

/** Floating-point operations of one pass of a convolution, a multiplication and an addition counted as two. */
export function convCost(s: ConvShape): number {
  const perOutput = s.filterHeight * s.filterWidth * (s.channels / s.groups) * 2;
  return s.images * s.outHeight * s.outWidth * s.outChannels * perOutput;
}

/** Where a pass of {@link convolve} writes. */
interface Destination {
  address: number;
  imageBytes: number;
  rowBytes: number;
  pixelBytes: number;
  rows: number;
  cols: number;
  /** Channels per group. */
  channels: number;
}

/** What a pass of {@link convolve} reads. */
interface Source {
  address: number;
  height: number;
  width: number;
  channels: number;
}

/** How the filter is packed: rows in the order of the segments. */
interface PackedFilter {
  address: number;
  /** Byte offset of each tap's first row. */
  taps: number[];
  perTap: number;
  rowBytes: number;
  colBytes: number;
  groupBytes: number;
}

function convolve(
  runtime: KernelRuntime,
  images: number,
  groups: number,
  source: Source,
  filter: PackedFilter,
  window: WindowPlan,
  to: Destination,
  bias: number,
  flags: number,
  cost: number,
): void {
  const depth = filter.taps.length * filter.perTap;
  const panels = panelsOf(to.channels);
  const panelBytes = Math.ceil(depth / 2) * 64;
  const packed = runtime.workspace(groups * panels * panelBytes + 64);
  if (depth > 0) {
    const taps = runtime.table(filter.taps);
    runtime.run(
      KERNEL.packPanels,
      groups * panels,
      [
        filter.address,
        packed,
        taps,
        filter.taps.length,
        filter.perTap,
        filter.rowBytes,
        to.channels,
        filter.colBytes,
        filter.groupBytes,
        panels,
      ],
      depth * to.channels * groups,
    );
  }
  const groupChannels = source.channels / groups;
  const copied = window.padded ? groupChannels : source.channels;
  const rowBytes = (window.padded ? window.copiedCols : source.width) * copied * 4;
  const plan = planChunks(images, groups, to.rows, to.cols, rowBytes, window.rowStep);
  const pixels = plan.imagesPerChunk * plan.stripRows * to.cols;
  const windowRows = (plan.stripRows - 1) * window.rowStep + window.rows;
  const windowBytes = window.padded
    ? plan.imagesPerChunk * windowRows * window.copiedCols * groupChannels * 4
    : 0;
  const { segments } = window;
  const steps =
    segments.length / 2 > 1 && depth / (segments.length / 2) < SHORT_RUN ? termOffsets(segments) : [];
  const table = runtime.table([...segments, ...steps]);
  runtime.run(
    KERNEL.convolve,
    plan.chunks,
    [
      source.address,
      to.address,
      source.height,
      source.width,
      source.channels * 4,
      source.height * source.width * source.channels * 4,
      groupChannels * 4,
      to.imageBytes,
      to.rowBytes,
      to.pixelBytes,
      to.rows,
      to.cols,
      window.rowStep,
      window.colStep,
      window.firstRow,
      window.firstCol,
      window.rows,
      window.cols,
      window.padded ? 1 : 0,
      images,
      plan.imagesPerChunk,
      plan.stripRows,
      plan.strips,
      table,
      segments.length / 2,
      packed,
      panelBytes,
      to.channels,
      groups,
      bias,
      flags,
      steps.length ? table + segments.length * 4 : 0,
      steps.length,
    ],
    cost,
    SLACK + pixels * 8 + windowBytes,
  );
}

/**
 * Output of a convolution.
 * @param x address of the input
 * @param bias address of one number per output channel, or 0
 * @param flags `RELU` or 0
 */
export function convForward(
  runtime: KernelRuntime,
  s: ConvShape,
  x: number,
  filter: number,
  y: number,
  bias: number,
  flags: number,
): void {
  const groupChannels = s.channels / s.groups;
  const taps = s.filterHeight * s.filterWidth;
  const channels = s.outChannels / s.groups;
  convolve(
    runtime,
    s.images,
    s.groups,
    { address: x, height: s.height, width: s.width, channels: s.channels },
    {
      address: filter,
      taps: Array.from({ length: taps }, (_, tap) => tap * groupChannels * s.outChannels * 4),
      perTap: groupChannels,
      rowBytes: s.outChannels * 4,
      colBytes: 4,
      groupBytes: channels * 4,
    },
    planWindow(
      forwardTaps(s.filterHeight, s.dilations[0], s.pads[0]),
      forwardTaps(s.filterWidth, s.dilations[1], s.pads[1]),
      s.strides[0],
      s.strides[1],
      { height: s.height, width: s.width, channels: s.channels, groupChannels },
      { rows: s.outHeight, cols: s.outWidth },
    ),
    {
      address: y,
      imageBytes: s.outHeight * s.outWidth * s.outChannels * 4,
      rowBytes: s.outWidth * s.outChannels * 4,
      pixelBytes: s.outChannels * 4,
      rows: s.outHeight,
      cols: s.outWidth,
      channels,
    },
    bias,
    flags,
    convCost(s),
  );
}

/**
 * Gradient of a convolution's input: for each phase of the stride a convolution of the output gradient with the taps that
 * reach it, so that no multiplication with a stride's zeros is made.
 */
export function convInputGrad(
  runtime: KernelRuntime,
  s: ConvShape,
  dy: number,
  filter: number,
  dx: number,
): void {
  const [rowStride, colStride] = s.strides;
  const groupChannels = s.channels / s.groups;
  const outGroupChannels = s.outChannels / s.groups;
  const phases = Math.min(rowStride, s.height) * Math.min(colStride, s.width);
  for (let rowPhase = 0; rowPhase < Math.min(rowStride, s.height); rowPhase++) {
    const rowTaps = phaseTaps(rowPhase, s.filterHeight, rowStride, s.dilations[0], s.pads[0]);
    for (let colPhase = 0; colPhase < Math.min(colStride, s.width); colPhase++) {
      const colTaps = phaseTaps(colPhase, s.filterWidth, colStride, s.dilations[1], s.pads[1]);
      const taps = rowTaps.flatMap(({ k: kh }) =>
        colTaps.map(({ k: kw }) => (kh * s.filterWidth + kw) * groupChannels * s.outChannels * 4),
      );
      const rows = Math.ceil((s.height - rowPhase) / rowStride);
      const cols = Math.ceil((s.width - colPhase) / colStride);
      convolve(
        runtime,
        s.images,
        s.groups,
        { address: dy, height: s.outHeight, width: s.outWidth, channels: s.outChannels },
        {
          address: filter,
          taps,
          perTap: outGroupChannels,
          rowBytes: 4,
          colBytes: s.outChannels * 4,
          groupBytes: outGroupChannels * 4,
        },
        planWindow(
          taps.length ? rowTaps.map((tap) => tap.offset) : [],
          taps.length ? colTaps.map((tap) => tap.offset) : [],
          1,
          1,
          {
            height: s.outHeight,
            width: s.outWidth,
            channels: s.outChannels,
            groupChannels: outGroupChannels,
          },
          { rows, cols },
        ),
        {
          address: dx + (rowPhase * s.width + colPhase) * s.channels * 4,
          imageBytes: s.height * s.width * s.channels * 4,
          rowBytes: rowStride * s.width * s.channels * 4,
          pixelBytes: colStride * s.channels * 4,
          rows,
          cols,
          channels: groupChannels,
        },
        0,
        0,
        convCost(s) / phases,
      );
    }
  }
}
