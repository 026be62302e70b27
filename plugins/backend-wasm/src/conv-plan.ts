/** Geometry of a 2-D convolution: NHWC input, HWIO filter (I is input channels per group), NHWC output. */
export interface ConvShape {
  images: number;
  height: number;
  width: number;
  channels: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  filterHeight: number;
  filterWidth: number;
  strides: readonly [number, number];
  /** Padding above and left of the input; what lies below and right follows from the output's size. */
  pads: readonly [number, number];
  dilations: readonly [number, number];
  groups: number;
}

/** Rows and columns of a source image that the outputs of one convolution read. */
export interface WindowPlan {
  /** Steps from one output to the next, in source pixels. */
  rowStep: number;
  colStep: number;
  /** Position that output (0, 0) reads first; negative inside the padding. */
  firstRow: number;
  firstCol: number;
  /** Rows and columns that one output spans. */
  rows: number;
  cols: number;
  /** Whether some output reads outside the source, so that it must be copied with zeros around it. */
  padded: boolean;
  /** Columns of the copy. */
  copiedCols: number;
  /** Runs of contiguous input that one output reads: byte offset, floats; in the order of the taps. */
  segments: number[];
}

/**
 * Plans the reads of a convolution.
 * @param tapRows rows that an output reads, ascending, relative to `rowStep` times its own
 * @param tapCols columns likewise
 * @param source height, width, channels, and channels that one group reads
 * @param out rows and columns of the output
 */
export function planWindow(
  tapRows: readonly number[],
  tapCols: readonly number[],
  rowStep: number,
  colStep: number,
  source: { height: number; width: number; channels: number; groupChannels: number },
  out: { rows: number; cols: number },
): WindowPlan {
  const firstRow = tapRows[0] ?? 0;
  const firstCol = tapCols[0] ?? 0;
  const rows = tapRows.length ? tapRows[tapRows.length - 1]! - firstRow + 1 : 1;
  const cols = tapCols.length ? tapCols[tapCols.length - 1]! - firstCol + 1 : 1;
  const copiedCols = (out.cols - 1) * colStep + cols;
  const padded =
    firstRow < 0 ||
    firstCol < 0 ||
    firstRow + (out.rows - 1) * rowStep + rows > source.height ||
    firstCol + copiedCols > source.width;
  const pixelBytes = (padded ? source.groupChannels : source.channels) * 4;
  const pitch = padded ? copiedCols : source.width;
  const segments: number[] = [];
  for (const row of tapRows) {
    for (const col of tapCols) {
      const offset = ((row - firstRow) * pitch + (col - firstCol)) * pixelBytes;
      const last = segments.length - 2;
      if (last >= 0 && segments[last]! + segments[last + 1]! * 4 === offset) {
        segments[last + 1]! += source.groupChannels;
      } else {
        segments.push(offset, source.groupChannels);
      }
    }
  }
  return { rowStep, colStep, firstRow, firstCol, rows, cols, padded, copiedCols, segments };
}

/** Taps of the forward pass along one axis. */
export function forwardTaps(size: number, dilation: number, pad: number): number[] {
  return Array.from({ length: size }, (_, k) => k * dilation - pad);
}

/**
 * Taps of the gradient of the input along one axis, for the inputs at `phase` modulo the stride: which filter elements
 * reach them, and which output gradient each reads relative to the input's number within the phase. Ascending.
 */
export function phaseTaps(
  phase: number,
  size: number,
  stride: number,
  dilation: number,
  pad: number,
): { k: number; offset: number }[] {
  const taps: { k: number; offset: number }[] = [];
  for (let k = size - 1; k >= 0; k--) {
    const distance = phase + pad - k * dilation;
    if (distance % stride === 0) taps.push({ k, offset: distance / stride });
  }
  return taps;
}

/** Bytes of input that a thread works on at a time, so that they stay in its second-level cache. */
const CACHE_BYTES = 192 * 1024;
/** Chunks that a job should have at least, so that threads finish together. */
const MIN_CHUNKS = 16;
/** Output pixels of a chunk, so that a panel of the filter serves many of them. */
const CHUNK_PIXELS = 192;

/** How the output of a convolution is cut in chunks: a function of shapes alone. */
export function planChunks(
  images: number,
  groups: number,
  outRows: number,
  outCols: number,
  rowBytes: number,
  rowStep: number,
): { imagesPerChunk: number; stripRows: number; strips: number; chunks: number } {
  const fitting = Math.floor(CACHE_BYTES / Math.max(1, rowBytes * rowStep));
  let strips = Math.ceil(outRows / Math.min(outRows, Math.max(1, fitting)));
  if (images * groups * strips < MIN_CHUNKS) {
    strips = Math.min(outRows, Math.ceil(MIN_CHUNKS / (images * groups)));
  }
  const stripRows = Math.ceil(outRows / strips);
  strips = Math.ceil(outRows / stripRows);
  let imagesPerChunk = 1;
  if (strips === 1) {
    const wanted = Math.floor(CHUNK_PIXELS / (outRows * outCols));
    const cached = Math.floor((CACHE_BYTES * 2) / Math.max(1, rowBytes * rowStep * outRows));
    const shared = Math.floor((images * groups) / MIN_CHUNKS);
    imagesPerChunk = Math.max(1, Math.min(wanted, cached, shared));
  }
  return { imagesPerChunk, stripRows, strips, chunks: Math.ceil(images / imagesPerChunk) * strips * groups };
}
