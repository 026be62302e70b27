import { int, word } from './args';

/**
 * Gradient of a convolution's filter, summed in double precision over all images and pixels. A chunk is one row of the
 * filter, `[kh][kw][channel of the input]`, with the output channels of that input channel's group.
 *
 * args: 0 input, 1 output gradient, 2 filter gradient `[kh, kw, channels / groups, o]`, 3 images, 4 height, 5 width,
 * 6 channels, 7 groups, 8 output rows, 9 output columns, 10 output channels, 11 filter columns, 12 row step,
 * 13 column step, 14 rows of padding above, 15 columns of padding left, 16 row dilation, 17 column dilation
 */
export function convolveFilterExact(args: usize, chunk: i32): void {
  const channels = int(args, 6);
  const perGroup = channels / int(args, 7);
  const outs = int(args, 10) / int(args, 7);
  const filterCols = int(args, 11);
  const channel = chunk % channels;
  const tap = chunk / channels;
  const group = channel / perGroup;
  const row = (tap / filterCols) * int(args, 16) - int(args, 14);
  const col = (tap % filterCols) * int(args, 17) - int(args, 15);
  const first = group * outs;
  const to = word(args, 2) + ((<usize>(tap * perGroup + (channel % perGroup)) * int(args, 10) + first) << 2);
  let o = 0;
  for (; o + 4 <= outs; o += 4) v128.store(to + ((<usize>o) << 2), sum4(args, row, col, channel, first + o));
  for (; o < outs; o++) f32.store(to + ((<usize>o) << 2), sum1(args, row, col, channel, first + o));
}

/** First output position whose input position, `i * step + offset`, is not before 0. */
function firstInside(offset: i32, step: i32): i32 {
  return offset >= 0 ? 0 : (step - 1 - offset) / step;
}

/** Number of output positions, of `count`, whose input position is before `size`. */
function endInside(offset: i32, step: i32, size: i32, count: i32): i32 {
  return offset >= size ? 0 : min(count, (size - 1 - offset) / step + 1);
}

/** Four neighbouring output channels, from `o` on, for the tap at input offset (row, col). */
function sum4(args: usize, row: i32, col: i32, channel: i32, o: i32): v128 {
  const height = int(args, 4);
  const width = int(args, 5);
  const outRows = int(args, 8);
  const outCols = int(args, 9);
  const rowStep = int(args, 12);
  const colStep = int(args, 13);
  const pixel = (<usize>int(args, 6)) << 2;
  const gradPixel = (<usize>int(args, 10)) << 2;
  const col0 = firstInside(col, colStep);
  const col1 = endInside(col, colStep, width, outCols);
  const row0 = firstInside(row, rowStep);
  const row1 = endInside(row, rowStep, height, outRows);
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let n = 0; n < int(args, 3); n++) {
    for (let r = row0; r < row1; r++) {
      let x =
        word(args, 0) +
        <usize>((n * height + r * rowStep + row) * width + col0 * colStep + col) * pixel +
        ((<usize>channel) << 2);
      let g = word(args, 1) + <usize>((n * outRows + r) * outCols + col0) * gradPixel + ((<usize>o) << 2);
      for (let c = col0; c < col1; c++) {
        const value = f64x2.splat(<f64>f32.load(x));
        const grad = v128.load(g);
        low = f64x2.add(low, f64x2.mul(value, f64x2.promote_low_f32x4(grad)));
        high = f64x2.add(
          high,
          f64x2.mul(value, f64x2.promote_low_f32x4(i32x4.shuffle(grad, grad, 2, 3, 2, 3))),
        );
        x += pixel * colStep;
        g += gradPixel;
      }
    }
  }
  return i32x4.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

function sum1(args: usize, row: i32, col: i32, channel: i32, o: i32): f32 {
  const height = int(args, 4);
  const width = int(args, 5);
  const outRows = int(args, 8);
  const outCols = int(args, 9);
  const rowStep = int(args, 12);
  const colStep = int(args, 13);
  const pixel = (<usize>int(args, 6)) << 2;
  const gradPixel = (<usize>int(args, 10)) << 2;
  const col0 = firstInside(col, colStep);
  const col1 = endInside(col, colStep, width, outCols);
  const row1 = endInside(row, rowStep, height, outRows);
  let sum: f64 = 0;
  for (let n = 0; n < int(args, 3); n++) {
    for (let r = firstInside(row, rowStep); r < row1; r++) {
      let x =
        word(args, 0) +
        <usize>((n * height + r * rowStep + row) * width + col0 * colStep + col) * pixel +
        ((<usize>channel) << 2);
      let g = word(args, 1) + <usize>((n * outRows + r) * outCols + col0) * gradPixel + ((<usize>o) << 2);
      for (let c = col0; c < col1; c++) {
        sum += <f64>f32.load(x) * <f64>f32.load(g);
        x += pixel * colStep;
        g += gradPixel;
      }
    }
  }
  return <f32>sum;
}
