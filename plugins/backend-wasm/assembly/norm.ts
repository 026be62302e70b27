import { float, int, partStart, word } from './args';

/**
 * Training batch norm over rows of channels. Statistics are gathered per part of the rows as mean and sum of squared
 * deviations and merged pairwise (Chan, Golub & LeVeque 1983), which stays exact for large means.
 */

/**
 * Statistics of one part: `[mean C][squared deviations C]`.
 * args: 0 x, 1 statistics, 2 rows, 3 channels, 4 parts
 */
export function normStatistics(args: usize, chunk: i32): void {
  const channels = int(args, 3);
  const row0 = partStart(int(args, 2), 1, int(args, 4), chunk);
  const rows = partStart(int(args, 2), 1, int(args, 4), chunk + 1) - row0;
  const pitch = (<usize>channels) << 2;
  const x = word(args, 0) + row0 * pitch;
  const means = word(args, 1) + chunk * 2 * pitch;
  const squares = means + pitch;
  const share: f32 = 1 / <f32>rows;
  let c = 0;
  for (; c + 16 <= channels; c += 16) {
    const at = (<usize>c) << 2;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let from = x + at;
    for (let r = 0; r < rows; r++) {
      s0 = f32x4.add(s0, v128.load(from));
      s1 = f32x4.add(s1, v128.load(from, 16));
      s2 = f32x4.add(s2, v128.load(from, 32));
      s3 = f32x4.add(s3, v128.load(from, 48));
      from += pitch;
    }
    const scale = f32x4.splat(share);
    const m0 = f32x4.mul(s0, scale);
    const m1 = f32x4.mul(s1, scale);
    const m2 = f32x4.mul(s2, scale);
    const m3 = f32x4.mul(s3, scale);
    s0 = f32x4.splat(0);
    s1 = s0;
    s2 = s0;
    s3 = s0;
    from = x + at;
    for (let r = 0; r < rows; r++) {
      const d0 = f32x4.sub(v128.load(from), m0);
      const d1 = f32x4.sub(v128.load(from, 16), m1);
      const d2 = f32x4.sub(v128.load(from, 32), m2);
      const d3 = f32x4.sub(v128.load(from, 48), m3);
      s0 = f32x4.add(s0, f32x4.mul(d0, d0));
      s1 = f32x4.add(s1, f32x4.mul(d1, d1));
      s2 = f32x4.add(s2, f32x4.mul(d2, d2));
      s3 = f32x4.add(s3, f32x4.mul(d3, d3));
      from += pitch;
    }
    v128.store(means + at, m0);
    v128.store(means + at, m1, 16);
    v128.store(means + at, m2, 32);
    v128.store(means + at, m3, 48);
    v128.store(squares + at, s0);
    v128.store(squares + at, s1, 16);
    v128.store(squares + at, s2, 32);
    v128.store(squares + at, s3, 48);
  }
  for (; c < channels; c++) {
    const at = (<usize>c) << 2;
    let sum: f32 = 0;
    let from = x + at;
    for (let r = 0; r < rows; r++) {
      sum += f32.load(from);
      from += pitch;
    }
    const mean = sum * share;
    let square: f32 = 0;
    from = x + at;
    for (let r = 0; r < rows; r++) {
      const d = f32.load(from) - mean;
      square += d * d;
      from += pitch;
    }
    f32.store(means + at, mean);
    f32.store(squares + at, square);
  }
}

/**
 * Merges the parts' statistics; one chunk.
 * args: 0 statistics, 1 mean, 2 inverse standard deviation, 3 biased variance, 4 gamma, 5 beta, 6 scale, 7 shift (both
 * scratch), 8 rows, 9 channels, 10 parts, 11 epsilon
 */
export function normMerge(args: usize): void {
  const rows = int(args, 8);
  const channels = int(args, 9);
  const parts = int(args, 10);
  const pitch = (<usize>channels) << 2;
  for (let c = 0; c < channels; c++) {
    const at = (<usize>c) << 2;
    let from = word(args, 0) + at;
    let count: f64 = 0;
    let mean: f64 = 0;
    let squares: f64 = 0;
    for (let p = 0; p < parts; p++) {
      const more = <f64>(partStart(rows, 1, parts, p + 1) - partStart(rows, 1, parts, p));
      if (more > 0) {
        const delta = <f64>f32.load(from) - mean;
        const total = count + more;
        mean += (delta * more) / total;
        squares += <f64>f32.load(from + pitch) + (delta * delta * count * more) / total;
        count = total;
      }
      from += pitch * 2;
    }
    const variance = squares / <f64>rows;
    const inverse = 1 / sqrt<f64>(variance + <f64>float(args, 11));
    const scale = <f64>f32.load(word(args, 4) + at) * inverse;
    f32.store(word(args, 1) + at, <f32>mean);
    f32.store(word(args, 2) + at, <f32>inverse);
    f32.store(word(args, 3) + at, <f32>variance);
    f32.store(word(args, 6) + at, <f32>scale);
    f32.store(word(args, 7) + at, <f32>(<f64>f32.load(word(args, 5) + at) - mean * scale));
  }
}

/**
 * `y = x * scale + shift`, rectified on request, per channel.
 * args: 0 x, 1 y, 2 scale, 3 shift, 4 rows, 5 channels, 6 parts, 7 rectify
 */
export function normApply(args: usize, chunk: i32): void {
  const channels = int(args, 5);
  const row0 = partStart(int(args, 4), 1, int(args, 6), chunk);
  const row1 = partStart(int(args, 4), 1, int(args, 6), chunk + 1);
  const scales = word(args, 2);
  const shifts = word(args, 3);
  const floor: f32 = int(args, 7) ? 0 : -Infinity;
  const floors = f32x4.splat(floor);
  let x = word(args, 0) + ((<usize>row0 * channels) << 2);
  let y = word(args, 1) + ((<usize>row0 * channels) << 2);
  for (let r = row0; r < row1; r++) {
    let c = 0;
    for (; c + 4 <= channels; c += 4) {
      const at = (<usize>c) << 2;
      const value = f32x4.add(f32x4.mul(v128.load(x), v128.load(scales + at)), v128.load(shifts + at));
      v128.store(y, f32x4.max(value, floors));
      x += 16;
      y += 16;
    }
    for (; c < channels; c++) {
      const at = (<usize>c) << 2;
      f32.store(y, max<f32>(f32.load(x) * f32.load(scales + at) + f32.load(shifts + at), floor));
      x += 4;
      y += 4;
    }
  }
}

/**
 * Sums of one part for the gradient: `[sum of dy C][sum of dy * (x - mean) C]`; dy counts only where y > 0 if y is given.
 * args: 0 dy, 1 x, 2 y or 0, 3 mean, 4 sums, 5 rows, 6 channels, 7 parts
 */
export function normGradSums(args: usize, chunk: i32): void {
  const channels = int(args, 6);
  const row0 = partStart(int(args, 5), 1, int(args, 7), chunk);
  const rows = partStart(int(args, 5), 1, int(args, 7), chunk + 1) - row0;
  const pitch = (<usize>channels) << 2;
  const start = row0 * pitch;
  const means = word(args, 3);
  const rectified = word(args, 2);
  const plain = word(args, 4) + chunk * 2 * pitch;
  const centred = plain + pitch;
  const none = f32x4.splat(0);
  let c = 0;
  for (; c + 8 <= channels; c += 8) {
    const at = (<usize>c) << 2;
    const m0 = v128.load(means + at);
    const m1 = v128.load(means + at, 16);
    let p0 = none;
    let p1 = none;
    let q0 = none;
    let q1 = none;
    let dy = word(args, 0) + start + at;
    let x = word(args, 1) + start + at;
    let y = rectified + start + at;
    for (let r = 0; r < rows; r++) {
      let d0 = v128.load(dy);
      let d1 = v128.load(dy, 16);
      if (rectified) {
        d0 = v128.and(d0, f32x4.gt(v128.load(y), none));
        d1 = v128.and(d1, f32x4.gt(v128.load(y, 16), none));
        y += pitch;
      }
      p0 = f32x4.add(p0, d0);
      p1 = f32x4.add(p1, d1);
      q0 = f32x4.add(q0, f32x4.mul(d0, f32x4.sub(v128.load(x), m0)));
      q1 = f32x4.add(q1, f32x4.mul(d1, f32x4.sub(v128.load(x, 16), m1)));
      dy += pitch;
      x += pitch;
    }
    v128.store(plain + at, p0);
    v128.store(plain + at, p1, 16);
    v128.store(centred + at, q0);
    v128.store(centred + at, q1, 16);
  }
  for (; c < channels; c++) {
    const at = (<usize>c) << 2;
    const mean = f32.load(means + at);
    let p: f32 = 0;
    let q: f32 = 0;
    let from = start + at;
    for (let r = 0; r < rows; r++) {
      if (!rectified || f32.load(rectified + from) > 0) {
        const d = f32.load(word(args, 0) + from);
        p += d;
        q += d * (f32.load(word(args, 1) + from) - mean);
      }
      from += pitch;
    }
    f32.store(plain + at, p);
    f32.store(centred + at, q);
  }
}

/**
 * Merges the parts' sums; one chunk. Leaves the three coefficients of `dx = a * dy + b * x + c`.
 * args: 0 sums, 1 gamma, 2 mean, 3 inverse standard deviation, 4 gradient of gamma, 5 gradient of beta,
 * 6 coefficients `[a C][b C][c C]`, 7 rows, 8 channels, 9 parts
 */
export function normGradMerge(args: usize): void {
  const channels = int(args, 8);
  const parts = int(args, 9);
  const rows = <f64>int(args, 7);
  const pitch = (<usize>channels) << 2;
  for (let c = 0; c < channels; c++) {
    const at = (<usize>c) << 2;
    let from = word(args, 0) + at;
    let plain: f64 = 0;
    let centred: f64 = 0;
    for (let p = 0; p < parts; p++) {
      plain += <f64>f32.load(from);
      centred += <f64>f32.load(from + pitch);
      from += pitch * 2;
    }
    const mean = <f64>f32.load(word(args, 2) + at);
    const inverse = <f64>f32.load(word(args, 3) + at);
    const gammaGrad = centred * inverse;
    const a = <f64>f32.load(word(args, 1) + at) * inverse;
    const b = (-a * inverse * gammaGrad) / rows;
    f32.store(word(args, 4) + at, <f32>gammaGrad);
    f32.store(word(args, 5) + at, <f32>plain);
    const coefficients = word(args, 6) + at;
    f32.store(coefficients, <f32>a);
    f32.store(coefficients + pitch, <f32>b);
    f32.store(coefficients + pitch * 2, <f32>((-a * plain) / rows - b * mean));
  }
}

/**
 * `dx = a * dy + b * x + c`, dy counted only where y > 0 if y is given.
 * args: 0 dy, 1 x, 2 y or 0, 3 coefficients, 4 dx, 5 rows, 6 channels, 7 parts
 */
export function normGradApply(args: usize, chunk: i32): void {
  const channels = int(args, 6);
  const row0 = partStart(int(args, 5), 1, int(args, 7), chunk);
  const row1 = partStart(int(args, 5), 1, int(args, 7), chunk + 1);
  const pitch = (<usize>channels) << 2;
  const rectified = word(args, 2);
  const coefficients = word(args, 3);
  const none = f32x4.splat(0);
  let dy = word(args, 0) + row0 * pitch;
  let x = word(args, 1) + row0 * pitch;
  let y = rectified + row0 * pitch;
  let dx = word(args, 4) + row0 * pitch;
  for (let r = row0; r < row1; r++) {
    let c = 0;
    for (; c + 4 <= channels; c += 4) {
      const at = coefficients + ((<usize>c) << 2);
      let d = v128.load(dy);
      if (rectified) d = v128.and(d, f32x4.gt(v128.load(y), none));
      const scaled = f32x4.mul(d, v128.load(at));
      const moved = f32x4.add(f32x4.mul(v128.load(x), v128.load(at + pitch)), v128.load(at + pitch * 2));
      v128.store(dx, f32x4.add(scaled, moved));
      dy += 16;
      x += 16;
      y += 16;
      dx += 16;
    }
    for (; c < channels; c++) {
      const at = coefficients + ((<usize>c) << 2);
      const d: f32 = !rectified || f32.load(y) > 0 ? f32.load(dy) : 0;
      f32.store(dx, d * f32.load(at) + f32.load(x) * f32.load(at + pitch) + f32.load(at + pitch * 2));
      dy += 4;
      x += 4;
      y += 4;
      dx += 4;
    }
  }
}

/**
 * Column sums of one part of the rows, in double precision. args: 0 x, 1 sums `[part][C]`, 2 rows, 3 channels, 4 parts
 */
export function columnSums(args: usize, chunk: i32): void {
  const channels = int(args, 3);
  const row0 = partStart(int(args, 2), 1, int(args, 4), chunk);
  const row1 = partStart(int(args, 2), 1, int(args, 4), chunk + 1);
  const pitch = (<usize>channels) << 2;
  const to = word(args, 1) + chunk * pitch;
  const from = word(args, 0) + row0 * pitch;
  let c = 0;
  for (; c + 4 <= channels; c += 4) {
    const at = (<usize>c) << 2;
    let x = from + at;
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (let r = row0; r < row1; r++) {
      const v = v128.load(x);
      low = f64x2.add(low, f64x2.promote_low_f32x4(v));
      high = f64x2.add(high, f64x2.promote_low_f32x4(i32x4.shuffle(v, v, 2, 3, 2, 3)));
      x += pitch;
    }
    const sums = i32x4.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
    v128.store(to + at, sums);
  }
  for (; c < channels; c++) {
    const at = (<usize>c) << 2;
    let x = from + at;
    let sum: f64 = 0;
    for (let r = row0; r < row1; r++) {
      sum += <f64>f32.load(x);
      x += pitch;
    }
    f32.store(to + at, <f32>sum);
  }
}
