import { int, word } from './args';
import { finishRow } from './finish';
import { addRows, addRowTerm, sumRows, sumRowSteps, TILE_BYTES, TILE_ROWS } from './row-tiles';
import { copyWindow } from './window';

/**
 * Convolution as an implicit matrix product: a row is an output pixel, its terms are runs of input that are contiguous in
 * memory. Serves the forward pass and, one phase of the stride at a time, the gradient of the input.
 * A chunk is a strip of output rows of some images in one group.
 *
 * args: 0 input, 1 output, 2 input height, 3 input width, 4 input bytes per pixel, 5 input bytes per image,
 * 6 bytes of a pixel that this group reads, 7 output bytes per image, 8 per output row, 9 per output pixel,
 * 10 output rows, 11 output columns, 12 row step, 13 column step, 14 first row, 15 first column (negative: padding),
 * 16 window rows, 17 window columns of one output pixel, 18 whether to copy to padded scratch, 19 images,
 * 20 images per chunk, 21 output rows per strip, 22 strips, 23 segments (offset in bytes, length), 24 their number,
 * 25 packed filter, 26 bytes of a panel, 27 output channels per group, 28 groups, 29 bias or 0, 30 flags, 31 steps
 * (offset in bytes of each term, an even number of them) or 0, 32 their number
 */
export function convolve(args: usize, chunk: i32, scratch: usize): void {
  const input = word(args, 0);
  const output = word(args, 1);
  const height = int(args, 2);
  const width = int(args, 3);
  const pixelBytes = word(args, 4);
  const imageBytes = word(args, 5);
  const groupBytes = word(args, 6);
  const outImageBytes = word(args, 7);
  const outRowBytes = word(args, 8);
  const outPixelBytes = word(args, 9);
  const outCols = int(args, 11);
  const rowStep = int(args, 12);
  const colStep = int(args, 13);
  const firstRow = int(args, 14);
  const firstCol = int(args, 15);
  const padded = int(args, 18);
  const perChunk = int(args, 20);
  const stripRows = int(args, 21);
  const strips = int(args, 22);
  const segments = word(args, 23);
  const segmentCount = int(args, 24);
  const panelBytes = word(args, 26);
  const channels = int(args, 27);
  const groups = int(args, 28);
  const bias = word(args, 29);
  const flags = int(args, 30);

  const group = chunk % groups;
  const strip = (chunk / groups) % strips;
  const image0 = (chunk / groups / strips) * perChunk;
  const image1 = min(image0 + perChunk, int(args, 19));
  const row0 = strip * stripRows;
  const rows = min(row0 + stripRows, int(args, 10)) - row0;
  const windowRows = (rows - 1) * rowStep + int(args, 16);
  const windowCols = (outCols - 1) * colStep + int(args, 17);

  const tile = scratch;
  const edge = scratch + TILE_BYTES;
  const table = edge + (TILE_ROWS << 3);
  const pixels = (image1 - image0) * rows * outCols;
  let window = (table + ((<usize>pixels + TILE_ROWS) << 3) + 15) & ~(<usize>15);
  let entry = table;
  for (let n = image0; n < image1; n++) {
    let from = input + n * imageBytes;
    let rowBytes: usize;
    let colBytes: usize;
    if (padded) {
      copyWindow(
        window,
        from + group * groupBytes,
        height,
        width,
        pixelBytes,
        groupBytes,
        row0 * rowStep + firstRow,
        windowRows,
        firstCol,
        windowCols,
      );
      from = window;
      rowBytes = <usize>windowCols * groupBytes * rowStep;
      colBytes = groupBytes * colStep;
      window += <usize>windowRows * windowCols * groupBytes;
    } else {
      from += group * groupBytes + (<usize>(row0 * rowStep + firstRow) * width + firstCol) * pixelBytes;
      rowBytes = <usize>width * pixelBytes * rowStep;
      colBytes = pixelBytes * colStep;
    }
    const to = output + n * outImageBytes + row0 * outRowBytes;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < outCols; c++) {
        store<u32>(entry, <u32>(from + r * rowBytes + c * colBytes));
        store<u32>(entry, <u32>(to + r * outRowBytes + c * outPixelBytes), 4);
        entry += 8;
      }
    }
  }
  for (let r = 0; r < TILE_ROWS; r++) store<u64>(entry + ((<usize>r) << 3), load<u64>(entry - 8));

  const panels = (channels + 7) >> 3;
  let filter = word(args, 25) + <usize>(group * panels) * panelBytes;
  const steps = word(args, 31);
  const terms = int(args, 32);
  for (let r = 0; r < TILE_ROWS; r++)
    store<u32>(edge + ((<usize>r) << 3), <u32>(tile + ((<usize>r) << 5)), 4);
  for (let panel = 0; panel < panels; panel++) {
    const column = (<usize>(group * channels + panel * 8)) << 2;
    const cols = min(channels - panel * 8, 8);
    for (let p = 0; p < pixels; p += TILE_ROWS) {
      const row = table + ((<usize>p) << 3);
      const whole = cols == 8 && pixels - p >= TILE_ROWS;
      let at = row;
      if (!whole) {
        at = edge;
        for (let r: usize = 0; r < 48; r += 8) store<u32>(edge + r, load<u32>(row + r));
      }
      const shift = whole ? column : 0;
      if (steps) sumRowSteps(at, steps, terms, filter, shift);
      else sumSegments(at, segments, segmentCount, filter, shift);
      if (whole && !bias && !flags) continue;
      const last = min(pixels - p, TILE_ROWS);
      for (let r: usize = 0; r < <usize>last; r++) {
        const to = <usize>load<u32>(row + (r << 3), 4) + column;
        finishRow(whole ? to : tile + (r << 5), to, cols, bias ? bias + column : 0, flags);
      }
    }
    filter += panelBytes;
  }
}

function sumSegments(table: usize, segments: usize, count: i32, panel: usize, column: usize): void {
  for (let s = 0; s < count; s++) {
    const offset: usize = load<u32>(segments);
    const length = load<i32>(segments, 4);
    if (s) addRows(table, offset, length, panel, column);
    else sumRows(table, offset, length, panel, column);
    panel += (<usize>length) << 5;
    if (length & 1) addRowTerm(table, offset + ((<usize>length - 1) << 2), panel - 32, column);
    segments += 8;
  }
  // The gradient of an input that no tap reaches.
  if (count == 0) sumRows(table, 0, 0, panel, column);
}
