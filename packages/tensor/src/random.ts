import { sizeOf, type RandomStream } from '@engine/core';

import { tf } from './tf.js';
import type { Tensor } from './tf.js';

/** Uniform in [0, 1) on the grid of 2^-32 from one draw: finer than float32 can hold. */
const UNIT = 1 / 4294967296;

function fill(shape: readonly number[], draw: () => number): Tensor {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = draw();
  return tf.tensor(data, [...shape], 'float32');
}

/** Float32 tensor of independent uniform numbers in [low, high); 0 and 1 unless said. One draw per element. */
export function randomUniform(
  shape: readonly number[],
  stream: RandomStream,
  { low = 0, high = 1 }: { low?: number; high?: number } = {},
): Tensor {
  const span = (high - low) * UNIT;
  return fill(shape, () => low + span * stream.uint32());
}

/**
 * Float32 tensor of independent normal numbers; mean 0 and standard deviation 1 unless said. Box–Muller, both numbers
 * of each pair, one draw per element (and one more for an odd size).
 */
export function randomNormal(
  shape: readonly number[],
  stream: RandomStream,
  { mean = 0, std = 1 }: { mean?: number; std?: number } = {},
): Tensor {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i += 2) {
    const radius = std * Math.sqrt(-2 * Math.log((stream.uint32() + 1) * UNIT));
    const angle = 2 * Math.PI * UNIT * stream.uint32();
    data[i] = mean + radius * Math.cos(angle);
    if (i + 1 < data.length) data[i + 1] = mean + radius * Math.sin(angle);
  }
  return tf.tensor(data, [...shape], 'float32');
}

/**
 * Float32 tensor of normal numbers truncated to [a, b] (absolute cutoffs, -2 and 2 unless said), by inversion of the
 * distribution function, as PyTorch's `trunc_normal_`.
 */
export function truncatedNormal(
  shape: readonly number[],
  stream: RandomStream,
  { mean = 0, std = 1, a = -2, b = 2 }: { mean?: number; std?: number; a?: number; b?: number } = {},
): Tensor {
  const low = normalCdf((a - mean) / std);
  const high = normalCdf((b - mean) / std);
  return fill(shape, () => Math.min(b, Math.max(a, mean + std * normalQuantile(stream.uniform(low, high)))));
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i]!;
  return sum;
}

const CENTRE = [
  [
    3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
    45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
  ],
  [
    1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867,
    39307.89580009271061, 28729.085735721942674, 5226.495278852545925,
  ],
] as const;
const SHOULDER = [
  [
    1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
    1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4,
  ],
  [
    1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459,
    0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9,
  ],
] as const;
const TAIL = [
  [
    6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123,
    0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
  ],
  [
    1, 0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525, 7.868691311456132591e-4,
    1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15,
  ],
] as const;

/** Quantile of the standard normal distribution, to 16 digits: M. J. Wichura, Algorithm AS 241 (1988), PPND16. */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE[0], r)) / polynomial(CENTRE[1], r);
  }
  const tail = Math.min(p, 1 - p);
  if (tail <= 0) return q < 0 ? -Infinity : Infinity;
  const r = Math.sqrt(-Math.log(tail));
  const value =
    r <= 5
      ? polynomial(SHOULDER[0], r - 1.6) / polynomial(SHOULDER[1], r - 1.6)
      : polynomial(TAIL[0], r - 5) / polynomial(TAIL[1], r - 5);
  return q < 0 ? -value : value;
}

/** Distribution function of the standard normal distribution, to 1e-15 by a series or a continued fraction. */
export function normalCdf(x: number): number {
  const z = Math.abs(x);
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let upper: number;
  if (z < 4) {
    // Marsaglia (2004): Φ(z) = 1/2 + φ(z)(z + z³/3 + z⁵/(3·5) + …)
    let term = z;
    let sum = z;
    for (let n = 3; term > 1e-17 * sum; n += 2) {
      term *= (z * z) / n;
      sum += term;
    }
    upper = 0.5 - density * sum;
  } else {
    let fraction = z;
    for (let n = 60; n >= 1; n--) fraction = z + n / fraction;
    upper = density / fraction;
  }
  return x > 0 ? 1 - upper : upper;
}
