import { badValue, checkKeys, register } from '@engine/core';
import type { Transform } from '@engine/data';
import { TRANSFORMS } from '../registry.js';
import { crop } from './crop.js';
import { imageOf, pairOf, type ImageSample } from './image.js';

export interface CenterCropOptions {
  /** Side of the crop in pixels, or [height, width]. */
  size: number | readonly [number, number];
  /** Value of the pixels around an image that is smaller than the crop. Default 0. */
  padValue?: number;
}

/** Cuts a rectangle from the middle of the image (rounded towards the upper left). */
@register(TRANSFORMS, { from: '@engine/vision' })
export class CenterCrop implements Transform {
  static readonly workerModule = import.meta.url;
  private readonly size: [number, number];
  private readonly padValue: number;

  constructor(options: CenterCropOptions) {
    checkKeys('CenterCrop', options, ['size', 'padValue']);
    this.size = pairOf('CenterCrop.size', options.size, 1);
    this.padValue = options.padValue ?? 0;
    if (!Number.isFinite(this.padValue)) throw badValue('CenterCrop.padValue', options.padValue, 'a number');
  }

  transform(sample: ImageSample): ImageSample {
    const img = imageOf(sample);
    const [height, width] = this.size;
    const top = Math.floor((img.shape[0]! - height) / 2);
    const left = Math.floor((img.shape[1]! - width) / 2);
    sample.img = crop(img, top, left, height, width, this.padValue);
    return sample;
  }
}

declare module '@engine/core' {
  interface TransformTypes {
    'vision.CenterCrop': CenterCropOptions;
  }
}
