import { badValue, EngineError, isHostArray, show, type HostArray } from '@engine/core';

/** What image transforms pass on: an image, its label, and whatever else the dataset says. */
export interface ImageSample {
  /** Height × width × channels. */
  img: HostArray;
  gtLabel?: number;
  sampleIdx?: number;
  [key: string]: unknown;
}

/** Pixel data of images; of one type per image, which the loops over them rely on. */
export type Pixels = Uint8Array | Float32Array;

/**
 * The image of a sample, for transforms.
 * @throws E_IMAGE when there is none
 */
export function imageOf(sample: ImageSample): HostArray & { data: Pixels } {
  const { img } = sample;
  if (!isHostArray(img) || img.shape.length !== 3 || (img.dtype !== 'uint8' && img.dtype !== 'float32')) {
    throw new EngineError({
      code: 'E_IMAGE',
      what: 'A sample has no image that this transform can use.',
      received: isHostArray(img) ? `img: ${img.dtype} [${img.shape.join(', ')}]` : `img: ${show(img)}`,
      expected: 'img: uint8 or float32 [height, width, channels]',
    });
  }
  return img as HostArray & { data: Pixels };
}

export function newPixels(like: Pixels, length: number): Pixels {
  return like instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
}

/**
 * A size given as one number or as [vertical, horizontal].
 * @throws E_CONFIG_VALUE for anything but integers >= least
 */
export function pairOf(name: string, value: number | readonly number[], least: number): [number, number] {
  const pair: unknown[] = typeof value === 'number' ? [value, value] : Array.isArray(value) ? value : [];
  if (pair.length !== 2 || !pair.every((side) => Number.isSafeInteger(side) && (side as number) >= least)) {
    throw badValue(name, value, `an integer >= ${least}, or two of them: [vertical, horizontal]`);
  }
  return pair as [number, number];
}
