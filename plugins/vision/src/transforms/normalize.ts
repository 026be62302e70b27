import { badValue, checkKeys, EngineError, register } from '@engine/core';
import type { Transform } from '@engine/data';
import { TRANSFORMS } from '../registry.js';
import { imageOf, type ImageSample } from './image.js';

export interface NormalizeOptions {
  /** Mean per channel, in the image's own scale (0 to 255 for uint8). */
  mean: readonly number[];
  /** Standard deviation per channel, in the same scale. */
  std: readonly number[];
}

function numbers(name: string, value: unknown, positive: boolean): readonly number[] {
  const fits = (x: unknown): boolean => typeof x === 'number' && Number.isFinite(x) && (!positive || x > 0);
  if (Array.isArray(value) && value.length > 0 && value.every(fits)) return value as number[];
  throw badValue(name, value, `a list of ${positive ? 'positive ' : ''}numbers, one per channel`);
}

/**
 * (x - mean) / std per channel, as float32. A model's data preprocessor can do the same on the device, where it is
 * cheaper: a batch of uint8 images is a quarter of the size.
 */
@register(TRANSFORMS, { from: '@engine/vision' })
export class Normalize implements Transform {
  static readonly workerModule = import.meta.url;
  private readonly mean: readonly number[];
  private readonly std: readonly number[];
  /** Result of each of the 256 values a uint8 can have, channel by channel. */
  private readonly table: Float32Array;

  constructor(options: NormalizeOptions) {
    checkKeys('Normalize', options, ['mean', 'std']);
    this.mean = numbers('Normalize.mean', options.mean, false);
    this.std = numbers('Normalize.std', options.std, true);
    if (this.std.length !== this.mean.length) {
      throw badValue('Normalize.std', options.std, `${this.mean.length} numbers, as many as in mean`);
    }
    this.table = new Float32Array(256 * this.mean.length);
    for (let c = 0; c < this.mean.length; c++) {
      for (let x = 0; x < 256; x++) this.table[c * 256 + x] = (x - this.mean[c]!) / this.std[c]!;
    }
  }

  transform(sample: ImageSample): ImageSample {
    const img = imageOf(sample);
    const { mean, std, table } = this;
    const channels = img.shape[2]!;
    if (channels !== mean.length) {
      throw new EngineError({
        code: 'E_IMAGE_CHANNELS',
        what: 'An image does not have as many channels as Normalize has means.',
        received: `${channels} channels`,
        expected: `${mean.length}`,
      });
    }
    const { data } = img;
    const target = new Float32Array(data.length);
    if (data instanceof Uint8Array) {
      for (let i = 0; i < data.length; i += channels) {
        for (let c = 0; c < channels; c++) target[i + c] = table[c * 256 + data[i + c]!]!;
      }
    } else {
      for (let i = 0; i < data.length; i += channels) {
        for (let c = 0; c < channels; c++) target[i + c] = (data[i + c]! - mean[c]!) / std[c]!;
      }
    }
    sample.img = { dtype: 'float32', shape: img.shape, data: target };
    return sample;
  }
}

declare module '@engine/core' {
  interface TransformTypes {
    'vision.Normalize': NormalizeOptions;
  }
}
