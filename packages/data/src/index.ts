import { provideSchemas } from '@engine/core';

export { BaseDataset, BASE_DATASET_OPTIONS, type BaseDatasetOptions } from './base-dataset.js';
export { BatchSampler, type BatchSamplerOptions, type BatchSource } from './batch-sampler.js';
export { buildDataloader, type BuildDataloaderOptions, type DataloaderConfig } from './build-dataloader.js';
export { ClassBalancedDataset, type ClassBalancedDatasetOptions } from './class-balanced-dataset.js';
export type { CollateConfig, CollateFunction } from './collate.js';
export { Compose, type ComposeOptions, type TransformLike } from './compose.js';
export { ConcatDataset, type ConcatDatasetOptions } from './concat-dataset.js';
export { DataLoader, type DataLoaderOptions } from './data-loader.js';
export { dataRoots, DATA_ROOT_VARIABLE, missingData } from './data-paths.js';
export { DatasetWrapper } from './dataset-wrapper.js';
export { isDataset, type Dataset, type Metainfo } from './dataset.js';
export { defaultCollate } from './default-collate.js';
export { DefaultSampler, type DefaultSamplerOptions } from './default-sampler.js';
export { InfiniteSampler, type InfiniteSamplerOptions } from './infinite-sampler.js';
export { resolveIndices, type DataInfo, type Indices, type ItemStore } from './item-store.js';
export { ownBuffer } from './owned-buffers.js';
export { prepareData, type PreparableDataset } from './prepare-data.js';
export { pseudoCollate } from './pseudo-collate.js';
export { RepeatDataset, type RepeatDatasetOptions } from './repeat-dataset.js';
export { sampleContext, type SampleContext } from './sample-context.js';
export type { Sampler, SamplerOptions, Sized } from './sampler.js';
export type { Transform, TransformFunction } from './transform.js';

provideSchemas(import.meta.url);
