/** Ends a sum with a rectifier. */
export const RELU: i32 = 1;
/** Adds to what the destination holds. */
export const ACCUMULATE: i32 = 2;

/**
 * Writes one row of a tile: `to = rectify(tile + bias + to)`, each of the three on request.
 * @param cols columns that exist, 8 or less
 * @param bias address of the panel's biases, or 0
 */
export function finishRow(tile: usize, to: usize, cols: i32, bias: usize, flags: i32): void {
  const none = f32x4.splat(0);
  if (cols >= 8) {
    let low = v128.load(tile);
    let high = v128.load(tile, 16);
    if (bias) {
      low = f32x4.add(low, v128.load(bias));
      high = f32x4.add(high, v128.load(bias, 16));
    }
    if (flags & ACCUMULATE) {
      low = f32x4.add(low, v128.load(to));
      high = f32x4.add(high, v128.load(to, 16));
    }
    if (flags & RELU) {
      low = f32x4.max(low, none);
      high = f32x4.max(high, none);
    }
    v128.store(to, low);
    v128.store(to, high, 16);
    return;
  }
  for (let c = 0; c < cols; c++) {
    const at = (<usize>c) << 2;
    let value = f32.load(tile + at);
    if (bias) value += f32.load(bias + at);
    if (flags & ACCUMULATE) value += f32.load(to + at);
    if (flags & RELU) value = max<f32>(value, 0);
    f32.store(to + at, value);
  }
}
