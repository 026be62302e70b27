/**
 * The inner loops that everything heavy is made of: a tile of 6 rows by 8 columns in 12 accumulators. Of all tiles measured
 * in V8 this was the fastest: accumulators, two columns, a broadcast and a product just fill the 16 SSE registers.
 *
 * Each function is one loop without calls, branches or another loop around it: V8 spills a value where it is defined,
 * inside the loop, as soon as it is spilled anywhere, and the tile then runs at half its speed. They are exported from the
 * module because Binaryen would inline them into a single caller.
 *
 * A table has 8 bytes for each row: the address of its input, the address of its output. Six entries are always used.
 * Outputs are whole tiles; `column` is added to their addresses. A panel is a packed right-hand side, 8 floats per term.
 */

/** Rows of a tile. */
export const TILE_ROWS: i32 = 6;
/** Bytes of a tile's accumulators. */
export const TILE_BYTES: usize = 192;

/**
 * `out[r] = sum over k of in[r][offset + k] * panel[k]`.
 * @param offset bytes from a row's address to its first term
 * @param k terms; an odd last one is left to {@link addRowTerm}
 */
export function sumRows(table: usize, offset: usize, k: i32, panel: usize, column: usize): void {
  let a0: usize = load<u32>(table) + offset;
  let a1: usize = load<u32>(table, 8) + offset;
  let a2: usize = load<u32>(table, 16) + offset;
  let a3: usize = load<u32>(table, 24) + offset;
  let a4: usize = load<u32>(table, 32) + offset;
  let a5: usize = load<u32>(table, 40) + offset;
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
  const o0: usize = load<u32>(table, 4) + column;
  const o1: usize = load<u32>(table, 12) + column;
  const o2: usize = load<u32>(table, 20) + column;
  const o3: usize = load<u32>(table, 28) + column;
  const o4: usize = load<u32>(table, 36) + column;
  const o5: usize = load<u32>(table, 44) + column;
  v128.store(o0, c00);
  v128.store(o0, c01, 16);
  v128.store(o1, c10);
  v128.store(o1, c11, 16);
  v128.store(o2, c20);
  v128.store(o2, c21, 16);
  v128.store(o3, c30);
  v128.store(o3, c31, 16);
  v128.store(o4, c40);
  v128.store(o4, c41, 16);
  v128.store(o5, c50);
  v128.store(o5, c51, 16);
}

/** {@link sumRows} added to what the outputs hold. */
export function addRows(table: usize, offset: usize, k: i32, panel: usize, column: usize): void {
  let a0: usize = load<u32>(table) + offset;
  let a1: usize = load<u32>(table, 8) + offset;
  let a2: usize = load<u32>(table, 16) + offset;
  let a3: usize = load<u32>(table, 24) + offset;
  let a4: usize = load<u32>(table, 32) + offset;
  let a5: usize = load<u32>(table, 40) + offset;
  const o0: usize = load<u32>(table, 4) + column;
  const o1: usize = load<u32>(table, 12) + column;
  const o2: usize = load<u32>(table, 20) + column;
  const o3: usize = load<u32>(table, 28) + column;
  const o4: usize = load<u32>(table, 36) + column;
  const o5: usize = load<u32>(table, 44) + column;
  let c00 = v128.load(o0);
  let c01 = v128.load(o0, 16);
  let c10 = v128.load(o1);
  let c11 = v128.load(o1, 16);
  let c20 = v128.load(o2);
  let c21 = v128.load(o2, 16);
  let c30 = v128.load(o3);
  let c31 = v128.load(o3, 16);
  let c40 = v128.load(o4);
  let c41 = v128.load(o4, 16);
  let c50 = v128.load(o5);
  let c51 = v128.load(o5, 16);
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
  const t0: usize = load<u32>(table, 4) + column;
  const t1: usize = load<u32>(table, 12) + column;
  const t2: usize = load<u32>(table, 20) + column;
  const t3: usize = load<u32>(table, 28) + column;
  const t4: usize = load<u32>(table, 36) + column;
  const t5: usize = load<u32>(table, 44) + column;
  v128.store(t0, c00);
  v128.store(t0, c01, 16);
  v128.store(t1, c10);
  v128.store(t1, c11, 16);
  v128.store(t2, c20);
  v128.store(t2, c21, 16);
  v128.store(t3, c30);
  v128.store(t3, c31, 16);
  v128.store(t4, c40);
  v128.store(t4, c41, 16);
  v128.store(t5, c50);
  v128.store(t5, c51, 16);
}

/** One term of {@link addRows}. */
export function addRowTerm(table: usize, offset: usize, panel: usize, column: usize): void {
  const p0 = v128.load(panel);
  const p1 = v128.load(panel, 16);
  for (let r = 0; r < TILE_ROWS; r++) {
    const s0 = v128.load32_splat(<usize>load<u32>(table) + offset);
    const o: usize = load<u32>(table, 4) + column;
    v128.store(o, f32x4.add(v128.load(o), f32x4.mul(s0, p0)));
    v128.store(o, f32x4.add(v128.load(o, 16), f32x4.mul(s0, p1)), 16);
    table += 8;
  }
}

/**
 * `out[r] = sum over k of in[r][steps[k]] * panel[k]`: as {@link sumRows} for terms that lie in many short runs.
 * @param steps byte offset of each term from its row's address, 4 bytes each
 * @param k terms, an even number
 */
export function sumRowSteps(table: usize, steps: usize, k: i32, panel: usize, column: usize): void {
  const i0: usize = load<u32>(table);
  const i1: usize = load<u32>(table, 8);
  const i2: usize = load<u32>(table, 16);
  const i3: usize = load<u32>(table, 24);
  const i4: usize = load<u32>(table, 32);
  const i5: usize = load<u32>(table, 40);
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
  let p0: v128, p1: v128, s0: v128;
  while (k > 0) {
    const t0: usize = load<u32>(steps);
    const t1: usize = load<u32>(steps, 4);
    p0 = v128.load(panel);
    p1 = v128.load(panel, 16);
    s0 = v128.load32_splat(i0 + t0);
    c00 = f32x4.add(c00, f32x4.mul(s0, p0));
    c01 = f32x4.add(c01, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i1 + t0);
    c10 = f32x4.add(c10, f32x4.mul(s0, p0));
    c11 = f32x4.add(c11, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i2 + t0);
    c20 = f32x4.add(c20, f32x4.mul(s0, p0));
    c21 = f32x4.add(c21, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i3 + t0);
    c30 = f32x4.add(c30, f32x4.mul(s0, p0));
    c31 = f32x4.add(c31, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i4 + t0);
    c40 = f32x4.add(c40, f32x4.mul(s0, p0));
    c41 = f32x4.add(c41, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i5 + t0);
    c50 = f32x4.add(c50, f32x4.mul(s0, p0));
    c51 = f32x4.add(c51, f32x4.mul(s0, p1));
    p0 = v128.load(panel, 32);
    p1 = v128.load(panel, 48);
    s0 = v128.load32_splat(i0 + t1);
    c00 = f32x4.add(c00, f32x4.mul(s0, p0));
    c01 = f32x4.add(c01, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i1 + t1);
    c10 = f32x4.add(c10, f32x4.mul(s0, p0));
    c11 = f32x4.add(c11, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i2 + t1);
    c20 = f32x4.add(c20, f32x4.mul(s0, p0));
    c21 = f32x4.add(c21, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i3 + t1);
    c30 = f32x4.add(c30, f32x4.mul(s0, p0));
    c31 = f32x4.add(c31, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i4 + t1);
    c40 = f32x4.add(c40, f32x4.mul(s0, p0));
    c41 = f32x4.add(c41, f32x4.mul(s0, p1));
    s0 = v128.load32_splat(i5 + t1);
    c50 = f32x4.add(c50, f32x4.mul(s0, p0));
    c51 = f32x4.add(c51, f32x4.mul(s0, p1));
    steps += 8;
    panel += 64;
    k -= 2;
  }
  const o0: usize = load<u32>(table, 4) + column;
  const o1: usize = load<u32>(table, 12) + column;
  const o2: usize = load<u32>(table, 20) + column;
  const o3: usize = load<u32>(table, 28) + column;
  const o4: usize = load<u32>(table, 36) + column;
  const o5: usize = load<u32>(table, 44) + column;
  v128.store(o0, c00);
  v128.store(o0, c01, 16);
  v128.store(o1, c10);
  v128.store(o1, c11, 16);
  v128.store(o2, c20);
  v128.store(o2, c21, 16);
  v128.store(o3, c30);
  v128.store(o3, c31, 16);
  v128.store(o4, c40);
  v128.store(o4, c41, 16);
  v128.store(o5, c50);
  v128.store(o5, c51, 16);
}
