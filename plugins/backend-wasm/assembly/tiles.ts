/**
 * The inner loops that everything heavy is made of: a tile of 6 rows by 8 columns in 12 accumulators. Of all tiles measured
 * in V8 this was the fastest: accumulators, two columns, a broadcast and a product just fill the 16 SSE registers.
 *
 * Each function is one loop, without calls, remainder or loop around it, and keeps the tile in memory between calls: V8
 * spills a value where it is defined, inside the loop, as soon as it is spilled anywhere, and the tile then runs at half its
 * speed. They are exported from the module because Binaryen would inline them into a single caller.
 */

/** Rows of a tile. */
export const TILE_ROWS: i32 = 6;
/** Bytes of a tile's accumulators. */
export const TILE_BYTES: usize = 192;

/**
 * `tile[r] += sum over k of in[r][offset + k] * panel[k][0..8)`.
 * @param table per row 8 bytes, the first four of which are the address of its input; 6 entries
 * @param offset bytes from a row's address to its first term
 * @param k terms; an odd last one is left to {@link addRowTerm}
 * @param panel packed right-hand side, 8 floats per term
 * @param tile 6 x 8 floats
 */
export function addRows(table: usize, offset: usize, k: i32, panel: usize, tile: usize): void {
  let a0: usize = load<u32>(table) + offset;
  let a1: usize = load<u32>(table, 8) + offset;
  let a2: usize = load<u32>(table, 16) + offset;
  let a3: usize = load<u32>(table, 24) + offset;
  let a4: usize = load<u32>(table, 32) + offset;
  let a5: usize = load<u32>(table, 40) + offset;
  let c00 = v128.load(tile);
  let c01 = v128.load(tile, 16);
  let c10 = v128.load(tile, 32);
  let c11 = v128.load(tile, 48);
  let c20 = v128.load(tile, 64);
  let c21 = v128.load(tile, 80);
  let c30 = v128.load(tile, 96);
  let c31 = v128.load(tile, 112);
  let c40 = v128.load(tile, 128);
  let c41 = v128.load(tile, 144);
  let c50 = v128.load(tile, 160);
  let c51 = v128.load(tile, 176);
  let p0: v128, p1: v128, s0: v128;
  while (k >= 2) {
    p0 = v128.load(panel);
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
  v128.store(tile, c00);
  v128.store(tile, c01, 16);
  v128.store(tile, c10, 32);
  v128.store(tile, c11, 48);
  v128.store(tile, c20, 64);
  v128.store(tile, c21, 80);
  v128.store(tile, c30, 96);
  v128.store(tile, c31, 112);
  v128.store(tile, c40, 128);
  v128.store(tile, c41, 144);
  v128.store(tile, c50, 160);
  v128.store(tile, c51, 176);
}

/** One term of {@link addRows}. */
export function addRowTerm(table: usize, offset: usize, panel: usize, tile: usize): void {
  const p0 = v128.load(panel);
  const p1 = v128.load(panel, 16);
  for (let r = 0; r < TILE_ROWS; r++) {
    const s0 = v128.load32_splat(<usize>load<u32>(table) + offset);
    v128.store(tile, f32x4.add(v128.load(tile), f32x4.mul(s0, p0)));
    v128.store(tile, f32x4.add(v128.load(tile, 16), f32x4.mul(s0, p1)), 16);
    table += 8;
    tile += 32;
  }
}

/**
 * `tile[r] += sum over k of in[steps[k]][r] * panel[k][0..8)`: the left side is read by columns.
 * @param a address that the steps are relative to
 * @param steps byte offset of each term, 4 bytes each
 * @param k terms, an even number
 */
export function addColumns(a: usize, steps: usize, k: i32, panel: usize, tile: usize): void {
  let c00 = v128.load(tile);
  let c01 = v128.load(tile, 16);
  let c10 = v128.load(tile, 32);
  let c11 = v128.load(tile, 48);
  let c20 = v128.load(tile, 64);
  let c21 = v128.load(tile, 80);
  let c30 = v128.load(tile, 96);
  let c31 = v128.load(tile, 112);
  let c40 = v128.load(tile, 128);
  let c41 = v128.load(tile, 144);
  let c50 = v128.load(tile, 160);
  let c51 = v128.load(tile, 176);
  let p0: v128, p1: v128, s0: v128;
  while (k > 0) {
    const a0 = a + load<u32>(steps);
    const a1 = a + load<u32>(steps, 4);
    p0 = v128.load(panel);
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
    steps += 8;
    panel += 64;
    k -= 2;
  }
  v128.store(tile, c00);
  v128.store(tile, c01, 16);
  v128.store(tile, c10, 32);
  v128.store(tile, c11, 48);
  v128.store(tile, c20, 64);
  v128.store(tile, c21, 80);
  v128.store(tile, c30, 96);
  v128.store(tile, c31, 112);
  v128.store(tile, c40, 128);
  v128.store(tile, c41, 144);
  v128.store(tile, c50, 160);
  v128.store(tile, c51, 176);
}

/** {@link addColumns} of a left side packed by tiles: 6 floats per term. */
export function addPackedColumns(a: usize, k: i32, panel: usize, tile: usize): void {
  let c00 = v128.load(tile);
  let c01 = v128.load(tile, 16);
  let c10 = v128.load(tile, 32);
  let c11 = v128.load(tile, 48);
  let c20 = v128.load(tile, 64);
  let c21 = v128.load(tile, 80);
  let c30 = v128.load(tile, 96);
  let c31 = v128.load(tile, 112);
  let c40 = v128.load(tile, 128);
  let c41 = v128.load(tile, 144);
  let c50 = v128.load(tile, 160);
  let c51 = v128.load(tile, 176);
  let p0: v128, p1: v128, s0: v128;
  while (k > 0) {
    p0 = v128.load(panel);
    p1 = v128.load(panel, 16);
    s0 = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(s0, p0));
    c01 = f32x4.add(c01, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(s0, p0));
    c11 = f32x4.add(c11, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(s0, p0));
    c21 = f32x4.add(c21, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(s0, p0));
    c31 = f32x4.add(c31, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 16);
    c40 = f32x4.add(c40, f32x4.mul(s0, p0));
    c41 = f32x4.add(c41, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 20);
    c50 = f32x4.add(c50, f32x4.mul(s0, p0));
    c51 = f32x4.add(c51, f32x4.mul(s0, p1));
    p0 = v128.load(panel, 32);
    p1 = v128.load(panel, 48);
    s0 = v128.load32_splat(a, 24);
    c00 = f32x4.add(c00, f32x4.mul(s0, p0));
    c01 = f32x4.add(c01, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 28);
    c10 = f32x4.add(c10, f32x4.mul(s0, p0));
    c11 = f32x4.add(c11, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 32);
    c20 = f32x4.add(c20, f32x4.mul(s0, p0));
    c21 = f32x4.add(c21, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 36);
    c30 = f32x4.add(c30, f32x4.mul(s0, p0));
    c31 = f32x4.add(c31, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 40);
    c40 = f32x4.add(c40, f32x4.mul(s0, p0));
    c41 = f32x4.add(c41, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(a, 44);
    c50 = f32x4.add(c50, f32x4.mul(s0, p0));
    c51 = f32x4.add(c51, f32x4.mul(s0, p1));
    a += 48;
    panel += 64;
    k -= 2;
  }
  v128.store(tile, c00);
  v128.store(tile, c01, 16);
  v128.store(tile, c10, 32);
  v128.store(tile, c11, 48);
  v128.store(tile, c20, 64);
  v128.store(tile, c21, 80);
  v128.store(tile, c30, 96);
  v128.store(tile, c31, 112);
  v128.store(tile, c40, 128);
  v128.store(tile, c41, 144);
  v128.store(tile, c50, 160);
  v128.store(tile, c51, 176);
}

/** Empties a tile. */
export function clearTile(tile: usize): void {
  const none = f32x4.splat(0);
  v128.store(tile, none);
  v128.store(tile, none, 16);
  v128.store(tile, none, 32);
  v128.store(tile, none, 48);
  v128.store(tile, none, 64);
  v128.store(tile, none, 80);
  v128.store(tile, none, 96);
  v128.store(tile, none, 112);
  v128.store(tile, none, 128);
  v128.store(tile, none, 144);
  v128.store(tile, none, 160);
  v128.store(tile, none, 176);
}
