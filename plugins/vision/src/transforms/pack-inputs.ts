import { badValue, checkKeys, register, type HostArray } from '@engine/core';
import type { Transform } from '@engine/data';
import { TRANSFORMS } from '../registry.js';
import { imageOf, type ImageSample } from './image.js';

export interface PackInputsOptions {
  /** Further keys of the sample to keep, such as `sampleIdx`. Default none. */
  metaKeys?: readonly string[];
}

/** What classifiers take. */
export interface PackedImage {
  /** Height × width × channels; uint8 stays uint8, so that it is small to send and is normalised on the device. */
  inputs: HostArray;
  /** Class index; absent for samples without a label. */
  gtLabels?: number;
  [key: string]: unknown;
}

/** Ends a pipeline: keeps the image as `inputs` and the label as `gtLabels`. */
@register(TRANSFORMS, { from: '@engine/vision' })
export class PackInputs implements Transform {
  static readonly workerModule = import.meta.url;
  private readonly metaKeys: readonly string[];

  constructor(options: PackInputsOptions = {}) {
    checkKeys('PackInputs', options, ['metaKeys']);
    this.metaKeys = options.metaKeys ?? [];
    if (!Array.isArray(this.metaKeys) || !this.metaKeys.every((key) => typeof key === 'string')) {
      throw badValue('PackInputs.metaKeys', options.metaKeys, 'a list of names');
    }
  }

  transform(sample: ImageSample): PackedImage {
    const packed: PackedImage = { inputs: imageOf(sample) };
    if (sample.gtLabel !== undefined) packed.gtLabels = sample.gtLabel;
    for (const key of this.metaKeys) packed[key] = sample[key];
    return packed;
  }
}

declare module '@engine/core' {
  interface TransformTypes {
    'vision.PackInputs': PackInputsOptions;
  }
}
