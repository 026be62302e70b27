import { checkKeys, register } from '@engine/core';
import type { Transform } from '@engine/data';
import { TRANSFORMS } from '../registry.js';
import { imageOf, type ImageSample } from './image.js';

export interface ToTensorOptions {
  /** Scale uint8 images from 0–255 to 0–1, as torchvision does. Default true. */
  scale?: boolean;
}

/** Makes the image float32; uint8 values are divided by 255. The layout stays height × width × channels. */
@register(TRANSFORMS, { from: '@engine/vision' })
export class ToTensor implements Transform {
  static readonly workerModule = import.meta.url;
  private readonly scale: boolean;

  constructor(options: ToTensorOptions = {}) {
    checkKeys('ToTensor', options, ['scale']);
    this.scale = options.scale ?? true;
  }

  transform(sample: ImageSample): ImageSample {
    const { data, shape } = imageOf(sample);
    if (!(data instanceof Uint8Array)) return sample;
    const target = new Float32Array(data.length);
    const divisor = this.scale ? 255 : 1;
    for (let i = 0; i < data.length; i++) target[i] = data[i]! / divisor;
    sample.img = { dtype: 'float32', shape, data: target };
    return sample;
  }
}

declare module '@engine/core' {
  interface TransformTypes {
    'vision.ToTensor': ToTensorOptions;
  }
}
