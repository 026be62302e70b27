import { clear, int, partStart, word } from './args';
import { ACCUMULATE, finishRow } from './finish';
import { addColumns } from './column-tiles';
import { TILE_BYTES, TILE_ROWS } from './row-tiles';
import { copyWindow } from './window';

/**
 * Gradient of a convolution's filter: for each batch part a partial sum `[K][columns]` over its images, the input window
 * transposed times the output gradient. K runs over (kh, kw, channel of the group). A chunk is a part of the batch, a
 * group and a range of K; all three are fixed by the shapes, so the sums do not depend on the number of threads.
 *
 * args: 0 input, 1 output gradient, 2 partial sums, 3 input height, 4 input width, 5 input bytes per pixel,
 * 6 input bytes per image, 7 bytes of a pixel that a group reads, 8 output rows, 9 output columns,
 * 10 gradient bytes per pixel, 11 row step, 12 column step, 13 first row, 14 first column, 15 window rows,
 * 16 window columns, 17 whether to copy to padded scratch, 18 images, 19 batch parts, 20 ranges of K,
 * 21 output rows per strip, 22 segments (offset in bytes, length), 23 their number, 24 K, 25 output channels per group,
 * 26 groups, 27 bytes per row of the partial sums
 */
export function convolveFilter(args: usize, chunk: i32, scratch: usize): void {
  const height = int(args, 3);
  const width = int(args, 4);
  const pixelBytes = word(args, 5);
  const groupBytes = word(args, 7);
  const outRows = int(args, 8);
  const outCols = int(args, 9);
  const gradBytes = word(args, 10);
  const rowStep = int(args, 11);
  const colStep = int(args, 12);
  const firstRow = int(args, 13);
  const firstCol = int(args, 14);
  const padded = int(args, 17);
  const parts = int(args, 19);
  const ranges = int(args, 20);
  const stripRows = int(args, 21);
  const segments = word(args, 22);
  const segmentCount = int(args, 23);
  const depth = int(args, 24);
  const channels = int(args, 25);
  const groups = int(args, 26);
  const pitch = word(args, 27);

  const range = chunk % ranges;
  const group = (chunk / ranges) % groups;
  const part = chunk / ranges / groups;
  const images = int(args, 18);
  const image1 = partStart(images, 1, parts, part + 1);
  const depth0 = partStart(depth, TILE_ROWS, ranges, range);
  const depth1 = partStart(depth, TILE_ROWS, ranges, range + 1);
  const partial = word(args, 2) + <usize>(part * groups + group) * <usize>depth * pitch;
  clear(partial + <usize>depth0 * pitch, <usize>(depth1 - depth0) * pitch);

  const panels = (channels + 7) >> 3;
  const windowCols = (outCols - 1) * colStep + int(args, 16);
  const rowBytes = (padded ? <usize>windowCols * groupBytes : <usize>width * pixelBytes) * rowStep;
  const stepBytes = (padded ? groupBytes : pixelBytes) * colStep;
  const tile = scratch;
  const steps = scratch + TILE_BYTES;
  const most = (<usize>(stripRows * outCols) + 1) & ~(<usize>1);
  const packed = (steps + (most << 2) + 15) & ~(<usize>15);
  const window = packed + ((most * panels) << 5);
  writeSteps(steps, stripRows, outCols, rowBytes, stepBytes);

  for (let n = partStart(images, 1, parts, part); n < image1; n++) {
    const image = word(args, 0) + n * word(args, 6) + group * groupBytes;
    for (let row0 = 0; row0 < outRows; row0 += stripRows) {
      const rows = min(stripRows, outRows - row0);
      let from: usize;
      if (padded) {
        copyWindow(
          window,
          image,
          height,
          width,
          pixelBytes,
          groupBytes,
          row0 * rowStep + firstRow,
          (rows - 1) * rowStep + int(args, 15),
          firstCol,
          windowCols,
        );
        from = window;
      } else {
        from = image + (<usize>(row0 * rowStep + firstRow) * width + firstCol) * pixelBytes;
      }
      const pixels = rows * outCols;
      const terms = (pixels + 1) & ~1;
      const grad =
        word(args, 1) +
        <usize>((n * outRows + row0) * outCols) * gradBytes +
        ((<usize>(group * channels)) << 2);
      packGradient(packed, grad, pixels, terms, gradBytes, channels);
      for (let panel = 0; panel < panels; panel++) {
        sweep(
          from,
          steps,
          terms,
          packed + ((<usize>panel * terms) << 5),
          partial + ((<usize>panel) << 5),
          pitch,
          segments,
          segmentCount,
          depth0,
          depth1,
          tile,
        );
      }
    }
  }
}

/** Byte offsets of a strip's pixels in the window; one more, in case their number is odd. */
function writeSteps(steps: usize, rows: i32, cols: i32, rowBytes: usize, stepBytes: usize): void {
  let at: usize = 0;
  for (let r = 0; r < rows; r++) {
    at = r * rowBytes;
    for (let c = 0; c < cols; c++) {
      store<u32>(steps, <u32>at);
      steps += 4;
      at += stepBytes;
    }
  }
  store<u32>(steps, 0);
}

/** One panel of columns against all tiles of rows `[depth0, depth1)`. */
function sweep(
  from: usize,
  steps: usize,
  terms: i32,
  panel: usize,
  partial: usize,
  pitch: usize,
  segments: usize,
  segmentCount: i32,
  depth0: i32,
  depth1: i32,
  tile: usize,
): void {
  let start = 0;
  for (let s = 0; s < segmentCount; s++) {
    const offset: usize = load<u32>(segments + ((<usize>s) << 3));
    const length = load<i32>(segments + ((<usize>s) << 3), 4);
    const last = min(depth1 - start, length);
    for (let i = max(depth0 - start, 0); i < last; i += TILE_ROWS) {
      const out = partial + <usize>(start + i) * pitch;
      const source = from + offset + ((<usize>i) << 2);
      const rows = min(last - i, TILE_ROWS);
      if (rows == TILE_ROWS) {
        addColumns(source, steps, terms, panel, out, pitch);
        continue;
      }
      clear(tile, TILE_BYTES);
      addColumns(source, steps, terms, panel, tile, 32);
      for (let r = 0; r < rows; r++) {
        finishRow(tile + ((<usize>r) << 5), out + r * pitch, 8, 0, ACCUMULATE);
      }
    }
    start += length;
    if (start >= depth1) break;
  }
}

/** Output gradient to panels of 8 channels; a pixel beyond the last is zero. */
function packGradient(
  to: usize,
  from: usize,
  pixels: i32,
  terms: i32,
  pixelBytes: usize,
  channels: i32,
): void {
  for (let c = 0; c < channels; c += 8) {
    const cols = min(channels - c, 8);
    let source = from + ((<usize>c) << 2);
    for (let p = 0; p < pixels; p++) {
      if (cols == 8) {
        v128.store(to, v128.load(source));
        v128.store(to, v128.load(source, 16), 16);
      } else {
        clear(to, 32);
        for (let i = 0; i < cols; i++)
          f32.store(to + ((<usize>i) << 2), f32.load(source + ((<usize>i) << 2)));
      }
      source += pixelBytes;
      to += 32;
    }
    if (terms > pixels) {
      clear(to, 32);
      to += 32;
    }
  }
}

/**
 * Adds the partial sums of a filter's gradient in the order of the batch parts. A chunk is a range of rows of one group.
 *
 * args: 0 partial sums, 1 filter gradient, 2 batch parts, 3 groups, 4 K, 5 bytes per partial row, 6 output channels per
 * group, 7 bytes per row of the filter, 8 ranges of K
 */
export function sumFilterParts(args: usize, chunk: i32): void {
  const parts = int(args, 2);
  const groups = int(args, 3);
  const depth = int(args, 4);
  const pitch = word(args, 5);
  const channels = int(args, 6);
  const rowBytes = word(args, 7);
  const ranges = int(args, 8);
  const group = chunk / ranges;
  const depth1 = partStart(depth, 1, ranges, (chunk % ranges) + 1);
  const partBytes = <usize>(groups * depth) * pitch;
  for (let k = partStart(depth, 1, ranges, chunk % ranges); k < depth1; k++) {
    const from = word(args, 0) + <usize>(group * depth + k) * pitch;
    const to = word(args, 1) + k * rowBytes + ((<usize>(group * channels)) << 2);
    let c = 0;
    for (; c + 4 <= channels; c += 4) {
      let at = from + ((<usize>c) << 2);
      let sum = v128.load(at);
      for (let p = 1; p < parts; p++) {
        at += partBytes;
        sum = f32x4.add(sum, v128.load(at));
      }
      v128.store(to + ((<usize>c) << 2), sum);
    }
    for (; c < channels; c++) {
      let at = from + ((<usize>c) << 2);
      let sum = f32.load(at);
      for (let p = 1; p < parts; p++) {
        at += partBytes;
        sum += f32.load(at);
      }
      f32.store(to + ((<usize>c) << 2), sum);
    }
  }
}
