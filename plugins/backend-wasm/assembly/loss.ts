import { float, int, partStart, word } from './args';

const LOG2E: f32 = 1.44269504088896341;
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.1219444e-4;

/** e^x, within 1 ulp or so: Cephes expf (Moshier 1992). Flushes to 0 below -87.3. */
function expf(x: f32): f32 {
  if (!(x > -87.3)) return x == x ? 0 : x;
  if (x > 88.7) return Infinity;
  const n = nearest<f32>(x * LOG2E);
  const r = x - n * LN2_HIGH - n * LN2_LOW;
  let p: f32 = 1.98756915e-4;
  p = p * r + 1.3981999507e-3;
  p = p * r + 8.3334519073e-3;
  p = p * r + 4.1665795894e-2;
  p = p * r + 1.6666665459e-1;
  p = p * r + 5.0000001201e-1;
  p = p * r * r + r + 1;
  const half = (<i32>n) >> 1;
  const rest = <i32>n - half;
  return p * reinterpret<f32>((half + 127) << 23) * reinterpret<f32>((rest + 127) << 23);
}

/** Natural logarithm of a positive normal number: atanh series on the mantissa in double precision. */
function logf(x: f32): f32 {
  const bits = reinterpret<i32>(x);
  let exponent = (bits >> 23) - 127;
  let mantissa = <f64>reinterpret<f32>((bits & 0x7fffff) | 0x3f800000);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    exponent++;
  }
  const t = (mantissa - 1) / (mantissa + 1);
  const u = t * t;
  let p: f64 = 1.0 / 13.0;
  p = p * u + 1.0 / 11.0;
  p = p * u + 1.0 / 9.0;
  p = p * u + 1.0 / 7.0;
  p = p * u + 1.0 / 5.0;
  p = p * u + 1.0 / 3.0;
  p = p * u + 1.0;
  return <f32>(2 * t * p + <f64>exponent * 0.6931471805599453);
}

/**
 * Softmax cross-entropy of rows against int32 labels; a chunk is a part of the rows.
 * args: 0 logits, 1 labels, 2 losses, 3 probabilities, 4 rows, 5 classes, 6 parts, 7 ignored label, 8 label smoothing
 */
export function crossEntropy(args: usize, chunk: i32): void {
  const classes = int(args, 5);
  const smoothing = float(args, 8);
  const row1 = partStart(int(args, 4), 1, int(args, 6), chunk + 1);
  for (let r = partStart(int(args, 4), 1, int(args, 6), chunk); r < row1; r++) {
    const x = word(args, 0) + ((<usize>r * classes) << 2);
    const p = word(args, 3) + ((<usize>r * classes) << 2);
    let top: f32 = -Infinity;
    let total: f64 = 0;
    for (let k = 0; k < classes; k++) {
      const value = f32.load(x + ((<usize>k) << 2));
      top = max<f32>(top, value);
      total += <f64>value;
    }
    let sum: f32 = 0;
    for (let k = 0; k < classes; k++) {
      const e = expf(f32.load(x + ((<usize>k) << 2)) - top);
      f32.store(p + ((<usize>k) << 2), e);
      sum += e;
    }
    const share: f32 = 1 / sum;
    for (let k = 0; k < classes; k++) {
      const at = p + ((<usize>k) << 2);
      f32.store(at, f32.load(at) * share);
    }
    const label = load<i32>(word(args, 1) + ((<usize>r) << 2));
    let loss: f32 = 0;
    if (label != int(args, 7)) {
      const norm = top + logf(sum);
      loss = label >= 0 && label < classes ? norm - f32.load(x + ((<usize>label) << 2)) : NaN;
      if (smoothing != 0) loss = (1 - smoothing) * loss + smoothing * (norm - <f32>(total / <f64>classes));
    }
    f32.store(word(args, 2) + ((<usize>r) << 2), loss);
  }
}

/**
 * Gradient of {@link crossEntropy}. args: 0 gradient of the losses, 1 probabilities, 2 labels, 3 gradient of the logits,
 * 4 rows, 5 classes, 6 parts, 7 ignored label, 8 label smoothing
 */
export function crossEntropyGrad(args: usize, chunk: i32): void {
  const classes = int(args, 5);
  const smoothing = float(args, 8);
  const spread: f32 = smoothing / <f32>classes;
  const row1 = partStart(int(args, 4), 1, int(args, 6), chunk + 1);
  for (let r = partStart(int(args, 4), 1, int(args, 6), chunk); r < row1; r++) {
    const p = word(args, 1) + ((<usize>r * classes) << 2);
    const to = word(args, 3) + ((<usize>r * classes) << 2);
    const label = load<i32>(word(args, 2) + ((<usize>r) << 2));
    const dloss = f32.load(word(args, 0) + ((<usize>r) << 2));
    for (let k = 0; k < classes; k++) {
      const at = (<usize>k) << 2;
      if (label == int(args, 7)) {
        f32.store(to + at, 0);
        continue;
      }
      const target: f32 = k == label ? 1 - smoothing + spread : spread;
      f32.store(to + at, dloss * (f32.load(p + at) - target));
    }
  }
}
