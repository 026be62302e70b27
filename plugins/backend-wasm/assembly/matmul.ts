import { clear, int, partStart, word } from './args';
import { ACCUMULATE, finishRow, RELU } from './finish';
import { sumPackedColumns } from './column-tiles';
import { addRowTerm, sumRows, TILE_BYTES, TILE_ROWS } from './row-tiles';

/** Rows of the depth that the transposed case packs at a time. */
const DEPTH_BLOCK: i32 = 2048;

/**
 * Batched matrix product with a packed right side. A chunk is a block of rows and a range of panels of one matrix.
 *
 * args: 0 left, 1 output, 2 packed right, 3 rows, 4 depth, 5 columns, 6 whether left is stored transposed,
 * 7 and 8 unused, 9 blocks of rows, 10 ranges of panels, 11 bias or 0,
 * 12 flags, 13 batch (table: byte offset of the left, of the packed right matrix)
 */
export function multiplyMatrices(args: usize, chunk: i32, scratch: usize): void {
  const rows = int(args, 3);
  const depth = int(args, 4);
  const columns = int(args, 5);
  const blocks = int(args, 9);
  const ranges = int(args, 10);
  const bias = word(args, 11);
  const flags = int(args, 12);
  const range = chunk % ranges;
  const block = (chunk / ranges) % blocks;
  const batch = chunk / ranges / blocks;
  const offsets = word(args, 13) + ((<usize>batch) << 3);
  const left = word(args, 0) + load<u32>(offsets);
  const right = word(args, 2) + load<u32>(offsets, 4);
  const output = word(args, 1) + ((<usize>batch * rows * columns) << 2);
  const row0 = partStart(rows, TILE_ROWS, blocks, block);
  const row1 = partStart(rows, TILE_ROWS, blocks, block + 1);
  const panels = (columns + 7) >> 3;
  const panel0 = partStart(panels, 1, ranges, range);
  const panel1 = partStart(panels, 1, ranges, range + 1);
  if (int(args, 6)) {
    transposed(left, output, right, rows, depth, columns, row0, row1, panel0, panel1, bias, flags, scratch);
    return;
  }
  const tile = scratch;
  const edge = scratch + TILE_BYTES;
  const table = edge + (TILE_ROWS << 3);
  const panelBytes = (<usize>((depth + 1) & ~1)) << 5;
  let entry = table;
  for (let r = row0; r < row1; r++) {
    store<u32>(entry, <u32>(left + ((<usize>r * depth) << 2)));
    store<u32>(entry, <u32>(output + ((<usize>r * columns) << 2)), 4);
    entry += 8;
  }
  for (let r = 0; r < TILE_ROWS; r++) store<u64>(entry + ((<usize>r) << 3), load<u64>(entry - 8));
  for (let r = 0; r < TILE_ROWS; r++)
    store<u32>(edge + ((<usize>r) << 3), <u32>(tile + ((<usize>r) << 5)), 4);
  for (let panel = panel0; panel < panel1; panel++) {
    const from = right + panel * panelBytes;
    const column = (<usize>panel) << 5;
    const cols = min(columns - panel * 8, 8);
    for (let r = row0; r < row1; r += TILE_ROWS) {
      const row = table + ((<usize>(r - row0)) << 3);
      const whole = cols == 8 && row1 - r >= TILE_ROWS;
      let at = row;
      if (!whole) {
        at = edge;
        for (let i: usize = 0; i < 48; i += 8) store<u32>(edge + i, load<u32>(row + i));
      }
      const shift = whole ? column : 0;
      sumRows(at, 0, depth, from, shift);
      if (depth & 1) addRowTerm(at, (<usize>depth - 1) << 2, from + ((<usize>depth - 1) << 5), shift);
      if (whole && !bias && !flags) continue;
      const count = min(row1 - r, TILE_ROWS);
      for (let i: usize = 0; i < <usize>count; i++) {
        const to = <usize>load<u32>(row + (i << 3), 4) + column;
        finishRow(whole ? to : tile + (i << 5), to, cols, bias ? bias + column : 0, flags);
      }
    }
  }
}

function transposed(
  left: usize,
  output: usize,
  right: usize,
  rows: i32,
  depth: i32,
  columns: i32,
  row0: i32,
  row1: i32,
  panel0: i32,
  panel1: i32,
  bias: usize,
  flags: i32,
  scratch: usize,
): void {
  const tile = scratch;
  const packed = scratch + TILE_BYTES;
  const panelBytes = (<usize>((depth + 1) & ~1)) << 5;
  for (let k0 = 0; k0 < depth || k0 == 0; k0 += DEPTH_BLOCK) {
    const length = min(depth - k0, DEPTH_BLOCK);
    const terms = (length + 1) & ~1;
    for (let r = row0; r < row1; r += TILE_ROWS) {
      const to = packed + <usize>(r - row0) * ((<usize>terms) << 2);
      packLeft(
        to,
        left + ((<usize>k0 * rows + r) << 2),
        (<usize>rows) << 2,
        length,
        min(row1 - r, TILE_ROWS),
      );
    }
    const blockFlags = (k0 ? ACCUMULATE : 0) | (k0 + length == depth ? flags & RELU : 0);
    for (let panel = panel0; panel < panel1; panel++) {
      const column = (<usize>panel) << 5;
      const cols = min(columns - panel * 8, 8);
      for (let r = row0; r < row1; r += TILE_ROWS) {
        const from = packed + <usize>(r - row0) * ((<usize>terms) << 2);
        const panelFrom = right + panel * panelBytes + ((<usize>k0) << 5);
        const to = output + ((<usize>r * columns) << 2) + column;
        const count = min(row1 - r, TILE_ROWS);
        if (count == TILE_ROWS && cols == 8 && !bias && !blockFlags) {
          sumPackedColumns(from, terms, panelFrom, to, (<usize>columns) << 2);
          continue;
        }
        sumPackedColumns(from, terms, panelFrom, tile, 32);
        for (let i = 0; i < count; i++) {
          const at = to + ((<usize>i * columns) << 2);
          finishRow(tile + ((<usize>i) << 5), at, cols, bias && k0 == 0 ? bias + column : 0, blockFlags);
        }
      }
    }
  }
}

/** Six columns of the stored matrix, 6 floats per term, zeros beyond the last column and in an odd last term. */
function packLeft(to: usize, from: usize, pitch: usize, length: i32, count: i32): void {
  for (let k = 0; k < length; k++) {
    if (count == TILE_ROWS) {
      v128.store(to, v128.load(from));
      store<u64>(to, load<u64>(from, 16), 16);
    } else {
      clear(to, TILE_ROWS << 2);
      for (let i = 0; i < count; i++) f32.store(to + ((<usize>i) << 2), f32.load(from + ((<usize>i) << 2)));
    }
    from += pitch;
    to += TILE_ROWS << 2;
  }
  if (length & 1) clear(to, TILE_ROWS << 2);
}
