import { clear, int, word } from './args';

/**
 * Gradients of pooling; a chunk is one image.
 * args: 0 output gradient, 1 input (maximum only), 2 input gradient, 3 height, 4 width, 5 channels, 6 output rows,
 * 7 output columns, 8 window rows, 9 window columns, 10 row step, 11 column step, 12 rows of padding above, 13 columns of
 * padding left, 14 row dilation, 15 column dilation, 16 whether the average counts padding
 */

/** The first largest element of a window gets its gradient, as in tfjs and PyTorch. NaN counts as largest. */
export function maxPoolGrad(args: usize, chunk: i32): void {
  const height = int(args, 3);
  const width = int(args, 4);
  const channels = int(args, 5);
  const outCols = int(args, 7);
  const imageBytes = (<usize>(height * width) * channels) << 2;
  const input = word(args, 1) + chunk * imageBytes;
  const to = word(args, 2) + chunk * imageBytes;
  clear(to, imageBytes);
  let grad = word(args, 0) + ((<usize>(chunk * int(args, 6) * outCols) * channels) << 2);
  for (let oh = 0; oh < int(args, 6); oh++) {
    const top = oh * int(args, 10) - int(args, 12);
    for (let ow = 0; ow < outCols; ow++) {
      const left = ow * int(args, 11) - int(args, 13);
      for (let c = 0; c < channels; c++) {
        let best: f32 = -Infinity;
        let at: usize = <usize>-1;
        for (let kh = 0; kh < int(args, 8); kh++) {
          const ih = top + kh * int(args, 14);
          if (ih < 0 || ih >= height) continue;
          for (let kw = 0; kw < int(args, 9); kw++) {
            const iw = left + kw * int(args, 15);
            if (iw < 0 || iw >= width) continue;
            const offset = (<usize>(ih * width + iw) * channels + c) << 2;
            const value = f32.load(input + offset);
            if (at == <usize>-1 || value > best || (value != value && best == best)) {
              best = value;
              at = offset;
            }
          }
        }
        if (at != <usize>-1) f32.store(to + at, f32.load(to + at) + f32.load(grad));
        grad += 4;
      }
    }
  }
}

/** Every element of a window gets an equal share; padding is not counted unless asked. */
export function avgPoolGrad(args: usize, chunk: i32): void {
  const height = int(args, 3);
  const width = int(args, 4);
  const channels = int(args, 5);
  const outCols = int(args, 7);
  const imageBytes = (<usize>(height * width) * channels) << 2;
  const to = word(args, 2) + chunk * imageBytes;
  clear(to, imageBytes);
  let grad = word(args, 0) + ((<usize>(chunk * int(args, 6) * outCols) * channels) << 2);
  for (let oh = 0; oh < int(args, 6); oh++) {
    const top = oh * int(args, 10) - int(args, 12);
    const row1 = min(height, top + int(args, 8));
    const row0 = max(top, 0);
    for (let ow = 0; ow < outCols; ow++) {
      const left = ow * int(args, 11) - int(args, 13);
      const col1 = min(width, left + int(args, 9));
      const col0 = max(left, 0);
      const count = int(args, 16) ? int(args, 8) * int(args, 9) : (row1 - row0) * (col1 - col0);
      const share: f32 = 1 / <f32>count;
      for (let ih = row0; ih < row1; ih++) {
        for (let iw = col0; iw < col1; iw++)
          addScaled(to + ((<usize>(ih * width + iw) * channels) << 2), grad, channels, share);
      }
      grad += (<usize>channels) << 2;
    }
  }
}

function addScaled(to: usize, from: usize, count: i32, scale: f32): void {
  const scales = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = (<usize>i) << 2;
    v128.store(to + at, f32x4.add(v128.load(to + at), f32x4.mul(v128.load(from + at), scales)));
  }
  for (; i < count; i++) {
    const at = (<usize>i) << 2;
    f32.store(to + at, f32.load(to + at) + f32.load(from + at) * scale);
  }
}
