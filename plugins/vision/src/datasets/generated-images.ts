import { badValue, checkKeys, RandomStream, register } from '@engine/core';
import { DATASETS } from '../registry.js';
import { ImageDataset, type ImageDatasetOptions } from './image-dataset.js';
import { sharedImages, type SharedImages } from './image-store.js';

export interface GeneratedImagesOptions extends ImageDatasetOptions {
  /** Images of this split. */
  numSamples: number;
  /** Default 10. */
  numClasses?: number;
  /** Height and width in pixels. Default 32. */
  imageSize?: number;
  /** Default 0. */
  seed?: number;
  /** Two splits of one seed have other images of the same classes. Default true. */
  train?: boolean;
}

const OPTIONS = [
  'numSamples',
  'numClasses',
  'imageSize',
  'seed',
  'train',
  'metainfo',
  'indices',
  'pipeline',
  'testMode',
  'lazyInit',
  'maxRefetch',
];

/** Amplitude of the pattern, of its tint and of the noise, in grey values. */
const PATTERN = 45;
const TINT = 7;
const BACKGROUND = 25;
const NOISE = 35;

function integer(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) {
    throw badValue(`GeneratedImages.${name}`, value, `an integer >= ${least}`);
  }
  return value;
}

/**
 * Made-up images for machines without data and network: each class is a grating with an angle, a width and a colour
 * of its own, at a random place, on a random background, under noise. Because the gratings begin anywhere, their mean
 * image says little: a linear classifier does badly, a small convolutional network well.
 *
 * Images are a function of (seed, split, index). `metainfo.generated` is true.
 */
@register(DATASETS, { from: '@engine/vision' })
export class GeneratedImages extends ImageDataset {
  static readonly workerModule = import.meta.url;
  private readonly numSamples: number;
  private readonly numClasses: number;
  private readonly imageSize: number;
  private readonly seed: number;
  private readonly train: boolean;

  constructor(options: GeneratedImagesOptions) {
    checkKeys('GeneratedImages', options, OPTIONS);
    const {
      numSamples,
      numClasses = 10,
      imageSize = 32,
      seed = 0,
      train = true,
      metainfo,
      ...rest
    } = options;
    const classes = Array.from({ length: integer('numClasses', numClasses, 1) }, (_, i) => `pattern ${i}`);
    super({ testMode: !train, ...rest, metainfo: { classes, ...metainfo, generated: true } });
    this.numSamples = integer('numSamples', numSamples, 1);
    this.numClasses = numClasses;
    this.imageSize = integer('imageSize', imageSize, 4);
    if (!Number.isSafeInteger(seed)) throw badValue('GeneratedImages.seed', seed, 'an integer');
    this.seed = seed;
    this.train = train;
  }

  notice(): string {
    return `GeneratedImages: these ${this.length} images are generated, not real data; accuracies say nothing about real ones.`;
  }

  protected override loadImages(): SharedImages {
    const side = this.imageSize;
    const images = sharedImages(this.numSamples, [side, side, 3]);
    const split = this.train ? 'train' : 'test';
    for (let i = 0; i < this.numSamples; i++) {
      const label = i % this.numClasses;
      images.labels[i] = label;
      const stream = RandomStream.of(this.seed, 'generated-images', split, i);
      this.draw(images.pixels.subarray(i * side * side * 3, (i + 1) * side * side * 3), label, stream);
    }
    return images;
  }

  private draw(pixels: Uint8Array, label: number, stream: RandomStream): void {
    const side = this.imageSize;
    const turn = label / this.numClasses;
    // A quarter turn holds all classes, so that a mirrored image is never one of another class.
    const angle = (Math.PI / 2) * turn;
    const cycles = 3 + (label % 3);
    const frequency = (2 * Math.PI * cycles) / side;
    const along = frequency * Math.cos(angle);
    const across = frequency * Math.sin(angle);
    const phase = stream.uniform(0, 2 * Math.PI);
    const strength = stream.uniform(0.6, 1);
    const base = [0, 1, 2].map((c) => {
      const hue = Math.cos(2 * Math.PI * (turn - c / 3));
      return {
        mean: 128 + TINT * hue + stream.uniform(-BACKGROUND, BACKGROUND),
        swing: strength * PATTERN * (0.7 + 0.3 * hue),
      };
    });
    let at = 0;
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const wave = Math.cos(along * x + across * y + phase);
        const noise = stream.uint32();
        for (let c = 0; c < 3; c++) {
          const grain = ((noise >>> (8 * c)) & 255) / 127.5 - 1;
          const value = base[c]!.mean + base[c]!.swing * wave + NOISE * grain;
          pixels[at++] = value < 0 ? 0 : value > 255 ? 255 : value;
        }
      }
    }
  }
}

declare module '@engine/core' {
  interface DatasetTypes {
    'vision.GeneratedImages': GeneratedImagesOptions;
  }
}
