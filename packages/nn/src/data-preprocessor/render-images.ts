import { badValue, sizeOf, type HostArray, type HostData } from '@engine/core';

/** An image inside host data: `height · width · channels` values from `offset`. */
export interface ImageView {
  data: HostData;
  offset: number;
  height: number;
  width: number;
  channels: number;
}

/** What becomes of a pixel: channels reversed, then (value - mean) / std. */
export interface PixelRule {
  mean?: Float32Array;
  std?: Float32Array;
  flip: boolean;
}

/**
 * The images of a stacked array [N, H, W, C] or of a list of arrays [H, W, C].
 * @throws E_CONFIG_VALUE for other shapes, half-precision data, or different numbers of channels
 */
export function imagesOf(inputs: HostArray | readonly HostArray[]): ImageView[] {
  const arrays = Array.isArray(inputs) ? (inputs as HostArray[]) : [inputs as HostArray];
  const rank = Array.isArray(inputs) ? 3 : 4;
  const images = arrays.flatMap((array) => {
    if (array.shape.length !== rank || sizeOf(array.shape) === 0) {
      throw badValue(
        'ImgDataPreprocessor.inputs.shape',
        array.shape,
        'images stacked as [N, H, W, C], or a list of [H, W, C]',
      );
    }
    if (
      array.dtype === 'float16' ||
      array.dtype === 'bfloat16' ||
      array.data instanceof BigInt64Array ||
      array.data instanceof BigUint64Array
    ) {
      throw badValue(
        'ImgDataPreprocessor.inputs.dtype',
        array.dtype,
        'uint8, float32 or another type that JavaScript can compute with',
      );
    }
    const [height, width, channels] = array.shape.slice(-3) as [number, number, number];
    return Array.from({ length: rank === 4 ? array.shape[0]! : 1 }, (_, n): ImageView => {
      return { data: array.data, offset: n * height * width * channels, height, width, channels };
    });
  });
  const { channels } = images[0]!;
  const odd = images.find((image) => image.channels !== channels);
  if (odd)
    throw badValue(
      'ImgDataPreprocessor.inputs',
      `${odd.channels} channels`,
      `${channels} channels in every image of the batch`,
    );
  return images;
}

/** Largest height and width, rounded up to a multiple of `divisor`. */
export function paddedSize(images: readonly ImageView[], divisor: number): [number, number] {
  const round = (size: number): number => Math.ceil(size / divisor) * divisor;
  return [round(Math.max(...images.map((i) => i.height))), round(Math.max(...images.map((i) => i.width)))];
}

/** Values of all bytes after normalisation, 256 for each channel. */
function byteTable(channels: number, { mean, std }: PixelRule): Float32Array {
  const table = new Float32Array(256 * channels);
  for (let i = 0; i < table.length; i++) table[i] = normalized(i & 255, i >> 8, mean, std);
  return table;
}

function normalized(value: number, channel: number, mean?: Float32Array, std?: Float32Array): number {
  return mean && std ? Math.fround(value - mean[channel]!) / std[channel]! : value;
}

/** All images, normalised and padded at the right and bottom, as float32 [N, height, width, C]. */
export function renderImages(
  images: readonly ImageView[],
  height: number,
  width: number,
  padValue: number,
  rule: PixelRule,
): Float32Array {
  const { channels } = images[0]!;
  const size = height * width * channels;
  const out = new Float32Array(images.length * size);
  if (padValue !== 0 && images.some((image) => image.height < height || image.width < width))
    out.fill(padValue);
  const table = images.every((image) => image.data instanceof Uint8Array)
    ? byteTable(channels, rule)
    : undefined;
  const sources = Array.from({ length: channels }, (_, c) => (rule.flip ? channels - 1 - c : c));
  images.forEach((image, n) => {
    const data = image.data as Float32Array;
    for (let y = 0; y < image.height; y++) {
      const from = image.offset + y * image.width * channels;
      const to = n * size + y * width * channels;
      for (let x = 0; x < image.width * channels; x += channels) {
        for (let c = 0; c < channels; c++) {
          const value = data[from + x + sources[c]!]!;
          out[to + x + c] = table ? table[(c << 8) | value]! : normalized(value, c, rule.mean, rule.std);
        }
      }
    }
  });
  return out;
}
