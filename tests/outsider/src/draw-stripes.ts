import { badValue, checkKeys, hostArray, register } from '@engine/core';
import type { SampleContext, Transform } from '@engine/data';
import { TRANSFORMS } from './registry.js';
import type { StripeSample } from './stripes.js';

export interface DrawStripesOptions {
  /** Height and width in pixels; 12. */
  size?: number;
  /** Standard deviation of the noise in grey values, drawn anew in every epoch; 20. */
  noise?: number;
}

declare module '@engine/core' {
  interface TransformTypes {
    'outsider.DrawStripes': DrawStripesOptions;
  }
}

/** Makes the image of a sample: `img`, uint8 [size, size, 3]. */
@register(TRANSFORMS, { from: 'outsider' })
export class DrawStripes implements Transform {
  static readonly workerModule = import.meta.url;
  private readonly size: number;
  private readonly noise: number;

  constructor(options: DrawStripesOptions = {}) {
    checkKeys('DrawStripes', options, ['size', 'noise']);
    const { size = 12, noise = 20 } = options;
    if (!Number.isInteger(size) || size < 4)
      throw badValue('DrawStripes.size', size, 'a whole number above 3');
    this.size = size;
    this.noise = noise;
  }

  transform(sample: StripeSample, { rng }: SampleContext) {
    const { size } = this;
    const pixels = new Uint8Array(size * size * 3);
    for (let i = 0; i < size * size; i++) {
      const along = sample.gtLabel === 0 ? Math.floor(i / size) : i % size;
      const grey = 128 + 60 * Math.sin(sample.phase + (along * Math.PI) / 2) + this.noise * rng.normal();
      pixels.fill(Math.max(0, Math.min(255, grey)), 3 * i, 3 * i + 3);
    }
    return { ...sample, img: hostArray(pixels, [size, size, 3]) };
  }
}
