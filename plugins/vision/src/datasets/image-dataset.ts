import type { Registry, TransformTypes } from '@engine/core';
import { BaseDataset, type BaseDatasetOptions } from '@engine/data';
import { TRANSFORMS } from '../registry.js';
import { ImageStore, type SharedImages } from './image-store.js';

/** The options of {@link BaseDataset} that a dataset without annotations has. */
export type ImageDatasetOptions = Pick<
  BaseDatasetOptions,
  'metainfo' | 'indices' | 'pipeline' | 'testMode' | 'lazyInit' | 'maxRefetch'
>;

/** A dataset of labelled images of one size, held in shared memory. Plain transform names are looked up in `vision`. */
export abstract class ImageDataset extends BaseDataset {
  override getCatIds(index: number): readonly number[] {
    return [this.getDataInfo(index)['gtLabel'] as number];
  }

  protected abstract loadImages(): SharedImages;

  protected override loadStore(): ImageStore {
    return new ImageStore(this.loadImages());
  }

  protected override restoreStore(shared: unknown): ImageStore {
    return new ImageStore(shared as SharedImages);
  }

  protected override transformRegistry(): Registry<unknown, TransformTypes> {
    return TRANSFORMS;
  }
}
