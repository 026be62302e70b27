/** How values between pixels are made. */
export type ResizeMode = 'nearest' | 'nearest-exact' | 'bilinear' | 'bicubic';

/** For each tap, which input each output reads, and with which weight; without weights each counts 1. */
export interface AxisTaps {
  indices: Int32Array[];
  weights?: Float32Array[];
}

/** Sharpness of the cubic kernel, as in PyTorch: R. Keys 1981, with a = -0.75. */
const CUBIC = -0.75;

function cubicWeights(t: number): [number, number, number, number] {
  const near = (d: number): number => ((CUBIC + 2) * d - (CUBIC + 3)) * d * d + 1;
  const far = (d: number): number => ((CUBIC * d - 5 * CUBIC) * d + 8 * CUBIC) * d - 4 * CUBIC;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/**
 * The taps of one axis, by the rules of ATen's upsampling (`UpSample.h`): pixel centres lie at half integers unless
 * `alignCorners`, positions outside count as the border.
 * @param given output size by input size, or 0 to take it from the sizes
 */
export function axisTaps(
  mode: ResizeMode,
  input: number,
  output: number,
  alignCorners: boolean,
  given: number,
): AxisTaps {
  const inside = (i: number): number => Math.min(Math.max(i, 0), input - 1);
  // Single precision, since a position next to an integer must fall on the same side as in PyTorch.
  const ratio = Math.fround(given > 0 ? 1 / given : input / output);
  if (mode === 'nearest' || mode === 'nearest-exact') {
    const shift = mode === 'nearest' ? 0 : 0.5;
    return {
      indices: [
        Int32Array.from({ length: output }, (_, i) => inside(Math.floor(Math.fround((i + shift) * ratio)))),
      ],
    };
  }
  const step = alignCorners ? (output > 1 ? (input - 1) / (output - 1) : 0) : ratio;
  const position = (i: number): number => (alignCorners ? i * step : (i + 0.5) * step - 0.5);
  const first = mode === 'bilinear' ? 0 : -1;
  const count = mode === 'bilinear' ? 2 : 4;
  const indices = Array.from({ length: count }, () => new Int32Array(output));
  const weights = Array.from({ length: count }, () => new Float32Array(output));
  for (let i = 0; i < output; i++) {
    const at = mode === 'bilinear' ? Math.max(0, position(i)) : position(i);
    const floor = Math.floor(at);
    const t = at - floor;
    const shares = mode === 'bilinear' ? [1 - t, t] : cubicWeights(t);
    for (let tap = 0; tap < count; tap++) {
      indices[tap]![i] = inside(floor + first + tap);
      weights[tap]![i] = shares[tap]!;
    }
  }
  return { indices, weights };
}
