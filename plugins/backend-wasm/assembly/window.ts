import { clear, copy } from './args';

/**
 * Copies a window of an image into scratch memory with zeros where it leaves the image, so that the inner loops need no
 * bounds. Rows `[row, row + rows)` and columns `[col, col + cols)` of the image, `bytes` of each pixel.
 * @param image address of the first copied channel of pixel (0, 0)
 * @param pixelBytes bytes from pixel to pixel in the image
 */
export function copyWindow(
  to: usize,
  image: usize,
  height: i32,
  width: i32,
  pixelBytes: usize,
  bytes: usize,
  row: i32,
  rows: i32,
  col: i32,
  cols: i32,
): void {
  const rowBytes = <usize>cols * bytes;
  const before = col < 0 ? min(-col, cols) : 0;
  const first = col > 0 ? col : 0;
  const inside = max(min(width, col + cols) - first, 0);
  const after = cols - before - inside;
  for (let r = row; r < row + rows; r++) {
    if (r < 0 || r >= height || inside == 0) {
      clear(to, rowBytes);
      to += rowBytes;
      continue;
    }
    clear(to, <usize>before * bytes);
    to += <usize>before * bytes;
    let from = image + (<usize>r * width + first) * pixelBytes;
    if (bytes == pixelBytes) {
      copy(to, from, <usize>inside * bytes);
      to += <usize>inside * bytes;
    } else {
      for (let c = 0; c < inside; c++) {
        copy(to, from, bytes);
        to += bytes;
        from += pixelBytes;
      }
    }
    clear(to, <usize>after * bytes);
    to += <usize>after * bytes;
  }
}
