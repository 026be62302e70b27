import { checkKeys, isEngineError, register } from '@engine/core';
import { missingData } from '@engine/data';
import { DATASETS } from '../registry.js';
import {
  cifarPlaces,
  cifarRoots,
  findCifar,
  readCifar,
  readClassNames,
  type CifarVariant,
} from './cifar-files.js';
import { downloadArchive } from './download-archive.js';
import { ImageDataset, type ImageDatasetOptions } from './image-dataset.js';
import type { SharedImages } from './image-store.js';

export interface CIFAROptions extends ImageDatasetOptions {
  /**
   * Folder that holds the unpacked archive, or its files. Default: ENGINE_DATA_ROOT, else `./data`.
   */
  dataRoot?: string;
  /** Training images, or those for testing. Default true. */
  train?: boolean;
  /** Fetch the data when they are missing. Default true. */
  download?: boolean;
}

const OPTIONS = [
  'dataRoot',
  'train',
  'download',
  'metainfo',
  'indices',
  'pipeline',
  'testMode',
  'lazyInit',
  'maxRefetch',
];

const CIFAR10_FILES: CifarVariant = {
  name: 'CIFAR-10',
  folder: 'cifar-10-batches-bin',
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  md5: 'c32a1d4ab5d03f1284b67883e8d87530',
  trainFile: /^data_batch_\d+\.bin$/,
  testFile: /^test_batch\.bin$/,
  labelBytes: 1,
  numClasses: 10,
  namesFile: 'batches.meta.txt',
};

const CIFAR100_FILES: CifarVariant = {
  name: 'CIFAR-100',
  folder: 'cifar-100-binary',
  url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
  md5: '03b5dce01913d631647c71ecec9e9cb8',
  trainFile: /^train\.bin$/,
  testFile: /^test\.bin$/,
  // A coarse label comes before the fine one.
  labelBytes: 2,
  numClasses: 100,
  namesFile: 'fine_label_names.txt',
};

/** What the two datasets share. Items before the pipeline: `{ img: uint8 [32, 32, 3] (RGB), gtLabel, sampleIdx }`. */
abstract class CIFAR extends ImageDataset {
  private readonly root: string | undefined;
  private readonly train: boolean;

  constructor(options: CIFAROptions = {}) {
    checkKeys(new.target.name, options, OPTIONS);
    const { dataRoot, train = true, download: _download, ...rest } = options;
    super({ testMode: !train, ...rest });
    this.root = dataRoot;
    this.train = train;
  }

  protected abstract get variant(): CifarVariant;

  protected override loadImages(): SharedImages {
    const { variant } = this;
    const found = findCifar(variant, this.root, this.train);
    if (!found) throw missingCifar(variant, this.root);
    const classes = readClassNames(variant, found.folder);
    if (classes) this.learn({ classes });
    return readCifar(variant, found.files);
  }
}

function missingCifar(variant: CifarVariant, dataRoot: string | undefined, cause?: unknown): Error {
  return missingData(
    `The ${variant.name} data are not there${cause ? ', and cannot be downloaded' : ''}.`,
    cifarPlaces(variant, dataRoot),
    `unpack ${variant.url} in a folder, and name that folder by dataRoot or ENGINE_DATA_ROOT`,
    cause,
  );
}

/** Downloads the data unless they are there or `download` is false. */
async function prepareCifar(variant: CifarVariant, options: CIFAROptions): Promise<void> {
  const { dataRoot, train = true, download = true } = options;
  if (findCifar(variant, dataRoot, train)) return;
  if (!download) throw missingCifar(variant, dataRoot);
  try {
    const { url, md5, folder } = variant;
    await downloadArchive({ url, md5, folder, into: cifarRoots(dataRoot)[0]! });
  } catch (error) {
    throw missingCifar(variant, dataRoot, error);
  }
}

/**
 * CIFAR-10: 60,000 colour images of 32 × 32 in 10 classes, in the binary form. Uses whatever batch files are there.
 *
 * @see Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, https://www.cs.toronto.edu/~kriz/cifar.html
 */
@register(DATASETS, { from: '@engine/vision' })
export class CIFAR10 extends CIFAR {
  static readonly workerModule = import.meta.url;

  /** Fetches the data. @throws E_DATA_MISSING when they are neither there nor to be had */
  static prepare(options: CIFAROptions = {}): Promise<void> {
    return prepareCifar(CIFAR10_FILES, options);
  }

  protected override get variant(): CifarVariant {
    return CIFAR10_FILES;
  }
}

/** CIFAR-100: like {@link CIFAR10}, with 100 classes; `gtLabel` is the fine label. */
@register(DATASETS, { from: '@engine/vision' })
export class CIFAR100 extends CIFAR {
  static readonly workerModule = import.meta.url;

  /** Fetches the data. @throws E_DATA_MISSING when they are neither there nor to be had */
  static prepare(options: CIFAROptions = {}): Promise<void> {
    return prepareCifar(CIFAR100_FILES, options);
  }

  protected override get variant(): CifarVariant {
    return CIFAR100_FILES;
  }
}

/**
 * Whether CIFAR-10 (both splits) can be used: it is there or, with `download`, could be fetched just now. For configs
 * that fall back to generated images.
 */
export async function hasCifar10(dataRoot?: string, options: { download?: boolean } = {}): Promise<boolean> {
  const root = dataRoot === undefined ? {} : { dataRoot };
  try {
    for (const train of [true, false])
      await CIFAR10.prepare({ ...root, train, download: options.download ?? false });
    return true;
  } catch (error) {
    // Damaged data must not pass for missing ones.
    if (isEngineError(error) && error.code === 'E_DATA_MISSING') return false;
    throw error;
  }
}

declare module '@engine/core' {
  interface DatasetTypes {
    'vision.CIFAR10': CIFAROptions;
    'vision.CIFAR100': CIFAROptions;
  }
}
