import { clear, int, word } from './args';

/**
 * Right-hand side of a product, `K x cols`, to panels of 8 columns: `panel[k][8]`, zeros beyond the last column and, where K
 * is odd, one row of zeros at the end. Row k is step `k % perTap` of tap `k / perTap`. One chunk is one panel of one group.
 *
 * args: 0 source, 1 destination, 2 taps (byte offset of each), 3 number of taps, 4 rows per tap, 5 bytes from row to row,
 * 6 columns, 7 bytes from column to column, 8 bytes from group to group, 9 panels per group
 */
export function packPanels(args: usize, chunk: i32): void {
  const panels = int(args, 9);
  const group = chunk / panels;
  const panel = chunk % panels;
  const taps = word(args, 2);
  const tapCount = int(args, 3);
  const perTap = int(args, 4);
  const rowBytes = word(args, 5);
  const colBytes = word(args, 7);
  const left = int(args, 6) - panel * 8;
  const cols = left < 8 ? left : 8;
  const source = word(args, 0) + group * word(args, 8) + panel * 8 * colBytes;
  const depth = tapCount * perTap;
  const size = (<usize>((depth + 1) & ~1)) << 5;
  let to = word(args, 1) + <usize>chunk * size;
  for (let t = 0; t < tapCount; t++) {
    const from = source + load<u32>(taps + ((<usize>t) << 2));
    if (cols == 8 && colBytes == 4) packRows(to, from, perTap, rowBytes);
    else if (cols == 8 && rowBytes == 4) packColumns(to, from, perTap, colBytes);
    else packAny(to, from, perTap, rowBytes, cols, colBytes);
    to += (<usize>perTap) << 5;
  }
  if (depth & 1) clear(to, 32);
}

function packRows(to: usize, from: usize, rows: i32, rowBytes: usize): void {
  for (let k = 0; k < rows; k++) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    from += rowBytes;
    to += 32;
  }
}

/** Eight rows in memory become eight columns: 4x4 transposes in registers. */
function packColumns(to: usize, from: usize, rows: i32, colBytes: usize): void {
  const middle = from + colBytes * 4;
  let k = 0;
  for (; k + 4 <= rows; k += 4) {
    transpose4(to, from + ((<usize>k) << 2), colBytes, 32);
    transpose4(to + 16, middle + ((<usize>k) << 2), colBytes, 32);
    to += 128;
  }
  for (; k < rows; k++) {
    for (let c = 0; c < 8; c++)
      f32.store(to + ((<usize>c) << 2), f32.load(from + c * colBytes + ((<usize>k) << 2)));
    to += 32;
  }
}

/** Transposes a 4x4 block. */
export function transpose4(to: usize, from: usize, fromPitch: usize, toPitch: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + fromPitch);
  const c = v128.load(from + fromPitch * 2);
  const d = v128.load(from + fromPitch * 3);
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f64>(ab0, cd0, 0, 2));
  v128.store(to + toPitch, v128.shuffle<f64>(ab0, cd0, 1, 3));
  v128.store(to + toPitch * 2, v128.shuffle<f64>(ab1, cd1, 0, 2));
  v128.store(to + toPitch * 3, v128.shuffle<f64>(ab1, cd1, 1, 3));
}

function packAny(to: usize, from: usize, rows: i32, rowBytes: usize, cols: i32, colBytes: usize): void {
  for (let k = 0; k < rows; k++) {
    if (cols < 8) clear(to, 32);
    for (let c = 0; c < cols; c++) f32.store(to + ((<usize>c) << 2), f32.load(from + c * colBytes));
    from += rowBytes;
    to += 32;
  }
}
