/**
 * Inner loops that read the left side by columns; what is said in `row-tiles.ts` holds here too.
 */

/**
 * `out[r] += sum over k of in[steps[k]][r] * panel[k]`.
 * @param a address that the steps are relative to
 * @param steps byte offset of each term, 4 bytes each
 * @param k terms, an even number
 * @param pitch bytes from one output row to the next
 */
export function addColumns(a: usize, steps: usize, k: i32, panel: usize, out: usize, pitch: usize): void {
  let o = out;
  let c00 = v128.load(o);
  let c01 = v128.load(o, 16);
  o += pitch;
  let c10 = v128.load(o);
  let c11 = v128.load(o, 16);
  o += pitch;
  let c20 = v128.load(o);
  let c21 = v128.load(o, 16);
  o += pitch;
  let c30 = v128.load(o);
  let c31 = v128.load(o, 16);
  o += pitch;
  let c40 = v128.load(o);
  let c41 = v128.load(o, 16);
  o += pitch;
  let c50 = v128.load(o);
  let c51 = v128.load(o, 16);
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
  o = out;
  v128.store(o, c00);
  v128.store(o, c01, 16);
  o += pitch;
  v128.store(o, c10);
  v128.store(o, c11, 16);
  o += pitch;
  v128.store(o, c20);
  v128.store(o, c21, 16);
  o += pitch;
  v128.store(o, c30);
  v128.store(o, c31, 16);
  o += pitch;
  v128.store(o, c40);
  v128.store(o, c41, 16);
  o += pitch;
  v128.store(o, c50);
  v128.store(o, c51, 16);
}

/**
 * `out[r] = sum over k of a[k][r] * panel[k]`, the left side packed by tiles: 6 floats per term.
 * @param k terms, an even number
 * @param pitch bytes from one output row to the next
 */
export function sumPackedColumns(a: usize, k: i32, panel: usize, out: usize, pitch: usize): void {
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
  let o = out;
  v128.store(o, c00);
  v128.store(o, c01, 16);
  o += pitch;
  v128.store(o, c10);
  v128.store(o, c11, 16);
  o += pitch;
  v128.store(o, c20);
  v128.store(o, c21, 16);
  o += pitch;
  v128.store(o, c30);
  v128.store(o, c31, 16);
  o += pitch;
  v128.store(o, c40);
  v128.store(o, c41, 16);
  o += pitch;
  v128.store(o, c50);
  v128.store(o, c51, 16);
}
