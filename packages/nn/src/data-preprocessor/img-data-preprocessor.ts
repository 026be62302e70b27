import { MODELS, badValue, isHostArray, register, type HostArray } from '@engine/core';
import { isTensor, markConstant, tf, type Tensor } from '@engine/tensor';

import { BaseDataPreprocessor } from './base-data-preprocessor.js';
import { imagesOf, paddedSize, renderImages, type PixelRule } from './render-images.js';
import { stackBatch } from './stack-batch.js';

export interface ImgDataPreprocessorOptions {
  /** Subtracted from each channel, on the scale of the images (0 to 255 for bytes): one number, or three. */
  mean?: readonly number[];
  /** Each channel is divided by it: one number, or three. Given exactly when `mean` is. */
  std?: readonly number[];
  /** Height and width are padded to a multiple of this; 1 unless said. */
  padSizeDivisor?: number;
  /** Value of the padding, after normalisation; 0 unless said. */
  padValue?: number;
  /** Reverse the channels of images that come as BGR. */
  bgrToRgb?: boolean;
  /** Reverse the channels of images that come as RGB. */
  rgbToBgr?: boolean;
}

declare module '@engine/core' {
  interface ModelTypes {
    ImgDataPreprocessor: ImgDataPreprocessorOptions;
  }
}

/**
 * Makes one float32 tensor [N, H, W, C] of the images under `inputs` of a batch: channel order, normalisation
 * (value - mean) / std, padding at the right and bottom to a common size, stacking. Images come stacked [N, H, W, C] or
 * as a list of [H, W, C], on the host (where they are normalised while they are copied) or on the device. Whatever else
 * is in the batch is treated as by {@link BaseDataPreprocessor}.
 */
@register(MODELS)
export class ImgDataPreprocessor extends BaseDataPreprocessor {
  private readonly mean: readonly number[] | undefined;
  private readonly std: readonly number[] | undefined;
  private readonly divisor: number;
  private readonly padValue: number;
  private readonly flip: boolean;

  constructor(options: ImgDataPreprocessorOptions = {}) {
    super(options, ['mean', 'std', 'padSizeDivisor', 'padValue', 'bgrToRgb', 'rgbToBgr']);
    const { mean, std, padSizeDivisor = 1, padValue = 0, bgrToRgb = false, rgbToBgr = false } = options;
    if ((mean === undefined) !== (std === undefined)) {
      throw badValue('ImgDataPreprocessor.mean', mean, '`mean` and `std` together, or neither');
    }
    for (const [name, value] of Object.entries({ mean, std })) {
      if (value && value.length !== 1 && value.length !== 3) {
        throw badValue(`ImgDataPreprocessor.${name}`, value, 'one number, or three, one for each channel');
      }
    }
    if (std?.some((value) => !(value > 0))) throw badValue('ImgDataPreprocessor.std', std, 'numbers above 0');
    if (bgrToRgb && rgbToBgr)
      throw badValue('ImgDataPreprocessor.rgbToBgr', true, 'only one of bgrToRgb and rgbToBgr');
    if (!Number.isInteger(padSizeDivisor) || padSizeDivisor < 1) {
      throw badValue('ImgDataPreprocessor.padSizeDivisor', padSizeDivisor, 'a positive integer');
    }
    this.mean = mean;
    this.std = std;
    this.divisor = padSizeDivisor;
    this.padValue = padValue;
    this.flip = bgrToRgb || rgbToBgr;
  }

  override forward(data: unknown, training = false): unknown {
    if (typeof data !== 'object' || data === null || !('inputs' in data)) {
      throw badValue('ImgDataPreprocessor.data', data, "an object with the images under 'inputs'");
    }
    const { inputs, ...rest } = data;
    return { inputs: markConstant(this.toBatch(inputs)), ...(super.forward(rest, training) as object) };
  }

  private toBatch(inputs: unknown): Tensor {
    const list = Array.isArray(inputs) ? (inputs as unknown[]) : undefined;
    if (isHostArray(inputs) || (list && list.length > 0 && list.every(isHostArray))) {
      const images = imagesOf(inputs as HostArray | HostArray[]);
      const rule: PixelRule = { ...this.statistics(images[0]!.channels), flip: this.flip };
      const [height, width] = paddedSize(images, this.divisor);
      const pixels = renderImages(images, height, width, this.padValue, rule);
      return tf.tensor(pixels, [images.length, height, width, images[0]!.channels]);
    }
    if (isTensor(inputs) && inputs.rank === 4) {
      return tf.tidy(() => stackBatch(tf.unstack(this.normalize(inputs)), this.divisor, this.padValue));
    }
    if (list && list.length > 0 && list.every((item) => isTensor(item) && item.rank === 3)) {
      return tf.tidy(() =>
        stackBatch(
          (list as Tensor[]).map((image) => this.normalize(image)),
          this.divisor,
          this.padValue,
        ),
      );
    }
    throw badValue(
      'ImgDataPreprocessor.inputs',
      inputs,
      'images stacked as [N, H, W, C], or a list of [H, W, C]',
    );
  }

  /** Mean and standard deviation for each of `channels`, undefined without normalisation. */
  private statistics(channels: number): { mean?: Float32Array; std?: Float32Array } {
    const spread = (name: string, values: readonly number[]): Float32Array => {
      if (values.length === 3 && channels !== 3) {
        throw badValue(
          'ImgDataPreprocessor.inputs',
          `${channels} channels`,
          `3 channels, as ${name} has 3 numbers`,
        );
      }
      return Float32Array.from({ length: channels }, (_, c) => values[values.length === 1 ? 0 : c]!);
    };
    return this.mean && this.std ? { mean: spread('mean', this.mean), std: spread('std', this.std) } : {};
  }

  private normalize(images: Tensor): Tensor {
    const flipped = this.flip ? tf.reverse(images, -1) : images;
    const floats = tf.cast(flipped, 'float32');
    const { mean, std } = this.statistics(images.shape[images.rank - 1]!);
    return mean && std ? tf.div(tf.sub(floats, tf.tensor1d(mean)), tf.tensor1d(std)) : floats;
  }
}
