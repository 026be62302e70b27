/**
 * The two register tiles that everything heavy is made of: 6 rows by 8 columns in 12 accumulators. Of all tiles measured
 * in V8 this was the fastest: accumulators, two columns, a broadcast and a product just fill the 16 SSE registers.
 */

/** Rows of a tile. */
export const TILE_ROWS: i32 = 6;
/** Columns of a tile; packed right-hand sides come in panels of this width. */
export const TILE_COLS: i32 = 8;

/** Ends a tile with a rectified sum. */
export const RELU: i32 = 1;
/** Starts a tile from what its destination holds. */
export const ACCUMULATE: i32 = 2;

function storeRow(to: usize, low: v128, high: v128, cols: i32, flags: i32): void {
  if (flags & RELU) {
    const none = f32x4.splat(0);
    low = f32x4.max(low, none);
    high = f32x4.max(high, none);
  }
  if (cols >= 8) {
    v128.store(to, low);
    v128.store(to, high, 16);
    return;
  }
  if (cols >= 4) {
    v128.store(to, low);
    low = high;
    to += 16;
    cols -= 4;
  }
  if (cols > 0) f32.store(to, f32x4.extract_lane(low, 0));
  if (cols > 1) f32.store(to, f32x4.extract_lane(low, 1), 4);
  if (cols > 2) f32.store(to, f32x4.extract_lane(low, 2), 8);
}

function loadPart(from: usize, cols: i32): v128 {
  let part = f32x4.splat(0);
  if (cols >= 4) return v128.load(from);
  if (cols > 0) part = f32x4.replace_lane(part, 0, f32.load(from));
  if (cols > 1) part = f32x4.replace_lane(part, 1, f32.load(from, 4));
  if (cols > 2) part = f32x4.replace_lane(part, 2, f32.load(from, 8));
  return part;
}

/**
 * Rows times packed panel: `out[r, 0..cols) (+)= bias + sum over segments and k of in[r][offset + k] * panel[k, 0..8)`.
 * @param table per row: address of its input, address of its output row (4 bytes each); 6 entries, the unused repeated
 * @param shift bytes added to every input address
 * @param segments `count` pairs: byte offset from the row's input address, length in floats
 * @param panel packed right-hand side, 8 floats per k, segments one after another
 * @param column bytes from an output row's address to the panel's first column
 * @param bias address of 8 floats (those beyond `cols` are not used), or 0
 */
export function rowsTile(
  table: usize,
  rows: i32,
  shift: usize,
  segments: usize,
  count: i32,
  panel: usize,
  column: usize,
  cols: i32,
  bias: usize,
  flags: i32,
): void {
  const i0 = load<u32>(table, 0) + shift;
  const i1 = load<u32>(table, 8) + shift;
  const i2 = load<u32>(table, 16) + shift;
  const i3 = load<u32>(table, 24) + shift;
  const i4 = load<u32>(table, 32) + shift;
  const i5 = load<u32>(table, 40) + shift;
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0);
  let c51 = f32x4.splat(0);
  if (bias) {
    const low = loadPart(bias, cols);
    const high = cols > 4 ? loadPart(bias + 16, cols - 4) : f32x4.splat(0);
    c00 = low;
    c01 = high;
    c10 = low;
    c11 = high;
    c20 = low;
    c21 = high;
    c30 = low;
    c31 = high;
    c40 = low;
    c41 = high;
    c50 = low;
    c51 = high;
  } else if (flags & ACCUMULATE) {
    {
      const o0 = load<u32>(table, 4) + column;
      c00 = loadPart(o0, cols);
      if (cols > 4) c01 = loadPart(o0 + 16, cols - 4);
    }
    {
      const o1 = load<u32>(table, 12) + column;
      c10 = loadPart(o1, cols);
      if (cols > 4) c11 = loadPart(o1 + 16, cols - 4);
    }
    {
      const o2 = load<u32>(table, 20) + column;
      c20 = loadPart(o2, cols);
      if (cols > 4) c21 = loadPart(o2 + 16, cols - 4);
    }
    {
      const o3 = load<u32>(table, 28) + column;
      c30 = loadPart(o3, cols);
      if (cols > 4) c31 = loadPart(o3 + 16, cols - 4);
    }
    {
      const o4 = load<u32>(table, 36) + column;
      c40 = loadPart(o4, cols);
      if (cols > 4) c41 = loadPart(o4 + 16, cols - 4);
    }
    {
      const o5 = load<u32>(table, 44) + column;
      c50 = loadPart(o5, cols);
      if (cols > 4) c51 = loadPart(o5 + 16, cols - 4);
    }
  }
  for (let s = 0; s < count; s++) {
    const offset = load<u32>(segments);
    let k = load<i32>(segments, 4);
    segments += 8;
    let a0 = i0 + offset;
    let a1 = i1 + offset;
    let a2 = i2 + offset;
    let a3 = i3 + offset;
    let a4 = i4 + offset;
    let a5 = i5 + offset;
    let p0: v128, p1: v128, s0: v128;
    while (k >= 2) {
      p0 = v128.load(panel, 0);
      p1 = v128.load(panel, 16);
      s0 = v128.load32_splat(a0);
      c00 = f32x4.add(c00, f32x4.mul(s0, p0));
      c01 = f32x4.add(c01, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a1);
      c10 = f32x4.add(c10, f32x4.mul(s0, p0));
      c11 = f32x4.add(c11, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a2);
      c20 = f32x4.add(c20, f32x4.mul(s0, p0));
      c21 = f32x4.add(c21, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a3);
      c30 = f32x4.add(c30, f32x4.mul(s0, p0));
      c31 = f32x4.add(c31, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a4);
      c40 = f32x4.add(c40, f32x4.mul(s0, p0));
      c41 = f32x4.add(c41, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a5);
      c50 = f32x4.add(c50, f32x4.mul(s0, p0));
      c51 = f32x4.add(c51, f32x4.mul(s0, p1));
      p0 = v128.load(panel, 32);
      p1 = v128.load(panel, 48);
      s0 = v128.load32_splat(a0, 4);
      c00 = f32x4.add(c00, f32x4.mul(s0, p0));
      c01 = f32x4.add(c01, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a1, 4);
      c10 = f32x4.add(c10, f32x4.mul(s0, p0));
      c11 = f32x4.add(c11, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a2, 4);
      c20 = f32x4.add(c20, f32x4.mul(s0, p0));
      c21 = f32x4.add(c21, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a3, 4);
      c30 = f32x4.add(c30, f32x4.mul(s0, p0));
      c31 = f32x4.add(c31, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a4, 4);
      c40 = f32x4.add(c40, f32x4.mul(s0, p0));
      c41 = f32x4.add(c41, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a5, 4);
      c50 = f32x4.add(c50, f32x4.mul(s0, p0));
      c51 = f32x4.add(c51, f32x4.mul(s0, p1));
      a0 += 8;
      a1 += 8;
      a2 += 8;
      a3 += 8;
      a4 += 8;
      a5 += 8;
      panel += 64;
      k -= 2;
    }
    if (k) {
      p0 = v128.load(panel, 0);
      p1 = v128.load(panel, 16);
      s0 = v128.load32_splat(a0);
      c00 = f32x4.add(c00, f32x4.mul(s0, p0));
      c01 = f32x4.add(c01, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a1);
      c10 = f32x4.add(c10, f32x4.mul(s0, p0));
      c11 = f32x4.add(c11, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a2);
      c20 = f32x4.add(c20, f32x4.mul(s0, p0));
      c21 = f32x4.add(c21, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a3);
      c30 = f32x4.add(c30, f32x4.mul(s0, p0));
      c31 = f32x4.add(c31, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a4);
      c40 = f32x4.add(c40, f32x4.mul(s0, p0));
      c41 = f32x4.add(c41, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a5);
      c50 = f32x4.add(c50, f32x4.mul(s0, p0));
      c51 = f32x4.add(c51, f32x4.mul(s0, p1));
      panel += 32;
    }
  }
  storeRow(load<u32>(table, 4) + column, c00, c01, cols, flags);
  if (rows > 1) storeRow(load<u32>(table, 12) + column, c10, c11, cols, flags);
  if (rows > 2) storeRow(load<u32>(table, 20) + column, c20, c21, cols, flags);
  if (rows > 3) storeRow(load<u32>(table, 28) + column, c30, c31, cols, flags);
  if (rows > 4) storeRow(load<u32>(table, 36) + column, c40, c41, cols, flags);
  if (rows > 5) storeRow(load<u32>(table, 44) + column, c50, c51, cols, flags);
}

/**
 * Transposed left side times packed panel: `out[r, 0..8) (+)= sum over steps of a[step, r] * panel[step, 0..8)`. The steps
 * are `outer` runs of `inner`; `a` moves by `step` bytes within a run and by `jump` bytes from one run to the next.
 * Six columns of `a` are read even where `rows` is less.
 * @param out destination rows of `pitch` bytes; all 8 columns are written unless `cols` is less
 */
export function columnsTile(
  a: usize,
  step: usize,
  inner: i32,
  jump: usize,
  outer: i32,
  panel: usize,
  out: usize,
  pitch: usize,
  rows: i32,
  cols: i32,
  bias: usize,
  flags: i32,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0);
  let c51 = f32x4.splat(0);
  if (bias) {
    const low = loadPart(bias, cols);
    const high = cols > 4 ? loadPart(bias + 16, cols - 4) : f32x4.splat(0);
    c00 = low;
    c01 = high;
    c10 = low;
    c11 = high;
    c20 = low;
    c21 = high;
    c30 = low;
    c31 = high;
    c40 = low;
    c41 = high;
    c50 = low;
    c51 = high;
  } else if (flags & ACCUMULATE) {
    let o = out;
    {
      c00 = loadPart(o, cols);
      if (cols > 4) c01 = loadPart(o + 16, cols - 4);
      o += pitch;
    }
    if (rows > 1) {
      c10 = loadPart(o, cols);
      if (cols > 4) c11 = loadPart(o + 16, cols - 4);
      o += pitch;
    }
    if (rows > 2) {
      c20 = loadPart(o, cols);
      if (cols > 4) c21 = loadPart(o + 16, cols - 4);
      o += pitch;
    }
    if (rows > 3) {
      c30 = loadPart(o, cols);
      if (cols > 4) c31 = loadPart(o + 16, cols - 4);
      o += pitch;
    }
    if (rows > 4) {
      c40 = loadPart(o, cols);
      if (cols > 4) c41 = loadPart(o + 16, cols - 4);
      o += pitch;
    }
    if (rows > 5) {
      c50 = loadPart(o, cols);
      if (cols > 4) c51 = loadPart(o + 16, cols - 4);
      o += pitch;
    }
  }
  for (let run = 0; run < outer; run++) {
    let a0 = a;
    let k = inner;
    let p0: v128, p1: v128, s0: v128;
    while (k >= 2) {
      const a1 = a0 + step;
      p0 = v128.load(panel, 0);
      p1 = v128.load(panel, 16);
      s0 = v128.load32_splat(a0);
      c00 = f32x4.add(c00, f32x4.mul(s0, p0));
      c01 = f32x4.add(c01, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 4);
      c10 = f32x4.add(c10, f32x4.mul(s0, p0));
      c11 = f32x4.add(c11, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 8);
      c20 = f32x4.add(c20, f32x4.mul(s0, p0));
      c21 = f32x4.add(c21, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 12);
      c30 = f32x4.add(c30, f32x4.mul(s0, p0));
      c31 = f32x4.add(c31, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 16);
      c40 = f32x4.add(c40, f32x4.mul(s0, p0));
      c41 = f32x4.add(c41, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 20);
      c50 = f32x4.add(c50, f32x4.mul(s0, p0));
      c51 = f32x4.add(c51, f32x4.mul(s0, p1));
      p0 = v128.load(panel, 32);
      p1 = v128.load(panel, 48);
      s0 = v128.load32_splat(a1);
      c00 = f32x4.add(c00, f32x4.mul(s0, p0));
      c01 = f32x4.add(c01, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a1, 4);
      c10 = f32x4.add(c10, f32x4.mul(s0, p0));
      c11 = f32x4.add(c11, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a1, 8);
      c20 = f32x4.add(c20, f32x4.mul(s0, p0));
      c21 = f32x4.add(c21, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a1, 12);
      c30 = f32x4.add(c30, f32x4.mul(s0, p0));
      c31 = f32x4.add(c31, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a1, 16);
      c40 = f32x4.add(c40, f32x4.mul(s0, p0));
      c41 = f32x4.add(c41, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a1, 20);
      c50 = f32x4.add(c50, f32x4.mul(s0, p0));
      c51 = f32x4.add(c51, f32x4.mul(s0, p1));

      a0 = a1 + step;
      panel += 64;
      k -= 2;
    }
    if (k) {
      p0 = v128.load(panel, 0);
      p1 = v128.load(panel, 16);
      s0 = v128.load32_splat(a0);
      c00 = f32x4.add(c00, f32x4.mul(s0, p0));
      c01 = f32x4.add(c01, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 4);
      c10 = f32x4.add(c10, f32x4.mul(s0, p0));
      c11 = f32x4.add(c11, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 8);
      c20 = f32x4.add(c20, f32x4.mul(s0, p0));
      c21 = f32x4.add(c21, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 12);
      c30 = f32x4.add(c30, f32x4.mul(s0, p0));
      c31 = f32x4.add(c31, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 16);
      c40 = f32x4.add(c40, f32x4.mul(s0, p0));
      c41 = f32x4.add(c41, f32x4.mul(s0, p1));
      s0 = v128.load32_splat(a0, 20);
      c50 = f32x4.add(c50, f32x4.mul(s0, p0));
      c51 = f32x4.add(c51, f32x4.mul(s0, p1));
      panel += 32;
    }
    a += jump;
  }
  storeRow(out, c00, c01, cols, flags);
  if (rows > 1) storeRow(out + pitch, c10, c11, cols, flags);
  if (rows > 2) storeRow(out + pitch * 2, c20, c21, cols, flags);
  if (rows > 3) storeRow(out + pitch * 3, c30, c31, cols, flags);
  if (rows > 4) storeRow(out + pitch * 4, c40, c41, cols, flags);
  if (rows > 5) storeRow(out + pitch * 5, c50, c51, cols, flags);
}
