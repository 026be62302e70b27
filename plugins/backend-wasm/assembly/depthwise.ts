import { clear, int, partStart, word } from './args';

/**
 * Depthwise convolution: output channel o reads input channel `o / multiplier`. The three passes share their arguments.
 *
 * args: 0 input, 1 filter `[kh, kw, o]`, 2 output, 3 images, 4 height, 5 width, 6 channels, 7 multiplier, 8 output rows,
 * 9 output columns, 10 filter rows, 11 filter columns, 12 row step, 13 column step, 14 rows of padding above,
 * 15 columns of padding left, 16 row dilation, 17 column dilation, 18 bias or 0, 19 batch parts, 20 partial sums
 */

/** Forward pass; a chunk is one output row of one image. */
export function depthwise(args: usize, chunk: i32): void {
  const height = int(args, 4);
  const width = int(args, 5);
  const channels = int(args, 6);
  const multiplier = int(args, 7);
  const outRows = int(args, 8);
  const outCols = int(args, 9);
  const outs = channels * multiplier;
  const n = chunk / outRows;
  const oh = chunk % outRows;
  const image = word(args, 0) + ((<usize>n * height * width * channels) << 2);
  const bias = word(args, 18);
  let to = word(args, 2) + ((<usize>chunk * outCols * outs) << 2);
  for (let ow = 0; ow < outCols; ow++) {
    let o = 0;
    if (multiplier == 1) {
      for (; o + 4 <= outs; o += 4) {
        v128.store(to + ((<usize>o) << 2), gather4(args, image, oh, ow, o, bias));
      }
    }
    for (; o < outs; o++) {
      let sum: f32 = bias ? f32.load(bias + ((<usize>o) << 2)) : 0;
      const c = o / multiplier;
      for (let kh = 0; kh < int(args, 10); kh++) {
        const ih = oh * int(args, 12) - int(args, 14) + kh * int(args, 16);
        if (ih < 0 || ih >= height) continue;
        for (let kw = 0; kw < int(args, 11); kw++) {
          const iw = ow * int(args, 13) - int(args, 15) + kw * int(args, 17);
          if (iw < 0 || iw >= width) continue;
          sum +=
            f32.load(image + ((<usize>(ih * width + iw) * channels + c) << 2)) *
            f32.load(word(args, 1) + ((<usize>(kh * int(args, 11) + kw) * outs + o) << 2));
        }
      }
      f32.store(to + ((<usize>o) << 2), sum);
    }
    to += (<usize>outs) << 2;
  }
}

function gather4(args: usize, image: usize, oh: i32, ow: i32, o: i32, bias: usize): v128 {
  const height = int(args, 4);
  const width = int(args, 5);
  const channels = int(args, 6);
  const filterCols = int(args, 11);
  const rowDilation = int(args, 16);
  const colDilation = int(args, 17);
  let sum = bias ? v128.load(bias + ((<usize>o) << 2)) : f32x4.splat(0);
  let ih = oh * int(args, 12) - int(args, 14);
  const iw0 = ow * int(args, 13) - int(args, 15);
  let filter = word(args, 1) + ((<usize>o) << 2);
  for (let kh = int(args, 10); kh > 0; kh--) {
    if (ih >= 0 && ih < height) {
      let iw = iw0;
      const row = image + ((<usize>(ih * width) * channels + o) << 2);
      for (let kw = 0; kw < filterCols; kw++) {
        if (iw >= 0 && iw < width) {
          const x = v128.load(row + ((<usize>iw * channels) << 2));
          sum = f32x4.add(sum, f32x4.mul(x, v128.load(filter + ((<usize>kw * channels) << 2))));
        }
        iw += colDilation;
      }
    }
    filter += (<usize>filterCols * channels) << 2;
    ih += rowDilation;
  }
  return sum;
}

/** Gradient of the input from args 2 (output gradient) into args 0; a chunk is one input row of one image. */
export function depthwiseInput(args: usize, chunk: i32): void {
  const height = int(args, 4);
  const width = int(args, 5);
  const channels = int(args, 6);
  const multiplier = int(args, 7);
  const outRows = int(args, 8);
  const outCols = int(args, 9);
  const filterCols = int(args, 11);
  const rowStep = int(args, 12);
  const colStep = int(args, 13);
  const outs = channels * multiplier;
  const ih = chunk % height;
  const grad = word(args, 2) + ((<usize>(chunk / height) * outRows * outCols * outs) << 2);
  let to = word(args, 0) + ((<usize>chunk * width * channels) << 2);
  clear(to, (<usize>width * channels) << 2);
  for (let iw = 0; iw < width; iw++) {
    for (let kh = 0; kh < int(args, 10); kh++) {
      const top = ih + int(args, 14) - kh * int(args, 16);
      if (top < 0 || top % rowStep || top / rowStep >= outRows) continue;
      for (let kw = 0; kw < filterCols; kw++) {
        const left = iw + int(args, 15) - kw * int(args, 17);
        if (left < 0 || left % colStep || left / colStep >= outCols) continue;
        const from = grad + ((<usize>((top / rowStep) * outCols + left / colStep) * outs) << 2);
        const filter = word(args, 1) + ((<usize>(kh * filterCols + kw) * outs) << 2);
        if (multiplier == 1) addProduct(to, from, filter, channels);
        else addProductSums(to, from, filter, channels, multiplier);
      }
    }
    to += (<usize>channels) << 2;
  }
}

/** `to += a * b`, element by element. */
function addProduct(to: usize, a: usize, b: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = (<usize>i) << 2;
    v128.store(to + at, f32x4.add(v128.load(to + at), f32x4.mul(v128.load(a + at), v128.load(b + at))));
  }
  for (; i < count; i++) {
    const at = (<usize>i) << 2;
    f32.store(to + at, f32.load(to + at) + f32.load(a + at) * f32.load(b + at));
  }
}

/** `to[c] += sum over m of a[c, m] * b[c, m]`. */
function addProductSums(to: usize, a: usize, b: usize, count: i32, multiplier: i32): void {
  for (let c = 0; c < count; c++) {
    let sum: f32 = f32.load(to);
    for (let m = 0; m < multiplier; m++) {
      sum += f32.load(a) * f32.load(b);
      a += 4;
      b += 4;
    }
    f32.store(to, sum);
    to += 4;
  }
}

/** Partial sums of the filter's gradient from args 2 (output gradient); a chunk is a part of the batch. */
export function depthwiseFilter(args: usize, chunk: i32): void {
  const images = int(args, 3);
  const height = int(args, 4);
  const width = int(args, 5);
  const channels = int(args, 6);
  const multiplier = int(args, 7);
  const outRows = int(args, 8);
  const outCols = int(args, 9);
  const filterRows = int(args, 10);
  const filterCols = int(args, 11);
  const parts = int(args, 19);
  const outs = channels * multiplier;
  const partial = word(args, 20) + ((<usize>chunk * filterRows * filterCols * outs) << 2);
  clear(partial, (<usize>(filterRows * filterCols) * outs) << 2);
  const image1 = partStart(images, 1, parts, chunk + 1);
  for (let n = partStart(images, 1, parts, chunk); n < image1; n++) {
    for (let oh = 0; oh < outRows; oh++) {
      const grad = word(args, 2) + ((<usize>((n * outRows + oh) * outCols) * outs) << 2);
      for (let kh = 0; kh < filterRows; kh++) {
        const ih = oh * int(args, 12) - int(args, 14) + kh * int(args, 16);
        if (ih < 0 || ih >= height) continue;
        const row = word(args, 0) + ((<usize>((n * height + ih) * width) * channels) << 2);
        for (let kw = 0; kw < filterCols; kw++) {
          const to = partial + ((<usize>(kh * filterCols + kw) * outs) << 2);
          for (let ow = 0; ow < outCols; ow++) {
            const iw = ow * int(args, 13) - int(args, 15) + kw * int(args, 17);
            if (iw < 0 || iw >= width) continue;
            const x = row + ((<usize>iw * channels) << 2);
            const dy = grad + ((<usize>ow * outs) << 2);
            if (multiplier == 1) addProduct(to, x, dy, channels);
            else addSpread(to, x, dy, channels, multiplier);
          }
        }
      }
    }
  }
}

/** `to[c, m] += a[c] * b[c, m]`. */
function addSpread(to: usize, a: usize, b: usize, count: i32, multiplier: i32): void {
  for (let c = 0; c < count; c++) {
    const x = f32.load(a + ((<usize>c) << 2));
    for (let m = 0; m < multiplier; m++) {
      f32.store(to, f32.load(to) + x * f32.load(b));
      to += 4;
      b += 4;
    }
  }
}
