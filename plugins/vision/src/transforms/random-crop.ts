import { badValue, checkKeys, EngineError, register } from '@engine/core';
import type { SampleContext, Transform } from '@engine/data';
import { TRANSFORMS } from '../registry.js';
import { crop } from './crop.js';
import { imageOf, pairOf, type ImageSample } from './image.js';

export interface RandomCropOptions {
  /** Side of the crop in pixels, or [height, width]. */
  size: number | readonly [number, number];
  /** Pixels added on each side before cropping, or [vertical, horizontal]. Default 0. */
  padding?: number | readonly [number, number];
  /** Value of added pixels. Default 0. */
  padValue?: number;
}

/** Cuts a rectangle from a uniformly drawn place of the (padded) image. */
@register(TRANSFORMS, { from: '@engine/vision' })
export class RandomCrop implements Transform {
  static readonly workerModule = import.meta.url;
  private readonly size: [number, number];
  private readonly padding: [number, number];
  private readonly padValue: number;

  constructor(options: RandomCropOptions) {
    checkKeys('RandomCrop', options, ['size', 'padding', 'padValue']);
    this.size = pairOf('RandomCrop.size', options.size, 1);
    this.padding = pairOf('RandomCrop.padding', options.padding ?? 0, 0);
    this.padValue = options.padValue ?? 0;
    if (!Number.isFinite(this.padValue)) throw badValue('RandomCrop.padValue', options.padValue, 'a number');
  }

  transform(sample: ImageSample, { rng }: SampleContext): ImageSample {
    const img = imageOf(sample);
    const [height, width] = this.size;
    const [vertical, horizontal] = this.padding;
    const rows = img.shape[0]! + 2 * vertical - height + 1;
    const columns = img.shape[1]! + 2 * horizontal - width + 1;
    if (rows < 1 || columns < 1) {
      throw new EngineError({
        code: 'E_IMAGE_SIZE',
        what: 'An image is smaller than the crop that RandomCrop is to cut from it.',
        received: `${img.shape[0]} × ${img.shape[1]} with a padding of ${vertical}, ${horizontal}`,
        expected: `at least ${height} × ${width}`,
        fix: 'raise the padding, or put a Resize before it',
      });
    }
    sample.img = crop(
      img,
      rng.int(rows) - vertical,
      rng.int(columns) - horizontal,
      height,
      width,
      this.padValue,
    );
    return sample;
  }
}

declare module '@engine/core' {
  interface TransformTypes {
    'vision.RandomCrop': RandomCropOptions;
  }
}
