import { badValue, checkKeys, register, type HostArray } from '@engine/core';
import type { Transform } from '@engine/data';
import { TRANSFORMS } from '../registry.js';
import { imageOf, newPixels, pairOf, type ImageSample } from './image.js';

export type Interpolation = 'nearest' | 'bilinear';

export interface ResizeOptions {
  /** Length of the shorter side, keeping the ratio; or [height, width] exactly. */
  size: number | readonly [number, number];
  /** Default `bilinear`. */
  interpolation?: Interpolation;
}

/** Where each target place reads along one side: two neighbours and the share of the second. */
interface Taps {
  low: Int32Array;
  high: Int32Array;
  share: Float32Array;
}

/** Pixels are squares with their centres at half integers (PyTorch's `align_corners=False`, OpenCV's rule). */
function bilinearTaps(from: number, to: number): Taps {
  const taps = { low: new Int32Array(to), high: new Int32Array(to), share: new Float32Array(to) };
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(at), from - 1);
    taps.low[i] = low;
    taps.high[i] = Math.min(low + 1, from - 1);
    taps.share[i] = at - low;
  }
  return taps;
}

function nearestTaps(from: number, to: number): Int32Array {
  const taps = new Int32Array(to);
  for (let i = 0; i < to; i++) taps[i] = Math.min(from - 1, Math.floor((i * from) / to));
  return taps;
}

/**
 * An image at another size, without smoothing before shrinking.
 * @param image uint8 or float32 [rows, columns, channels]
 * @returns a new array [height, width, channels]; uint8 values are rounded
 * @throws E_IMAGE for anything else
 */
export function resize(
  image: HostArray,
  height: number,
  width: number,
  interpolation: Interpolation = 'bilinear',
): HostArray {
  const img = imageOf({ img: image });
  const [rows, columns, channels] = img.shape as [number, number, number];
  const source = img.data;
  const target = newPixels(source, height * width * channels);
  let to = 0;
  if (interpolation === 'nearest') {
    const ys = nearestTaps(rows, height);
    const xs = nearestTaps(columns, width);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = (ys[y]! * columns + xs[x]!) * channels;
        for (let c = 0; c < channels; c++) target[to++] = source[from + c]!;
      }
    }
  } else {
    const ys = bilinearTaps(rows, height);
    const xs = bilinearTaps(columns, width);
    const half = target instanceof Uint8Array ? 0.5 : 0;
    for (let y = 0; y < height; y++) {
      const upper = ys.low[y]! * columns;
      const lower = ys.high[y]! * columns;
      const dy = ys.share[y]!;
      for (let x = 0; x < width; x++) {
        const left = xs.low[x]!;
        const right = xs.high[x]!;
        const dx = xs.share[x]!;
        for (let c = 0; c < channels; c++) {
          const a = source[(upper + left) * channels + c]!;
          const b = source[(upper + right) * channels + c]!;
          const d = source[(lower + left) * channels + c]!;
          const e = source[(lower + right) * channels + c]!;
          const above = a + (b - a) * dx;
          const below = d + (e - d) * dx;
          target[to++] = above + (below - above) * dy + half;
        }
      }
    }
  }
  return { dtype: img.dtype, shape: [height, width, channels], data: target };
}

/** Resizes the image. */
@register(TRANSFORMS, { from: '@engine/vision' })
export class Resize implements Transform {
  static readonly workerModule = import.meta.url;
  private readonly size: [number, number];
  private readonly keepRatio: boolean;
  private readonly interpolation: Interpolation;

  constructor(options: ResizeOptions) {
    checkKeys('Resize', options, ['size', 'interpolation']);
    this.size = pairOf('Resize.size', options.size, 1);
    this.keepRatio = typeof options.size === 'number';
    this.interpolation = options.interpolation ?? 'bilinear';
    if (this.interpolation !== 'nearest' && this.interpolation !== 'bilinear') {
      throw badValue('Resize.interpolation', options.interpolation, "'nearest' or 'bilinear'");
    }
  }

  transform(sample: ImageSample): ImageSample {
    const img = imageOf(sample);
    const [rows, columns] = img.shape as [number, number];
    let [height, width] = this.size;
    if (this.keepRatio) {
      const scale = height / Math.min(rows, columns);
      height = Math.max(1, Math.round(rows * scale));
      width = Math.max(1, Math.round(columns * scale));
    }
    sample.img = resize(img, height, width, this.interpolation);
    return sample;
  }
}

declare module '@engine/core' {
  interface TransformTypes {
    'vision.Resize': ResizeOptions;
  }
}
