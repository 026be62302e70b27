import { badValue, checkKeys, register, type HostArray } from '@engine/core';
import type { SampleContext, Transform } from '@engine/data';
import { TRANSFORMS } from '../registry.js';
import { imageOf, newPixels, type ImageSample, type Pixels } from './image.js';

/** Left–right, up–down, or both. */
export type FlipDirection = 'horizontal' | 'vertical' | 'diagonal';

const DIRECTIONS: readonly FlipDirection[] = ['horizontal', 'vertical', 'diagonal'];

export interface RandomFlipOptions {
  /** Probability of a flip, from 0 to 1. Default 0.5. */
  prob?: number;
  /** Direction, or several of which one is drawn. Default `horizontal`. */
  direction?: FlipDirection | readonly FlipDirection[];
}

function flip(img: HostArray & { data: Pixels }, direction: FlipDirection): HostArray {
  const [rows, columns, channels] = img.shape as [number, number, number];
  const source = img.data;
  const target = newPixels(source, source.length);
  const mirror = direction !== 'vertical';
  const upsideDown = direction !== 'horizontal';
  const step = mirror ? -channels : channels;
  for (let row = 0; row < rows; row++) {
    let to = row * columns * channels;
    let from = ((upsideDown ? rows - 1 - row : row) * columns + (mirror ? columns - 1 : 0)) * channels;
    if (channels === 3) {
      for (let column = 0; column < columns; column++, to += 3, from += step) {
        target[to] = source[from]!;
        target[to + 1] = source[from + 1]!;
        target[to + 2] = source[from + 2]!;
      }
    } else {
      for (let column = 0; column < columns; column++, to += channels, from += step) {
        for (let c = 0; c < channels; c++) target[to + c] = source[from + c]!;
      }
    }
  }
  return { dtype: img.dtype, shape: img.shape, data: target };
}

/** Flips the image with a probability; says so in `flip` and `flipDirection`. */
@register(TRANSFORMS, { from: '@engine/vision' })
export class RandomFlip implements Transform {
  static readonly workerModule = import.meta.url;
  private readonly prob: number;
  private readonly directions: readonly FlipDirection[];

  constructor(options: RandomFlipOptions = {}) {
    checkKeys('RandomFlip', options, ['prob', 'direction']);
    const { prob = 0.5, direction = 'horizontal' } = options;
    if (!(prob >= 0 && prob <= 1)) throw badValue('RandomFlip.prob', prob, 'a number from 0 to 1');
    this.directions = typeof direction === 'string' ? [direction] : direction;
    if (
      !Array.isArray(this.directions) ||
      !this.directions.length ||
      !this.directions.every((d) => DIRECTIONS.includes(d))
    ) {
      throw badValue('RandomFlip.direction', direction, `one or more of ${DIRECTIONS.join(', ')}`);
    }
    this.prob = prob;
  }

  transform(sample: ImageSample, { rng }: SampleContext): ImageSample {
    // Both numbers are drawn whatever comes of them, so that later transforms see the same stream.
    const chance = rng.float();
    const direction = this.directions[this.directions.length > 1 ? rng.int(this.directions.length) : 0]!;
    const flipped = chance < this.prob;
    if (flipped) sample.img = flip(imageOf(sample), direction);
    sample['flip'] = flipped;
    sample['flipDirection'] = flipped ? direction : undefined;
    return sample;
  }
}

declare module '@engine/core' {
  interface TransformTypes {
    'vision.RandomFlip': RandomFlipOptions;
  }
}
