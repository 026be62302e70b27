// Written by `node scripts/gen-schemas.mjs`; checked by `npm run check` (types). Every line that must not compile says so.
import type { ConfigOf, InlineConfig, LoopTypes, HookTypes, DatasetTypes, SamplerTypes, TransformTypes, CollateTypes, ModelTypes, WeightInitializerTypes, OptimizerTypes, OptimWrapperTypes, OptimWrapperConstructorTypes, ParamSchedulerTypes, MetricTypes, EvaluatorTypes, VisualizerTypes, VisBackendTypes, LogProcessorTypes, BackendTypes, ProcessGroupTypes, StorageBackendTypes } from '@engine/core';
import '@engine/backend-torch';
import '@engine/backend-wasm';
import '@engine/data';
import '@engine/dist';
import '@engine/evaluator';
import '@engine/fileio';
import '@engine/nn';
import '@engine/optim';
import '@engine/optim-8bit';
import '@engine/optim-dadaptation';
import '@engine/optim-extra';
import '@engine/optim-lion';
import '@engine/optim-sophia';
import '@engine/runner';
import '@engine/storage-s3';
import '@engine/tensor';
import '@engine/vision';
import '@engine/visualizer';

/** Of no type that an option has. */
declare const wrong: unique symbol;
/** Stands for what only a program can make. */
declare const instance: never;
/** A part given as its class. */
declare const part: InlineConfig;

export const LOOPS: ConfigOf<LoopTypes>[] = [
  { type: 'EpochBasedTrainLoop', maxEpochs: 1 },
  // @ts-expect-error EpochBasedTrainLoop: no such option
  { type: 'EpochBasedTrainLoop', maxEpochs: 1, noSuchOption: 1 },
  // @ts-expect-error EpochBasedTrainLoop: 'maxEpochs' of another type
  { type: 'EpochBasedTrainLoop', maxEpochs: wrong },
  // @ts-expect-error EpochBasedTrainLoop: 'maxEpochs' is missing
  { type: 'EpochBasedTrainLoop' },
  { type: 'IterBasedTrainLoop', maxIters: 1 },
  // @ts-expect-error IterBasedTrainLoop: no such option
  { type: 'IterBasedTrainLoop', maxIters: 1, noSuchOption: 1 },
  // @ts-expect-error IterBasedTrainLoop: 'maxIters' of another type
  { type: 'IterBasedTrainLoop', maxIters: wrong },
  // @ts-expect-error IterBasedTrainLoop: 'maxIters' is missing
  { type: 'IterBasedTrainLoop' },
  { type: 'TestLoop' },
  // @ts-expect-error TestLoop: no such option
  { type: 'TestLoop', noSuchOption: 1 },
  // @ts-expect-error TestLoop: 'withLoss' of another type
  { type: 'TestLoop', withLoss: wrong },
  { type: 'ValLoop' },
  // @ts-expect-error ValLoop: no such option
  { type: 'ValLoop', noSuchOption: 1 },
  // @ts-expect-error ValLoop: 'withLoss' of another type
  { type: 'ValLoop', withLoss: wrong },
];

export const HOOKS: ConfigOf<HookTypes>[] = [
  { type: 'BatchNormRecalibrationHook' },
  // @ts-expect-error BatchNormRecalibrationHook: no such option
  { type: 'BatchNormRecalibrationHook', noSuchOption: 1 },
  // @ts-expect-error BatchNormRecalibrationHook: 'numBatches' of another type
  { type: 'BatchNormRecalibrationHook', numBatches: wrong },
  { type: 'CheckpointHook' },
  // @ts-expect-error CheckpointHook: no such option
  { type: 'CheckpointHook', noSuchOption: 1 },
  // @ts-expect-error CheckpointHook: 'interval' of another type
  { type: 'CheckpointHook', interval: wrong },
  { type: 'DistSamplerSeedHook' },
  // @ts-expect-error DistSamplerSeedHook: no such option
  { type: 'DistSamplerSeedHook', noSuchOption: 1 },
  // @ts-expect-error DistSamplerSeedHook: 'priority' of another type
  { type: 'DistSamplerSeedHook', priority: wrong },
  { type: 'EMAHook' },
  // @ts-expect-error EMAHook: no such option
  { type: 'EMAHook', noSuchOption: 1 },
  // @ts-expect-error EMAHook: 'emaType' of another type
  { type: 'EMAHook', emaType: wrong },
  { type: 'EarlyStoppingHook', monitor: 'a' },
  // @ts-expect-error EarlyStoppingHook: no such option
  { type: 'EarlyStoppingHook', monitor: 'a', noSuchOption: 1 },
  // @ts-expect-error EarlyStoppingHook: 'monitor' of another type
  { type: 'EarlyStoppingHook', monitor: wrong },
  // @ts-expect-error EarlyStoppingHook: 'monitor' is missing
  { type: 'EarlyStoppingHook' },
  { type: 'EmptyCacheHook' },
  // @ts-expect-error EmptyCacheHook: no such option
  { type: 'EmptyCacheHook', noSuchOption: 1 },
  // @ts-expect-error EmptyCacheHook: 'beforeEpoch' of another type
  { type: 'EmptyCacheHook', beforeEpoch: wrong },
  { type: 'FreezeHook', names: 'a' },
  // @ts-expect-error FreezeHook: no such option
  { type: 'FreezeHook', names: 'a', noSuchOption: 1 },
  // @ts-expect-error FreezeHook: 'names' of another type
  { type: 'FreezeHook', names: wrong },
  // @ts-expect-error FreezeHook: 'names' is missing
  { type: 'FreezeHook' },
  { type: 'GradNormHook' },
  // @ts-expect-error GradNormHook: no such option
  { type: 'GradNormHook', noSuchOption: 1 },
  // @ts-expect-error GradNormHook: 'interval' of another type
  { type: 'GradNormHook', interval: wrong },
  { type: 'IterTimerHook' },
  // @ts-expect-error IterTimerHook: no such option
  { type: 'IterTimerHook', noSuchOption: 1 },
  // @ts-expect-error IterTimerHook: 'priority' of another type
  { type: 'IterTimerHook', priority: wrong },
  { type: 'LRMonitorHook' },
  // @ts-expect-error LRMonitorHook: no such option
  { type: 'LRMonitorHook', noSuchOption: 1 },
  // @ts-expect-error LRMonitorHook: 'logMomentum' of another type
  { type: 'LRMonitorHook', logMomentum: wrong },
  { type: 'LoggerHook' },
  // @ts-expect-error LoggerHook: no such option
  { type: 'LoggerHook', noSuchOption: 1 },
  // @ts-expect-error LoggerHook: 'interval' of another type
  { type: 'LoggerHook', interval: wrong },
  { type: 'MaxTimeHook', maxTime: 'a' },
  // @ts-expect-error MaxTimeHook: no such option
  { type: 'MaxTimeHook', maxTime: 'a', noSuchOption: 1 },
  // @ts-expect-error MaxTimeHook: 'maxTime' of another type
  { type: 'MaxTimeHook', maxTime: wrong },
  // @ts-expect-error MaxTimeHook: 'maxTime' is missing
  { type: 'MaxTimeHook' },
  { type: 'ModelSummaryHook' },
  // @ts-expect-error ModelSummaryHook: no such option
  { type: 'ModelSummaryHook', noSuchOption: 1 },
  // @ts-expect-error ModelSummaryHook: 'maxDepth' of another type
  { type: 'ModelSummaryHook', maxDepth: wrong },
  { type: 'NaNGuardHook' },
  // @ts-expect-error NaNGuardHook: no such option
  { type: 'NaNGuardHook', noSuchOption: 1 },
  // @ts-expect-error NaNGuardHook: 'interval' of another type
  { type: 'NaNGuardHook', interval: wrong },
  { type: 'NaiveVisualizationHook' },
  // @ts-expect-error NaiveVisualizationHook: no such option
  { type: 'NaiveVisualizationHook', noSuchOption: 1 },
  // @ts-expect-error NaiveVisualizationHook: 'interval' of another type
  { type: 'NaiveVisualizationHook', interval: wrong },
  { type: 'ParamSchedulerHook' },
  // @ts-expect-error ParamSchedulerHook: no such option
  { type: 'ParamSchedulerHook', noSuchOption: 1 },
  // @ts-expect-error ParamSchedulerHook: 'priority' of another type
  { type: 'ParamSchedulerHook', priority: wrong },
  { type: 'PrepareTTAHook', ttaCfg: { type: 'a' } },
  // @ts-expect-error PrepareTTAHook: no such option
  { type: 'PrepareTTAHook', ttaCfg: { type: 'a' }, noSuchOption: 1 },
  // @ts-expect-error PrepareTTAHook: 'ttaCfg' of another type
  { type: 'PrepareTTAHook', ttaCfg: wrong },
  // @ts-expect-error PrepareTTAHook: 'ttaCfg' is missing
  { type: 'PrepareTTAHook' },
  { type: 'ProfilerHook' },
  // @ts-expect-error ProfilerHook: no such option
  { type: 'ProfilerHook', noSuchOption: 1 },
  // @ts-expect-error ProfilerHook: 'byEpoch' of another type
  { type: 'ProfilerHook', byEpoch: wrong },
  { type: 'ProgressBarHook' },
  // @ts-expect-error ProgressBarHook: no such option
  { type: 'ProgressBarHook', noSuchOption: 1 },
  // @ts-expect-error ProgressBarHook: 'refresh' of another type
  { type: 'ProgressBarHook', refresh: wrong },
  { type: 'RuntimeInfoHook' },
  // @ts-expect-error RuntimeInfoHook: no such option
  { type: 'RuntimeInfoHook', noSuchOption: 1 },
  // @ts-expect-error RuntimeInfoHook: 'priority' of another type
  { type: 'RuntimeInfoHook', priority: wrong },
  { type: 'SyncBuffersHook' },
  // @ts-expect-error SyncBuffersHook: no such option
  { type: 'SyncBuffersHook', noSuchOption: 1 },
  // @ts-expect-error SyncBuffersHook: 'priority' of another type
  { type: 'SyncBuffersHook', priority: wrong },
  { type: 'SystemMonitorHook' },
  // @ts-expect-error SystemMonitorHook: no such option
  { type: 'SystemMonitorHook', noSuchOption: 1 },
  // @ts-expect-error SystemMonitorHook: 'interval' of another type
  { type: 'SystemMonitorHook', interval: wrong },
  { type: 'ThroughputMonitorHook' },
  // @ts-expect-error ThroughputMonitorHook: no such option
  { type: 'ThroughputMonitorHook', noSuchOption: 1 },
  // @ts-expect-error ThroughputMonitorHook: 'interval' of another type
  { type: 'ThroughputMonitorHook', interval: wrong },
];

export const DATASETS: ConfigOf<DatasetTypes>[] = [
  { type: 'BaseDataset' },
  // @ts-expect-error BaseDataset: no such option
  { type: 'BaseDataset', noSuchOption: 1 },
  // @ts-expect-error BaseDataset: 'annFile' of another type
  { type: 'BaseDataset', annFile: wrong },
  { type: 'ClassBalancedDataset', dataset: part, oversampleThr: 1 },
  // @ts-expect-error ClassBalancedDataset: no such option
  { type: 'ClassBalancedDataset', dataset: part, oversampleThr: 1, noSuchOption: 1 },
  // @ts-expect-error ClassBalancedDataset: 'dataset' of another type
  { type: 'ClassBalancedDataset', oversampleThr: 1, dataset: wrong },
  // @ts-expect-error ClassBalancedDataset: 'dataset' is missing
  { type: 'ClassBalancedDataset', oversampleThr: 1 },
  { type: 'ConcatDataset', datasets: [part] },
  // @ts-expect-error ConcatDataset: no such option
  { type: 'ConcatDataset', datasets: [part], noSuchOption: 1 },
  // @ts-expect-error ConcatDataset: 'datasets' of another type
  { type: 'ConcatDataset', datasets: wrong },
  // @ts-expect-error ConcatDataset: 'datasets' is missing
  { type: 'ConcatDataset' },
  { type: 'RepeatDataset', dataset: part, times: 1 },
  // @ts-expect-error RepeatDataset: no such option
  { type: 'RepeatDataset', dataset: part, times: 1, noSuchOption: 1 },
  // @ts-expect-error RepeatDataset: 'dataset' of another type
  { type: 'RepeatDataset', times: 1, dataset: wrong },
  // @ts-expect-error RepeatDataset: 'dataset' is missing
  { type: 'RepeatDataset', times: 1 },
  { type: 'vision.CIFAR10' },
  // @ts-expect-error vision.CIFAR10: no such option
  { type: 'vision.CIFAR10', noSuchOption: 1 },
  // @ts-expect-error vision.CIFAR10: 'dataRoot' of another type
  { type: 'vision.CIFAR10', dataRoot: wrong },
  { type: 'vision.CIFAR100' },
  // @ts-expect-error vision.CIFAR100: no such option
  { type: 'vision.CIFAR100', noSuchOption: 1 },
  // @ts-expect-error vision.CIFAR100: 'dataRoot' of another type
  { type: 'vision.CIFAR100', dataRoot: wrong },
  { type: 'vision.GeneratedImages', numSamples: 1 },
  // @ts-expect-error vision.GeneratedImages: no such option
  { type: 'vision.GeneratedImages', numSamples: 1, noSuchOption: 1 },
  // @ts-expect-error vision.GeneratedImages: 'numSamples' of another type
  { type: 'vision.GeneratedImages', numSamples: wrong },
  // @ts-expect-error vision.GeneratedImages: 'numSamples' is missing
  { type: 'vision.GeneratedImages' },
];

export const DATA_SAMPLERS: ConfigOf<SamplerTypes>[] = [
  { type: 'BatchSampler', batchSize: 1 },
  // @ts-expect-error BatchSampler: no such option
  { type: 'BatchSampler', batchSize: 1, noSuchOption: 1 },
  // @ts-expect-error BatchSampler: 'batchSize' of another type
  { type: 'BatchSampler', batchSize: wrong },
  // @ts-expect-error BatchSampler: 'batchSize' is missing
  { type: 'BatchSampler' },
  { type: 'DefaultSampler' },
  // @ts-expect-error DefaultSampler: no such option
  { type: 'DefaultSampler', noSuchOption: 1 },
  // @ts-expect-error DefaultSampler: 'shuffle' of another type
  { type: 'DefaultSampler', shuffle: wrong },
  { type: 'InfiniteSampler' },
  // @ts-expect-error InfiniteSampler: no such option
  { type: 'InfiniteSampler', noSuchOption: 1 },
  // @ts-expect-error InfiniteSampler: 'shuffle' of another type
  { type: 'InfiniteSampler', shuffle: wrong },
];

export const TRANSFORMS: ConfigOf<TransformTypes>[] = [
  { type: 'Compose' },
  // @ts-expect-error Compose: no such option
  { type: 'Compose', noSuchOption: 1 },
  // @ts-expect-error Compose: 'transforms' of another type
  { type: 'Compose', transforms: wrong },
  { type: 'vision.CenterCrop', size: 1 },
  // @ts-expect-error vision.CenterCrop: no such option
  { type: 'vision.CenterCrop', size: 1, noSuchOption: 1 },
  // @ts-expect-error vision.CenterCrop: 'size' of another type
  { type: 'vision.CenterCrop', size: wrong },
  // @ts-expect-error vision.CenterCrop: 'size' is missing
  { type: 'vision.CenterCrop' },
  { type: 'vision.Normalize', mean: [1], std: [1] },
  // @ts-expect-error vision.Normalize: no such option
  { type: 'vision.Normalize', mean: [1], std: [1], noSuchOption: 1 },
  // @ts-expect-error vision.Normalize: 'mean' of another type
  { type: 'vision.Normalize', std: [1], mean: wrong },
  // @ts-expect-error vision.Normalize: 'mean' is missing
  { type: 'vision.Normalize', std: [1] },
  { type: 'vision.PackInputs' },
  // @ts-expect-error vision.PackInputs: no such option
  { type: 'vision.PackInputs', noSuchOption: 1 },
  // @ts-expect-error vision.PackInputs: 'metaKeys' of another type
  { type: 'vision.PackInputs', metaKeys: wrong },
  { type: 'vision.RandomCrop', size: 1 },
  // @ts-expect-error vision.RandomCrop: no such option
  { type: 'vision.RandomCrop', size: 1, noSuchOption: 1 },
  // @ts-expect-error vision.RandomCrop: 'size' of another type
  { type: 'vision.RandomCrop', size: wrong },
  // @ts-expect-error vision.RandomCrop: 'size' is missing
  { type: 'vision.RandomCrop' },
  { type: 'vision.RandomFlip' },
  // @ts-expect-error vision.RandomFlip: no such option
  { type: 'vision.RandomFlip', noSuchOption: 1 },
  // @ts-expect-error vision.RandomFlip: 'prob' of another type
  { type: 'vision.RandomFlip', prob: wrong },
  { type: 'vision.Resize', size: 1 },
  // @ts-expect-error vision.Resize: no such option
  { type: 'vision.Resize', size: 1, noSuchOption: 1 },
  // @ts-expect-error vision.Resize: 'size' of another type
  { type: 'vision.Resize', size: wrong },
  // @ts-expect-error vision.Resize: 'size' is missing
  { type: 'vision.Resize' },
  { type: 'vision.TestTimeAug', transforms: [[part]] },
  // @ts-expect-error vision.TestTimeAug: no such option
  { type: 'vision.TestTimeAug', transforms: [[part]], noSuchOption: 1 },
  // @ts-expect-error vision.TestTimeAug: 'transforms' of another type
  { type: 'vision.TestTimeAug', transforms: wrong },
  // @ts-expect-error vision.TestTimeAug: 'transforms' is missing
  { type: 'vision.TestTimeAug' },
  { type: 'vision.ToTensor' },
  // @ts-expect-error vision.ToTensor: no such option
  { type: 'vision.ToTensor', noSuchOption: 1 },
  // @ts-expect-error vision.ToTensor: 'scale' of another type
  { type: 'vision.ToTensor', scale: wrong },
];

export const COLLATE_FUNCTIONS: ConfigOf<CollateTypes>[] = [
  { type: 'defaultCollate' },
  { type: 'default_collate' },
  { type: 'pseudoCollate' },
  { type: 'pseudo_collate' },
];

export const MODELS: ConfigOf<ModelTypes>[] = [
  { type: 'AdaptiveAvgPool2d', outputSize: 1 },
  // @ts-expect-error AdaptiveAvgPool2d: no such option
  { type: 'AdaptiveAvgPool2d', outputSize: 1, noSuchOption: 1 },
  // @ts-expect-error AdaptiveAvgPool2d: 'outputSize' of another type
  { type: 'AdaptiveAvgPool2d', outputSize: wrong },
  // @ts-expect-error AdaptiveAvgPool2d: 'outputSize' is missing
  { type: 'AdaptiveAvgPool2d' },
  { type: 'AdaptiveMaxPool2d', outputSize: 1 },
  // @ts-expect-error AdaptiveMaxPool2d: no such option
  { type: 'AdaptiveMaxPool2d', outputSize: 1, noSuchOption: 1 },
  // @ts-expect-error AdaptiveMaxPool2d: 'outputSize' of another type
  { type: 'AdaptiveMaxPool2d', outputSize: wrong },
  // @ts-expect-error AdaptiveMaxPool2d: 'outputSize' is missing
  { type: 'AdaptiveMaxPool2d' },
  { type: 'AvgPool2d', kernelSize: 1 },
  // @ts-expect-error AvgPool2d: no such option
  { type: 'AvgPool2d', kernelSize: 1, noSuchOption: 1 },
  // @ts-expect-error AvgPool2d: 'countIncludePad' of another type
  { type: 'AvgPool2d', kernelSize: 1, countIncludePad: wrong },
  // @ts-expect-error AvgPool2d: 'kernelSize' is missing
  { type: 'AvgPool2d' },
  { type: 'BCELoss' },
  // @ts-expect-error BCELoss: no such option
  { type: 'BCELoss', noSuchOption: 1 },
  // @ts-expect-error BCELoss: 'weight' of another type
  { type: 'BCELoss', weight: wrong },
  { type: 'BCEWithLogitsLoss' },
  // @ts-expect-error BCEWithLogitsLoss: no such option
  { type: 'BCEWithLogitsLoss', noSuchOption: 1 },
  // @ts-expect-error BCEWithLogitsLoss: 'posWeight' of another type
  { type: 'BCEWithLogitsLoss', posWeight: wrong },
  { type: 'BaseDataPreprocessor' },
  { type: 'BatchNorm1d', numFeatures: 1 },
  // @ts-expect-error BatchNorm1d: no such option
  { type: 'BatchNorm1d', numFeatures: 1, noSuchOption: 1 },
  // @ts-expect-error BatchNorm1d: 'numFeatures' of another type
  { type: 'BatchNorm1d', numFeatures: wrong },
  // @ts-expect-error BatchNorm1d: 'numFeatures' is missing
  { type: 'BatchNorm1d' },
  { type: 'BatchNorm2d', numFeatures: 1 },
  // @ts-expect-error BatchNorm2d: no such option
  { type: 'BatchNorm2d', numFeatures: 1, noSuchOption: 1 },
  // @ts-expect-error BatchNorm2d: 'numFeatures' of another type
  { type: 'BatchNorm2d', numFeatures: wrong },
  // @ts-expect-error BatchNorm2d: 'numFeatures' is missing
  { type: 'BatchNorm2d' },
  { type: 'CTCLoss' },
  // @ts-expect-error CTCLoss: no such option
  { type: 'CTCLoss', noSuchOption: 1 },
  // @ts-expect-error CTCLoss: 'blank' of another type
  { type: 'CTCLoss', blank: wrong },
  { type: 'Conv2d', inChannels: 1, outChannels: 1, kernelSize: 1 },
  // @ts-expect-error Conv2d: no such option
  { type: 'Conv2d', inChannels: 1, outChannels: 1, kernelSize: 1, noSuchOption: 1 },
  // @ts-expect-error Conv2d: 'inChannels' of another type
  { type: 'Conv2d', outChannels: 1, kernelSize: 1, inChannels: wrong },
  // @ts-expect-error Conv2d: 'inChannels' is missing
  { type: 'Conv2d', outChannels: 1, kernelSize: 1 },
  { type: 'ConvTranspose2d', inChannels: 1, outChannels: 1, kernelSize: 1 },
  // @ts-expect-error ConvTranspose2d: no such option
  { type: 'ConvTranspose2d', inChannels: 1, outChannels: 1, kernelSize: 1, noSuchOption: 1 },
  // @ts-expect-error ConvTranspose2d: 'inChannels' of another type
  { type: 'ConvTranspose2d', outChannels: 1, kernelSize: 1, inChannels: wrong },
  // @ts-expect-error ConvTranspose2d: 'inChannels' is missing
  { type: 'ConvTranspose2d', outChannels: 1, kernelSize: 1 },
  { type: 'CosineEmbeddingLoss' },
  // @ts-expect-error CosineEmbeddingLoss: no such option
  { type: 'CosineEmbeddingLoss', noSuchOption: 1 },
  // @ts-expect-error CosineEmbeddingLoss: 'reduction' of another type
  { type: 'CosineEmbeddingLoss', reduction: wrong },
  { type: 'CrossEntropyLoss' },
  // @ts-expect-error CrossEntropyLoss: no such option
  { type: 'CrossEntropyLoss', noSuchOption: 1 },
  // @ts-expect-error CrossEntropyLoss: 'weight' of another type
  { type: 'CrossEntropyLoss', weight: wrong },
  { type: 'Dropout' },
  // @ts-expect-error Dropout: no such option
  { type: 'Dropout', noSuchOption: 1 },
  // @ts-expect-error Dropout: 'p' of another type
  { type: 'Dropout', p: wrong },
  { type: 'ELU' },
  // @ts-expect-error ELU: no such option
  { type: 'ELU', noSuchOption: 1 },
  // @ts-expect-error ELU: 'alpha' of another type
  { type: 'ELU', alpha: wrong },
  { type: 'Embedding', numEmbeddings: 1, embeddingDim: 1 },
  // @ts-expect-error Embedding: no such option
  { type: 'Embedding', numEmbeddings: 1, embeddingDim: 1, noSuchOption: 1 },
  // @ts-expect-error Embedding: 'numEmbeddings' of another type
  { type: 'Embedding', embeddingDim: 1, numEmbeddings: wrong },
  // @ts-expect-error Embedding: 'numEmbeddings' is missing
  { type: 'Embedding', embeddingDim: 1 },
  { type: 'ExponentialMovingAverage' },
  // @ts-expect-error ExponentialMovingAverage: no such option
  { type: 'ExponentialMovingAverage', noSuchOption: 1 },
  // @ts-expect-error ExponentialMovingAverage: 'momentum' of another type
  { type: 'ExponentialMovingAverage', momentum: wrong },
  { type: 'Flatten' },
  // @ts-expect-error Flatten: no such option
  { type: 'Flatten', noSuchOption: 1 },
  // @ts-expect-error Flatten: 'order' of another type
  { type: 'Flatten', order: wrong },
  { type: 'GELU' },
  // @ts-expect-error GELU: no such option
  { type: 'GELU', noSuchOption: 1 },
  // @ts-expect-error GELU: 'approximate' of another type
  { type: 'GELU', approximate: wrong },
  { type: 'GaussianNLLLoss' },
  // @ts-expect-error GaussianNLLLoss: no such option
  { type: 'GaussianNLLLoss', noSuchOption: 1 },
  // @ts-expect-error GaussianNLLLoss: 'full' of another type
  { type: 'GaussianNLLLoss', full: wrong },
  { type: 'GroupNorm', numGroups: 1, numChannels: 1 },
  // @ts-expect-error GroupNorm: no such option
  { type: 'GroupNorm', numGroups: 1, numChannels: 1, noSuchOption: 1 },
  // @ts-expect-error GroupNorm: 'numGroups' of another type
  { type: 'GroupNorm', numChannels: 1, numGroups: wrong },
  // @ts-expect-error GroupNorm: 'numGroups' is missing
  { type: 'GroupNorm', numChannels: 1 },
  { type: 'Hardsigmoid' },
  // @ts-expect-error Hardsigmoid: no such option
  { type: 'Hardsigmoid', noSuchOption: 1 },
  // @ts-expect-error Hardsigmoid: 'initCfg' of another type
  { type: 'Hardsigmoid', initCfg: wrong },
  { type: 'Hardswish' },
  // @ts-expect-error Hardswish: no such option
  { type: 'Hardswish', noSuchOption: 1 },
  // @ts-expect-error Hardswish: 'initCfg' of another type
  { type: 'Hardswish', initCfg: wrong },
  { type: 'Hardtanh' },
  // @ts-expect-error Hardtanh: no such option
  { type: 'Hardtanh', noSuchOption: 1 },
  // @ts-expect-error Hardtanh: 'minVal' of another type
  { type: 'Hardtanh', minVal: wrong },
  { type: 'HingeEmbeddingLoss' },
  // @ts-expect-error HingeEmbeddingLoss: no such option
  { type: 'HingeEmbeddingLoss', noSuchOption: 1 },
  // @ts-expect-error HingeEmbeddingLoss: 'reduction' of another type
  { type: 'HingeEmbeddingLoss', reduction: wrong },
  { type: 'HuberLoss' },
  // @ts-expect-error HuberLoss: no such option
  { type: 'HuberLoss', noSuchOption: 1 },
  // @ts-expect-error HuberLoss: 'delta' of another type
  { type: 'HuberLoss', delta: wrong },
  { type: 'Identity' },
  // @ts-expect-error Identity: no such option
  { type: 'Identity', noSuchOption: 1 },
  // @ts-expect-error Identity: 'initCfg' of another type
  { type: 'Identity', initCfg: wrong },
  { type: 'ImgDataPreprocessor' },
  // @ts-expect-error ImgDataPreprocessor: no such option
  { type: 'ImgDataPreprocessor', noSuchOption: 1 },
  // @ts-expect-error ImgDataPreprocessor: 'mean' of another type
  { type: 'ImgDataPreprocessor', mean: wrong },
  { type: 'InstanceNorm1d', numFeatures: 1 },
  // @ts-expect-error InstanceNorm1d: no such option
  { type: 'InstanceNorm1d', numFeatures: 1, noSuchOption: 1 },
  // @ts-expect-error InstanceNorm1d: 'numFeatures' of another type
  { type: 'InstanceNorm1d', numFeatures: wrong },
  // @ts-expect-error InstanceNorm1d: 'numFeatures' is missing
  { type: 'InstanceNorm1d' },
  { type: 'InstanceNorm2d', numFeatures: 1 },
  // @ts-expect-error InstanceNorm2d: no such option
  { type: 'InstanceNorm2d', numFeatures: 1, noSuchOption: 1 },
  // @ts-expect-error InstanceNorm2d: 'numFeatures' of another type
  { type: 'InstanceNorm2d', numFeatures: wrong },
  // @ts-expect-error InstanceNorm2d: 'numFeatures' is missing
  { type: 'InstanceNorm2d' },
  { type: 'KLDivLoss' },
  // @ts-expect-error KLDivLoss: no such option
  { type: 'KLDivLoss', noSuchOption: 1 },
  // @ts-expect-error KLDivLoss: 'reduction' of another type
  { type: 'KLDivLoss', reduction: wrong },
  { type: 'L1Loss' },
  // @ts-expect-error L1Loss: no such option
  { type: 'L1Loss', noSuchOption: 1 },
  // @ts-expect-error L1Loss: 'weight' of another type
  { type: 'L1Loss', weight: wrong },
  { type: 'LayerNorm', normalizedShape: 1 },
  // @ts-expect-error LayerNorm: no such option
  { type: 'LayerNorm', normalizedShape: 1, noSuchOption: 1 },
  // @ts-expect-error LayerNorm: 'normalizedShape' of another type
  { type: 'LayerNorm', normalizedShape: wrong },
  // @ts-expect-error LayerNorm: 'normalizedShape' is missing
  { type: 'LayerNorm' },
  { type: 'LayersModelModule', model: instance },
  // @ts-expect-error LayersModelModule: no such option
  { type: 'LayersModelModule', model: instance, noSuchOption: 1 },
  // @ts-expect-error LayersModelModule: 'model' of another type
  { type: 'LayersModelModule', model: wrong },
  // @ts-expect-error LayersModelModule: 'model' is missing
  { type: 'LayersModelModule' },
  { type: 'LeakyReLU' },
  // @ts-expect-error LeakyReLU: no such option
  { type: 'LeakyReLU', noSuchOption: 1 },
  // @ts-expect-error LeakyReLU: 'negativeSlope' of another type
  { type: 'LeakyReLU', negativeSlope: wrong },
  { type: 'Linear', inFeatures: 1, outFeatures: 1 },
  // @ts-expect-error Linear: no such option
  { type: 'Linear', inFeatures: 1, outFeatures: 1, noSuchOption: 1 },
  // @ts-expect-error Linear: 'inFeatures' of another type
  { type: 'Linear', outFeatures: 1, inFeatures: wrong },
  // @ts-expect-error Linear: 'inFeatures' is missing
  { type: 'Linear', outFeatures: 1 },
  { type: 'LogSigmoid' },
  // @ts-expect-error LogSigmoid: no such option
  { type: 'LogSigmoid', noSuchOption: 1 },
  // @ts-expect-error LogSigmoid: 'initCfg' of another type
  { type: 'LogSigmoid', initCfg: wrong },
  { type: 'LogSoftmax' },
  // @ts-expect-error LogSoftmax: no such option
  { type: 'LogSoftmax', noSuchOption: 1 },
  // @ts-expect-error LogSoftmax: 'dim' of another type
  { type: 'LogSoftmax', dim: wrong },
  { type: 'MSELoss' },
  // @ts-expect-error MSELoss: no such option
  { type: 'MSELoss', noSuchOption: 1 },
  // @ts-expect-error MSELoss: 'weight' of another type
  { type: 'MSELoss', weight: wrong },
  { type: 'MarginRankingLoss' },
  // @ts-expect-error MarginRankingLoss: no such option
  { type: 'MarginRankingLoss', noSuchOption: 1 },
  // @ts-expect-error MarginRankingLoss: 'reduction' of another type
  { type: 'MarginRankingLoss', reduction: wrong },
  { type: 'MaxPool2d', kernelSize: 1 },
  // @ts-expect-error MaxPool2d: no such option
  { type: 'MaxPool2d', kernelSize: 1, noSuchOption: 1 },
  // @ts-expect-error MaxPool2d: 'kernelSize' of another type
  { type: 'MaxPool2d', kernelSize: wrong },
  // @ts-expect-error MaxPool2d: 'kernelSize' is missing
  { type: 'MaxPool2d' },
  { type: 'Mish' },
  // @ts-expect-error Mish: no such option
  { type: 'Mish', noSuchOption: 1 },
  // @ts-expect-error Mish: 'initCfg' of another type
  { type: 'Mish', initCfg: wrong },
  { type: 'ModuleDict' },
  // @ts-expect-error ModuleDict: no such option
  { type: 'ModuleDict', noSuchOption: 1 },
  // @ts-expect-error ModuleDict: 'modules' of another type
  { type: 'ModuleDict', modules: wrong },
  { type: 'ModuleList' },
  // @ts-expect-error ModuleList: no such option
  { type: 'ModuleList', noSuchOption: 1 },
  // @ts-expect-error ModuleList: 'modules' of another type
  { type: 'ModuleList', modules: wrong },
  { type: 'MomentumAnnealingEMA' },
  // @ts-expect-error MomentumAnnealingEMA: no such option
  { type: 'MomentumAnnealingEMA', noSuchOption: 1 },
  // @ts-expect-error MomentumAnnealingEMA: 'gamma' of another type
  { type: 'MomentumAnnealingEMA', gamma: wrong },
  { type: 'MultiLabelMarginLoss' },
  // @ts-expect-error MultiLabelMarginLoss: no such option
  { type: 'MultiLabelMarginLoss', noSuchOption: 1 },
  // @ts-expect-error MultiLabelMarginLoss: 'reduction' of another type
  { type: 'MultiLabelMarginLoss', reduction: wrong },
  { type: 'MultiLabelSoftMarginLoss' },
  // @ts-expect-error MultiLabelSoftMarginLoss: no such option
  { type: 'MultiLabelSoftMarginLoss', noSuchOption: 1 },
  // @ts-expect-error MultiLabelSoftMarginLoss: 'reduction' of another type
  { type: 'MultiLabelSoftMarginLoss', reduction: wrong },
  { type: 'MultiMarginLoss' },
  // @ts-expect-error MultiMarginLoss: no such option
  { type: 'MultiMarginLoss', noSuchOption: 1 },
  // @ts-expect-error MultiMarginLoss: 'p' of another type
  { type: 'MultiMarginLoss', p: wrong },
  { type: 'MultiheadAttention', embedDim: 1, numHeads: 1 },
  // @ts-expect-error MultiheadAttention: no such option
  { type: 'MultiheadAttention', embedDim: 1, numHeads: 1, noSuchOption: 1 },
  // @ts-expect-error MultiheadAttention: 'embedDim' of another type
  { type: 'MultiheadAttention', numHeads: 1, embedDim: wrong },
  // @ts-expect-error MultiheadAttention: 'embedDim' is missing
  { type: 'MultiheadAttention', numHeads: 1 },
  { type: 'NLLLoss' },
  // @ts-expect-error NLLLoss: no such option
  { type: 'NLLLoss', noSuchOption: 1 },
  // @ts-expect-error NLLLoss: 'weight' of another type
  { type: 'NLLLoss', weight: wrong },
  { type: 'PoissonNLLLoss' },
  // @ts-expect-error PoissonNLLLoss: no such option
  { type: 'PoissonNLLLoss', noSuchOption: 1 },
  // @ts-expect-error PoissonNLLLoss: 'logInput' of another type
  { type: 'PoissonNLLLoss', logInput: wrong },
  { type: 'ReLU' },
  // @ts-expect-error ReLU: no such option
  { type: 'ReLU', noSuchOption: 1 },
  // @ts-expect-error ReLU: 'initCfg' of another type
  { type: 'ReLU', initCfg: wrong },
  { type: 'ReLU6' },
  // @ts-expect-error ReLU6: no such option
  { type: 'ReLU6', noSuchOption: 1 },
  // @ts-expect-error ReLU6: 'initCfg' of another type
  { type: 'ReLU6', initCfg: wrong },
  { type: 'SELU' },
  // @ts-expect-error SELU: no such option
  { type: 'SELU', noSuchOption: 1 },
  // @ts-expect-error SELU: 'initCfg' of another type
  { type: 'SELU', initCfg: wrong },
  { type: 'Sequential', modules: [part] },
  // @ts-expect-error Sequential: no such option
  { type: 'Sequential', modules: [part], noSuchOption: 1 },
  // @ts-expect-error Sequential: 'modules' of another type
  { type: 'Sequential', modules: wrong },
  // @ts-expect-error Sequential: 'modules' is missing
  { type: 'Sequential' },
  { type: 'SiLU' },
  // @ts-expect-error SiLU: no such option
  { type: 'SiLU', noSuchOption: 1 },
  // @ts-expect-error SiLU: 'initCfg' of another type
  { type: 'SiLU', initCfg: wrong },
  { type: 'Sigmoid' },
  // @ts-expect-error Sigmoid: no such option
  { type: 'Sigmoid', noSuchOption: 1 },
  // @ts-expect-error Sigmoid: 'initCfg' of another type
  { type: 'Sigmoid', initCfg: wrong },
  { type: 'SigmoidFocalLoss' },
  // @ts-expect-error SigmoidFocalLoss: no such option
  { type: 'SigmoidFocalLoss', noSuchOption: 1 },
  // @ts-expect-error SigmoidFocalLoss: 'alpha' of another type
  { type: 'SigmoidFocalLoss', alpha: wrong },
  { type: 'SmoothL1Loss' },
  // @ts-expect-error SmoothL1Loss: no such option
  { type: 'SmoothL1Loss', noSuchOption: 1 },
  // @ts-expect-error SmoothL1Loss: 'beta' of another type
  { type: 'SmoothL1Loss', beta: wrong },
  { type: 'SoftMarginLoss' },
  // @ts-expect-error SoftMarginLoss: no such option
  { type: 'SoftMarginLoss', noSuchOption: 1 },
  // @ts-expect-error SoftMarginLoss: 'reduction' of another type
  { type: 'SoftMarginLoss', reduction: wrong },
  { type: 'Softmax' },
  // @ts-expect-error Softmax: no such option
  { type: 'Softmax', noSuchOption: 1 },
  // @ts-expect-error Softmax: 'dim' of another type
  { type: 'Softmax', dim: wrong },
  { type: 'Softplus' },
  // @ts-expect-error Softplus: no such option
  { type: 'Softplus', noSuchOption: 1 },
  // @ts-expect-error Softplus: 'beta' of another type
  { type: 'Softplus', beta: wrong },
  { type: 'StochasticWeightAverage' },
  // @ts-expect-error StochasticWeightAverage: no such option
  { type: 'StochasticWeightAverage', noSuchOption: 1 },
  // @ts-expect-error StochasticWeightAverage: 'interval' of another type
  { type: 'StochasticWeightAverage', interval: wrong },
  { type: 'Tanh' },
  // @ts-expect-error Tanh: no such option
  { type: 'Tanh', noSuchOption: 1 },
  // @ts-expect-error Tanh: 'initCfg' of another type
  { type: 'Tanh', initCfg: wrong },
  { type: 'TripletMarginLoss' },
  // @ts-expect-error TripletMarginLoss: no such option
  { type: 'TripletMarginLoss', noSuchOption: 1 },
  // @ts-expect-error TripletMarginLoss: 'p' of another type
  { type: 'TripletMarginLoss', p: wrong },
  { type: 'Upsample' },
  // @ts-expect-error Upsample: no such option
  { type: 'Upsample', noSuchOption: 1 },
  // @ts-expect-error Upsample: 'size' of another type
  { type: 'Upsample', size: wrong },
  { type: 'vision.AverageClsScoreTTA' },
  // @ts-expect-error vision.AverageClsScoreTTA: no such option
  { type: 'vision.AverageClsScoreTTA', noSuchOption: 1 },
  // @ts-expect-error vision.AverageClsScoreTTA: 'dataPreprocessor' of another type
  { type: 'vision.AverageClsScoreTTA', dataPreprocessor: wrong },
  { type: 'vision.ImageClassifier', backbone: part },
  // @ts-expect-error vision.ImageClassifier: no such option
  { type: 'vision.ImageClassifier', backbone: part, noSuchOption: 1 },
  // @ts-expect-error vision.ImageClassifier: 'backbone' of another type
  { type: 'vision.ImageClassifier', backbone: wrong },
  // @ts-expect-error vision.ImageClassifier: 'backbone' is missing
  { type: 'vision.ImageClassifier' },
  { type: 'vision.ResNet', depth: 18 },
  // @ts-expect-error vision.ResNet: no such option
  { type: 'vision.ResNet', depth: 18, noSuchOption: 1 },
  // @ts-expect-error vision.ResNet: 'depth' of another type
  { type: 'vision.ResNet', depth: wrong },
  // @ts-expect-error vision.ResNet: 'depth' is missing
  { type: 'vision.ResNet' },
];

export const WEIGHT_INITIALIZERS: ConfigOf<WeightInitializerTypes>[] = [
  { type: 'Caffe2Xavier' },
  // @ts-expect-error Caffe2Xavier: no such option
  { type: 'Caffe2Xavier', noSuchOption: 1 },
  // @ts-expect-error Caffe2Xavier: 'bias' of another type
  { type: 'Caffe2Xavier', bias: wrong },
  { type: 'Constant', val: 1 },
  // @ts-expect-error Constant: no such option
  { type: 'Constant', val: 1, noSuchOption: 1 },
  // @ts-expect-error Constant: 'val' of another type
  { type: 'Constant', val: wrong },
  // @ts-expect-error Constant: 'val' is missing
  { type: 'Constant' },
  { type: 'Kaiming' },
  // @ts-expect-error Kaiming: no such option
  { type: 'Kaiming', noSuchOption: 1 },
  // @ts-expect-error Kaiming: 'a' of another type
  { type: 'Kaiming', a: wrong },
  { type: 'Normal' },
  // @ts-expect-error Normal: no such option
  { type: 'Normal', noSuchOption: 1 },
  // @ts-expect-error Normal: 'mean' of another type
  { type: 'Normal', mean: wrong },
  { type: 'Pretrained', checkpoint: 'a' },
  // @ts-expect-error Pretrained: no such option
  { type: 'Pretrained', checkpoint: 'a', noSuchOption: 1 },
  // @ts-expect-error Pretrained: 'checkpoint' of another type
  { type: 'Pretrained', checkpoint: wrong },
  // @ts-expect-error Pretrained: 'checkpoint' is missing
  { type: 'Pretrained' },
  { type: 'TruncNormal' },
  // @ts-expect-error TruncNormal: no such option
  { type: 'TruncNormal', noSuchOption: 1 },
  // @ts-expect-error TruncNormal: 'a' of another type
  { type: 'TruncNormal', a: wrong },
  { type: 'Uniform' },
  // @ts-expect-error Uniform: no such option
  { type: 'Uniform', noSuchOption: 1 },
  // @ts-expect-error Uniform: 'a' of another type
  { type: 'Uniform', a: wrong },
  { type: 'Xavier' },
  // @ts-expect-error Xavier: no such option
  { type: 'Xavier', noSuchOption: 1 },
  // @ts-expect-error Xavier: 'gain' of another type
  { type: 'Xavier', gain: wrong },
];

export const OPTIMIZERS: ConfigOf<OptimizerTypes>[] = [
  { type: 'ASGD' },
  // @ts-expect-error ASGD: no such option
  { type: 'ASGD', noSuchOption: 1 },
  // @ts-expect-error ASGD: 'lr' of another type
  { type: 'ASGD', lr: wrong },
  { type: 'AdEMAMix' },
  // @ts-expect-error AdEMAMix: no such option
  { type: 'AdEMAMix', noSuchOption: 1 },
  // @ts-expect-error AdEMAMix: 'lr' of another type
  { type: 'AdEMAMix', lr: wrong },
  { type: 'AdEMAMix32bit' },
  // @ts-expect-error AdEMAMix32bit: no such option
  { type: 'AdEMAMix32bit', noSuchOption: 1 },
  // @ts-expect-error AdEMAMix32bit: 'lr' of another type
  { type: 'AdEMAMix32bit', lr: wrong },
  { type: 'AdEMAMix8bit' },
  // @ts-expect-error AdEMAMix8bit: no such option
  { type: 'AdEMAMix8bit', noSuchOption: 1 },
  // @ts-expect-error AdEMAMix8bit: 'lr' of another type
  { type: 'AdEMAMix8bit', lr: wrong },
  { type: 'AdaBelief' },
  // @ts-expect-error AdaBelief: no such option
  { type: 'AdaBelief', noSuchOption: 1 },
  // @ts-expect-error AdaBelief: 'lr' of another type
  { type: 'AdaBelief', lr: wrong },
  { type: 'Adadelta' },
  // @ts-expect-error Adadelta: no such option
  { type: 'Adadelta', noSuchOption: 1 },
  // @ts-expect-error Adadelta: 'lr' of another type
  { type: 'Adadelta', lr: wrong },
  { type: 'Adafactor' },
  // @ts-expect-error Adafactor: no such option
  { type: 'Adafactor', noSuchOption: 1 },
  // @ts-expect-error Adafactor: 'lr' of another type
  { type: 'Adafactor', lr: wrong },
  { type: 'Adagrad' },
  // @ts-expect-error Adagrad: no such option
  { type: 'Adagrad', noSuchOption: 1 },
  // @ts-expect-error Adagrad: 'lr' of another type
  { type: 'Adagrad', lr: wrong },
  { type: 'Adagrad32bit' },
  // @ts-expect-error Adagrad32bit: no such option
  { type: 'Adagrad32bit', noSuchOption: 1 },
  // @ts-expect-error Adagrad32bit: 'lr' of another type
  { type: 'Adagrad32bit', lr: wrong },
  { type: 'Adagrad8bit' },
  // @ts-expect-error Adagrad8bit: no such option
  { type: 'Adagrad8bit', noSuchOption: 1 },
  // @ts-expect-error Adagrad8bit: 'lr' of another type
  { type: 'Adagrad8bit', lr: wrong },
  { type: 'Adam' },
  // @ts-expect-error Adam: no such option
  { type: 'Adam', noSuchOption: 1 },
  // @ts-expect-error Adam: 'lr' of another type
  { type: 'Adam', lr: wrong },
  { type: 'Adam32bit' },
  // @ts-expect-error Adam32bit: no such option
  { type: 'Adam32bit', noSuchOption: 1 },
  // @ts-expect-error Adam32bit: 'lr' of another type
  { type: 'Adam32bit', lr: wrong },
  { type: 'Adam8bit' },
  // @ts-expect-error Adam8bit: no such option
  { type: 'Adam8bit', noSuchOption: 1 },
  // @ts-expect-error Adam8bit: 'lr' of another type
  { type: 'Adam8bit', lr: wrong },
  { type: 'AdamW' },
  // @ts-expect-error AdamW: no such option
  { type: 'AdamW', noSuchOption: 1 },
  // @ts-expect-error AdamW: 'lr' of another type
  { type: 'AdamW', lr: wrong },
  { type: 'AdamW32bit' },
  // @ts-expect-error AdamW32bit: no such option
  { type: 'AdamW32bit', noSuchOption: 1 },
  // @ts-expect-error AdamW32bit: 'lr' of another type
  { type: 'AdamW32bit', lr: wrong },
  { type: 'AdamW8bit' },
  // @ts-expect-error AdamW8bit: no such option
  { type: 'AdamW8bit', noSuchOption: 1 },
  // @ts-expect-error AdamW8bit: 'lr' of another type
  { type: 'AdamW8bit', lr: wrong },
  { type: 'AdamWScheduleFree' },
  // @ts-expect-error AdamWScheduleFree: no such option
  { type: 'AdamWScheduleFree', noSuchOption: 1 },
  // @ts-expect-error AdamWScheduleFree: 'lr' of another type
  { type: 'AdamWScheduleFree', lr: wrong },
  { type: 'Adamax' },
  // @ts-expect-error Adamax: no such option
  { type: 'Adamax', noSuchOption: 1 },
  // @ts-expect-error Adamax: 'lr' of another type
  { type: 'Adamax', lr: wrong },
  { type: 'DAdaptAdaGrad' },
  // @ts-expect-error DAdaptAdaGrad: no such option
  { type: 'DAdaptAdaGrad', noSuchOption: 1 },
  // @ts-expect-error DAdaptAdaGrad: 'momentum' of another type
  { type: 'DAdaptAdaGrad', momentum: wrong },
  { type: 'DAdaptAdam' },
  // @ts-expect-error DAdaptAdam: no such option
  { type: 'DAdaptAdam', noSuchOption: 1 },
  // @ts-expect-error DAdaptAdam: 'betas' of another type
  { type: 'DAdaptAdam', betas: wrong },
  { type: 'DAdaptAdan' },
  // @ts-expect-error DAdaptAdan: no such option
  { type: 'DAdaptAdan', noSuchOption: 1 },
  // @ts-expect-error DAdaptAdan: 'betas' of another type
  { type: 'DAdaptAdan', betas: wrong },
  { type: 'DAdaptLion' },
  // @ts-expect-error DAdaptLion: no such option
  { type: 'DAdaptLion', noSuchOption: 1 },
  // @ts-expect-error DAdaptLion: 'betas' of another type
  { type: 'DAdaptLion', betas: wrong },
  { type: 'DAdaptSGD' },
  // @ts-expect-error DAdaptSGD: no such option
  { type: 'DAdaptSGD', noSuchOption: 1 },
  // @ts-expect-error DAdaptSGD: 'momentum' of another type
  { type: 'DAdaptSGD', momentum: wrong },
  { type: 'LAMB' },
  // @ts-expect-error LAMB: no such option
  { type: 'LAMB', noSuchOption: 1 },
  // @ts-expect-error LAMB: 'lr' of another type
  { type: 'LAMB', lr: wrong },
  { type: 'LAMB32bit' },
  // @ts-expect-error LAMB32bit: no such option
  { type: 'LAMB32bit', noSuchOption: 1 },
  // @ts-expect-error LAMB32bit: 'lr' of another type
  { type: 'LAMB32bit', lr: wrong },
  { type: 'LAMB8bit' },
  // @ts-expect-error LAMB8bit: no such option
  { type: 'LAMB8bit', noSuchOption: 1 },
  // @ts-expect-error LAMB8bit: 'lr' of another type
  { type: 'LAMB8bit', lr: wrong },
  { type: 'LARS' },
  // @ts-expect-error LARS: no such option
  { type: 'LARS', noSuchOption: 1 },
  // @ts-expect-error LARS: 'lr' of another type
  { type: 'LARS', lr: wrong },
  { type: 'LARS32bit', lr: 1, momentum: 1 },
  // @ts-expect-error LARS32bit: no such option
  { type: 'LARS32bit', lr: 1, momentum: 1, noSuchOption: 1 },
  // @ts-expect-error LARS32bit: 'maxUnorm' of another type
  { type: 'LARS32bit', lr: 1, momentum: 1, maxUnorm: wrong },
  // @ts-expect-error LARS32bit: 'lr' is missing
  { type: 'LARS32bit', momentum: 1 },
  { type: 'LARS8bit', lr: 1, momentum: 1 },
  // @ts-expect-error LARS8bit: no such option
  { type: 'LARS8bit', lr: 1, momentum: 1, noSuchOption: 1 },
  // @ts-expect-error LARS8bit: 'maxUnorm' of another type
  { type: 'LARS8bit', lr: 1, momentum: 1, maxUnorm: wrong },
  // @ts-expect-error LARS8bit: 'lr' is missing
  { type: 'LARS8bit', momentum: 1 },
  { type: 'LBFGS' },
  // @ts-expect-error LBFGS: no such option
  { type: 'LBFGS', noSuchOption: 1 },
  // @ts-expect-error LBFGS: 'lr' of another type
  { type: 'LBFGS', lr: wrong },
  { type: 'Lion' },
  // @ts-expect-error Lion: no such option
  { type: 'Lion', noSuchOption: 1 },
  // @ts-expect-error Lion: 'lr' of another type
  { type: 'Lion', lr: wrong },
  { type: 'Lion32bit' },
  // @ts-expect-error Lion32bit: no such option
  { type: 'Lion32bit', noSuchOption: 1 },
  // @ts-expect-error Lion32bit: 'lr' of another type
  { type: 'Lion32bit', lr: wrong },
  { type: 'Lion8bit' },
  // @ts-expect-error Lion8bit: no such option
  { type: 'Lion8bit', noSuchOption: 1 },
  // @ts-expect-error Lion8bit: 'lr' of another type
  { type: 'Lion8bit', lr: wrong },
  { type: 'Muon' },
  // @ts-expect-error Muon: no such option
  { type: 'Muon', noSuchOption: 1 },
  // @ts-expect-error Muon: 'lr' of another type
  { type: 'Muon', lr: wrong },
  { type: 'NAdam' },
  // @ts-expect-error NAdam: no such option
  { type: 'NAdam', noSuchOption: 1 },
  // @ts-expect-error NAdam: 'lr' of another type
  { type: 'NAdam', lr: wrong },
  { type: 'PagedAdEMAMix' },
  // @ts-expect-error PagedAdEMAMix: no such option
  { type: 'PagedAdEMAMix', noSuchOption: 1 },
  // @ts-expect-error PagedAdEMAMix: 'lr' of another type
  { type: 'PagedAdEMAMix', lr: wrong },
  { type: 'PagedAdEMAMix32bit' },
  // @ts-expect-error PagedAdEMAMix32bit: no such option
  { type: 'PagedAdEMAMix32bit', noSuchOption: 1 },
  // @ts-expect-error PagedAdEMAMix32bit: 'lr' of another type
  { type: 'PagedAdEMAMix32bit', lr: wrong },
  { type: 'PagedAdEMAMix8bit' },
  // @ts-expect-error PagedAdEMAMix8bit: no such option
  { type: 'PagedAdEMAMix8bit', noSuchOption: 1 },
  // @ts-expect-error PagedAdEMAMix8bit: 'lr' of another type
  { type: 'PagedAdEMAMix8bit', lr: wrong },
  { type: 'PagedAdam' },
  // @ts-expect-error PagedAdam: no such option
  { type: 'PagedAdam', noSuchOption: 1 },
  // @ts-expect-error PagedAdam: 'lr' of another type
  { type: 'PagedAdam', lr: wrong },
  { type: 'PagedAdam32bit' },
  // @ts-expect-error PagedAdam32bit: no such option
  { type: 'PagedAdam32bit', noSuchOption: 1 },
  // @ts-expect-error PagedAdam32bit: 'lr' of another type
  { type: 'PagedAdam32bit', lr: wrong },
  { type: 'PagedAdam8bit' },
  // @ts-expect-error PagedAdam8bit: no such option
  { type: 'PagedAdam8bit', noSuchOption: 1 },
  // @ts-expect-error PagedAdam8bit: 'lr' of another type
  { type: 'PagedAdam8bit', lr: wrong },
  { type: 'PagedAdamW' },
  // @ts-expect-error PagedAdamW: no such option
  { type: 'PagedAdamW', noSuchOption: 1 },
  // @ts-expect-error PagedAdamW: 'lr' of another type
  { type: 'PagedAdamW', lr: wrong },
  { type: 'PagedAdamW32bit' },
  // @ts-expect-error PagedAdamW32bit: no such option
  { type: 'PagedAdamW32bit', noSuchOption: 1 },
  // @ts-expect-error PagedAdamW32bit: 'lr' of another type
  { type: 'PagedAdamW32bit', lr: wrong },
  { type: 'PagedAdamW8bit' },
  // @ts-expect-error PagedAdamW8bit: no such option
  { type: 'PagedAdamW8bit', noSuchOption: 1 },
  // @ts-expect-error PagedAdamW8bit: 'lr' of another type
  { type: 'PagedAdamW8bit', lr: wrong },
  { type: 'PagedLion' },
  // @ts-expect-error PagedLion: no such option
  { type: 'PagedLion', noSuchOption: 1 },
  // @ts-expect-error PagedLion: 'lr' of another type
  { type: 'PagedLion', lr: wrong },
  { type: 'PagedLion32bit' },
  // @ts-expect-error PagedLion32bit: no such option
  { type: 'PagedLion32bit', noSuchOption: 1 },
  // @ts-expect-error PagedLion32bit: 'lr' of another type
  { type: 'PagedLion32bit', lr: wrong },
  { type: 'PagedLion8bit' },
  // @ts-expect-error PagedLion8bit: no such option
  { type: 'PagedLion8bit', noSuchOption: 1 },
  // @ts-expect-error PagedLion8bit: 'lr' of another type
  { type: 'PagedLion8bit', lr: wrong },
  { type: 'RAdam' },
  // @ts-expect-error RAdam: no such option
  { type: 'RAdam', noSuchOption: 1 },
  // @ts-expect-error RAdam: 'lr' of another type
  { type: 'RAdam', lr: wrong },
  { type: 'RMSprop' },
  // @ts-expect-error RMSprop: no such option
  { type: 'RMSprop', noSuchOption: 1 },
  // @ts-expect-error RMSprop: 'lr' of another type
  { type: 'RMSprop', lr: wrong },
  { type: 'RMSprop32bit' },
  // @ts-expect-error RMSprop32bit: no such option
  { type: 'RMSprop32bit', noSuchOption: 1 },
  // @ts-expect-error RMSprop32bit: 'lr' of another type
  { type: 'RMSprop32bit', lr: wrong },
  { type: 'RMSprop8bit' },
  // @ts-expect-error RMSprop8bit: no such option
  { type: 'RMSprop8bit', noSuchOption: 1 },
  // @ts-expect-error RMSprop8bit: 'lr' of another type
  { type: 'RMSprop8bit', lr: wrong },
  { type: 'Rprop' },
  // @ts-expect-error Rprop: no such option
  { type: 'Rprop', noSuchOption: 1 },
  // @ts-expect-error Rprop: 'lr' of another type
  { type: 'Rprop', lr: wrong },
  { type: 'SGD' },
  // @ts-expect-error SGD: no such option
  { type: 'SGD', noSuchOption: 1 },
  // @ts-expect-error SGD: 'lr' of another type
  { type: 'SGD', lr: wrong },
  { type: 'SGD32bit', lr: 1, momentum: 1 },
  // @ts-expect-error SGD32bit: no such option
  { type: 'SGD32bit', lr: 1, momentum: 1, noSuchOption: 1 },
  // @ts-expect-error SGD32bit: 'lr' of another type
  { type: 'SGD32bit', momentum: 1, lr: wrong },
  // @ts-expect-error SGD32bit: 'lr' is missing
  { type: 'SGD32bit', momentum: 1 },
  { type: 'SGD8bit', lr: 1, momentum: 1 },
  // @ts-expect-error SGD8bit: no such option
  { type: 'SGD8bit', lr: 1, momentum: 1, noSuchOption: 1 },
  // @ts-expect-error SGD8bit: 'lr' of another type
  { type: 'SGD8bit', momentum: 1, lr: wrong },
  // @ts-expect-error SGD8bit: 'lr' is missing
  { type: 'SGD8bit', momentum: 1 },
  { type: 'ScheduleFreeAdamW' },
  // @ts-expect-error ScheduleFreeAdamW: no such option
  { type: 'ScheduleFreeAdamW', noSuchOption: 1 },
  // @ts-expect-error ScheduleFreeAdamW: 'lr' of another type
  { type: 'ScheduleFreeAdamW', lr: wrong },
  { type: 'Sophia' },
  // @ts-expect-error Sophia: no such option
  { type: 'Sophia', noSuchOption: 1 },
  // @ts-expect-error Sophia: 'rho' of another type
  { type: 'Sophia', rho: wrong },
  { type: 'SophiaG' },
  // @ts-expect-error SophiaG: no such option
  { type: 'SophiaG', noSuchOption: 1 },
  // @ts-expect-error SophiaG: 'rho' of another type
  { type: 'SophiaG', rho: wrong },
  { type: 'SophiaH' },
  // @ts-expect-error SophiaH: no such option
  { type: 'SophiaH', noSuchOption: 1 },
  // @ts-expect-error SophiaH: 'gamma' of another type
  { type: 'SophiaH', gamma: wrong },
  { type: 'SparseAdam' },
  // @ts-expect-error SparseAdam: no such option
  { type: 'SparseAdam', noSuchOption: 1 },
  // @ts-expect-error SparseAdam: 'lr' of another type
  { type: 'SparseAdam', lr: wrong },
  { type: 'TorchAdafactor' },
  // @ts-expect-error TorchAdafactor: no such option
  { type: 'TorchAdafactor', noSuchOption: 1 },
  // @ts-expect-error TorchAdafactor: 'lr' of another type
  { type: 'TorchAdafactor', lr: wrong },
  { type: 'bnb_Adagrad' },
  // @ts-expect-error bnb_Adagrad: no such option
  { type: 'bnb_Adagrad', noSuchOption: 1 },
  // @ts-expect-error bnb_Adagrad: 'lr' of another type
  { type: 'bnb_Adagrad', lr: wrong },
  { type: 'bnb_Adam' },
  // @ts-expect-error bnb_Adam: no such option
  { type: 'bnb_Adam', noSuchOption: 1 },
  // @ts-expect-error bnb_Adam: 'lr' of another type
  { type: 'bnb_Adam', lr: wrong },
  { type: 'bnb_AdamW' },
  // @ts-expect-error bnb_AdamW: no such option
  { type: 'bnb_AdamW', noSuchOption: 1 },
  // @ts-expect-error bnb_AdamW: 'lr' of another type
  { type: 'bnb_AdamW', lr: wrong },
  { type: 'bnb_LAMB' },
  // @ts-expect-error bnb_LAMB: no such option
  { type: 'bnb_LAMB', noSuchOption: 1 },
  // @ts-expect-error bnb_LAMB: 'lr' of another type
  { type: 'bnb_LAMB', lr: wrong },
  { type: 'bnb_LARS', lr: 1, momentum: 1 },
  // @ts-expect-error bnb_LARS: no such option
  { type: 'bnb_LARS', lr: 1, momentum: 1, noSuchOption: 1 },
  // @ts-expect-error bnb_LARS: 'maxUnorm' of another type
  { type: 'bnb_LARS', lr: 1, momentum: 1, maxUnorm: wrong },
  // @ts-expect-error bnb_LARS: 'lr' is missing
  { type: 'bnb_LARS', momentum: 1 },
  { type: 'bnb_Lion' },
  // @ts-expect-error bnb_Lion: no such option
  { type: 'bnb_Lion', noSuchOption: 1 },
  // @ts-expect-error bnb_Lion: 'lr' of another type
  { type: 'bnb_Lion', lr: wrong },
  { type: 'bnb_RMSprop' },
  // @ts-expect-error bnb_RMSprop: no such option
  { type: 'bnb_RMSprop', noSuchOption: 1 },
  // @ts-expect-error bnb_RMSprop: 'lr' of another type
  { type: 'bnb_RMSprop', lr: wrong },
  { type: 'bnb_SGD', lr: 1, momentum: 1 },
  // @ts-expect-error bnb_SGD: no such option
  { type: 'bnb_SGD', lr: 1, momentum: 1, noSuchOption: 1 },
  // @ts-expect-error bnb_SGD: 'lr' of another type
  { type: 'bnb_SGD', momentum: 1, lr: wrong },
  // @ts-expect-error bnb_SGD: 'lr' is missing
  { type: 'bnb_SGD', momentum: 1 },
];

export const OPTIM_WRAPPERS: ConfigOf<OptimWrapperTypes>[] = [
  { type: 'AmpOptimWrapper' },
  // @ts-expect-error AmpOptimWrapper: no such option
  { type: 'AmpOptimWrapper', noSuchOption: 1 },
  // @ts-expect-error AmpOptimWrapper: 'dtype' of another type
  { type: 'AmpOptimWrapper', dtype: wrong },
  { type: 'OptimWrapper' },
  // @ts-expect-error OptimWrapper: no such option
  { type: 'OptimWrapper', noSuchOption: 1 },
  // @ts-expect-error OptimWrapper: 'accumulativeCounts' of another type
  { type: 'OptimWrapper', accumulativeCounts: wrong },
];

export const OPTIM_WRAPPER_CONSTRUCTORS: ConfigOf<OptimWrapperConstructorTypes>[] = [
  { type: 'DefaultOptimWrapperConstructor' },
  { type: 'LearningRateDecayOptimWrapperConstructor' },
  { type: 'MultiOptimWrapperConstructor' },
];

export const PARAM_SCHEDULERS: ConfigOf<ParamSchedulerTypes>[] = [
  { type: 'ConstantLR' },
  // @ts-expect-error ConstantLR: no such option
  { type: 'ConstantLR', noSuchOption: 1 },
  // @ts-expect-error ConstantLR: 'factor' of another type
  { type: 'ConstantLR', factor: wrong },
  { type: 'ConstantMomentum' },
  // @ts-expect-error ConstantMomentum: no such option
  { type: 'ConstantMomentum', noSuchOption: 1 },
  // @ts-expect-error ConstantMomentum: 'factor' of another type
  { type: 'ConstantMomentum', factor: wrong },
  { type: 'ConstantParamScheduler', paramName: 'a' },
  // @ts-expect-error ConstantParamScheduler: no such option
  { type: 'ConstantParamScheduler', paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error ConstantParamScheduler: 'factor' of another type
  { type: 'ConstantParamScheduler', paramName: 'a', factor: wrong },
  // @ts-expect-error ConstantParamScheduler: 'paramName' is missing
  { type: 'ConstantParamScheduler' },
  { type: 'CosineAnnealingLR' },
  // @ts-expect-error CosineAnnealingLR: no such option
  { type: 'CosineAnnealingLR', noSuchOption: 1 },
  // @ts-expect-error CosineAnnealingLR: 'tMax' of another type
  { type: 'CosineAnnealingLR', tMax: wrong },
  { type: 'CosineAnnealingMomentum' },
  // @ts-expect-error CosineAnnealingMomentum: no such option
  { type: 'CosineAnnealingMomentum', noSuchOption: 1 },
  // @ts-expect-error CosineAnnealingMomentum: 'tMax' of another type
  { type: 'CosineAnnealingMomentum', tMax: wrong },
  { type: 'CosineAnnealingParamScheduler', paramName: 'a' },
  // @ts-expect-error CosineAnnealingParamScheduler: no such option
  { type: 'CosineAnnealingParamScheduler', paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error CosineAnnealingParamScheduler: 'tMax' of another type
  { type: 'CosineAnnealingParamScheduler', paramName: 'a', tMax: wrong },
  // @ts-expect-error CosineAnnealingParamScheduler: 'paramName' is missing
  { type: 'CosineAnnealingParamScheduler' },
  { type: 'CosineRestartLR', periods: [1] },
  // @ts-expect-error CosineRestartLR: no such option
  { type: 'CosineRestartLR', periods: [1], noSuchOption: 1 },
  // @ts-expect-error CosineRestartLR: 'periods' of another type
  { type: 'CosineRestartLR', periods: wrong },
  // @ts-expect-error CosineRestartLR: 'periods' is missing
  { type: 'CosineRestartLR' },
  { type: 'CosineRestartMomentum', periods: [1] },
  // @ts-expect-error CosineRestartMomentum: no such option
  { type: 'CosineRestartMomentum', periods: [1], noSuchOption: 1 },
  // @ts-expect-error CosineRestartMomentum: 'periods' of another type
  { type: 'CosineRestartMomentum', periods: wrong },
  // @ts-expect-error CosineRestartMomentum: 'periods' is missing
  { type: 'CosineRestartMomentum' },
  { type: 'CosineRestartParamScheduler', periods: [1], paramName: 'a' },
  // @ts-expect-error CosineRestartParamScheduler: no such option
  { type: 'CosineRestartParamScheduler', periods: [1], paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error CosineRestartParamScheduler: 'periods' of another type
  { type: 'CosineRestartParamScheduler', paramName: 'a', periods: wrong },
  // @ts-expect-error CosineRestartParamScheduler: 'periods' is missing
  { type: 'CosineRestartParamScheduler', paramName: 'a' },
  { type: 'ExponentialLR', gamma: 1 },
  // @ts-expect-error ExponentialLR: no such option
  { type: 'ExponentialLR', gamma: 1, noSuchOption: 1 },
  // @ts-expect-error ExponentialLR: 'gamma' of another type
  { type: 'ExponentialLR', gamma: wrong },
  // @ts-expect-error ExponentialLR: 'gamma' is missing
  { type: 'ExponentialLR' },
  { type: 'ExponentialMomentum', gamma: 1 },
  // @ts-expect-error ExponentialMomentum: no such option
  { type: 'ExponentialMomentum', gamma: 1, noSuchOption: 1 },
  // @ts-expect-error ExponentialMomentum: 'gamma' of another type
  { type: 'ExponentialMomentum', gamma: wrong },
  // @ts-expect-error ExponentialMomentum: 'gamma' is missing
  { type: 'ExponentialMomentum' },
  { type: 'ExponentialParamScheduler', gamma: 1, paramName: 'a' },
  // @ts-expect-error ExponentialParamScheduler: no such option
  { type: 'ExponentialParamScheduler', gamma: 1, paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error ExponentialParamScheduler: 'gamma' of another type
  { type: 'ExponentialParamScheduler', paramName: 'a', gamma: wrong },
  // @ts-expect-error ExponentialParamScheduler: 'gamma' is missing
  { type: 'ExponentialParamScheduler', paramName: 'a' },
  { type: 'LinearLR' },
  // @ts-expect-error LinearLR: no such option
  { type: 'LinearLR', noSuchOption: 1 },
  // @ts-expect-error LinearLR: 'startFactor' of another type
  { type: 'LinearLR', startFactor: wrong },
  { type: 'LinearMomentum' },
  // @ts-expect-error LinearMomentum: no such option
  { type: 'LinearMomentum', noSuchOption: 1 },
  // @ts-expect-error LinearMomentum: 'startFactor' of another type
  { type: 'LinearMomentum', startFactor: wrong },
  { type: 'LinearParamScheduler', paramName: 'a' },
  // @ts-expect-error LinearParamScheduler: no such option
  { type: 'LinearParamScheduler', paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error LinearParamScheduler: 'startFactor' of another type
  { type: 'LinearParamScheduler', paramName: 'a', startFactor: wrong },
  // @ts-expect-error LinearParamScheduler: 'paramName' is missing
  { type: 'LinearParamScheduler' },
  { type: 'MultiStepLR', milestones: [1] },
  // @ts-expect-error MultiStepLR: no such option
  { type: 'MultiStepLR', milestones: [1], noSuchOption: 1 },
  // @ts-expect-error MultiStepLR: 'milestones' of another type
  { type: 'MultiStepLR', milestones: wrong },
  // @ts-expect-error MultiStepLR: 'milestones' is missing
  { type: 'MultiStepLR' },
  { type: 'MultiStepMomentum', milestones: [1] },
  // @ts-expect-error MultiStepMomentum: no such option
  { type: 'MultiStepMomentum', milestones: [1], noSuchOption: 1 },
  // @ts-expect-error MultiStepMomentum: 'milestones' of another type
  { type: 'MultiStepMomentum', milestones: wrong },
  // @ts-expect-error MultiStepMomentum: 'milestones' is missing
  { type: 'MultiStepMomentum' },
  { type: 'MultiStepParamScheduler', milestones: [1], paramName: 'a' },
  // @ts-expect-error MultiStepParamScheduler: no such option
  { type: 'MultiStepParamScheduler', milestones: [1], paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error MultiStepParamScheduler: 'milestones' of another type
  { type: 'MultiStepParamScheduler', paramName: 'a', milestones: wrong },
  // @ts-expect-error MultiStepParamScheduler: 'milestones' is missing
  { type: 'MultiStepParamScheduler', paramName: 'a' },
  { type: 'OneCycleLR' },
  // @ts-expect-error OneCycleLR: no such option
  { type: 'OneCycleLR', noSuchOption: 1 },
  // @ts-expect-error OneCycleLR: 'etaMax' of another type
  { type: 'OneCycleLR', etaMax: wrong },
  { type: 'OneCycleParamScheduler', paramName: 'a' },
  // @ts-expect-error OneCycleParamScheduler: no such option
  { type: 'OneCycleParamScheduler', paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error OneCycleParamScheduler: 'etaMax' of another type
  { type: 'OneCycleParamScheduler', paramName: 'a', etaMax: wrong },
  // @ts-expect-error OneCycleParamScheduler: 'paramName' is missing
  { type: 'OneCycleParamScheduler' },
  { type: 'PolyLR' },
  // @ts-expect-error PolyLR: no such option
  { type: 'PolyLR', noSuchOption: 1 },
  // @ts-expect-error PolyLR: 'etaMin' of another type
  { type: 'PolyLR', etaMin: wrong },
  { type: 'PolyMomentum' },
  // @ts-expect-error PolyMomentum: no such option
  { type: 'PolyMomentum', noSuchOption: 1 },
  // @ts-expect-error PolyMomentum: 'etaMin' of another type
  { type: 'PolyMomentum', etaMin: wrong },
  { type: 'PolyParamScheduler', paramName: 'a' },
  // @ts-expect-error PolyParamScheduler: no such option
  { type: 'PolyParamScheduler', paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error PolyParamScheduler: 'etaMin' of another type
  { type: 'PolyParamScheduler', paramName: 'a', etaMin: wrong },
  // @ts-expect-error PolyParamScheduler: 'paramName' is missing
  { type: 'PolyParamScheduler' },
  { type: 'ReduceOnPlateauLR' },
  // @ts-expect-error ReduceOnPlateauLR: no such option
  { type: 'ReduceOnPlateauLR', noSuchOption: 1 },
  // @ts-expect-error ReduceOnPlateauLR: 'monitor' of another type
  { type: 'ReduceOnPlateauLR', monitor: wrong },
  { type: 'ReduceOnPlateauMomentum' },
  // @ts-expect-error ReduceOnPlateauMomentum: no such option
  { type: 'ReduceOnPlateauMomentum', noSuchOption: 1 },
  // @ts-expect-error ReduceOnPlateauMomentum: 'monitor' of another type
  { type: 'ReduceOnPlateauMomentum', monitor: wrong },
  { type: 'ReduceOnPlateauParamScheduler', paramName: 'a' },
  // @ts-expect-error ReduceOnPlateauParamScheduler: no such option
  { type: 'ReduceOnPlateauParamScheduler', paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error ReduceOnPlateauParamScheduler: 'monitor' of another type
  { type: 'ReduceOnPlateauParamScheduler', paramName: 'a', monitor: wrong },
  // @ts-expect-error ReduceOnPlateauParamScheduler: 'paramName' is missing
  { type: 'ReduceOnPlateauParamScheduler' },
  { type: 'StepLR', stepSize: 1 },
  // @ts-expect-error StepLR: no such option
  { type: 'StepLR', stepSize: 1, noSuchOption: 1 },
  // @ts-expect-error StepLR: 'stepSize' of another type
  { type: 'StepLR', stepSize: wrong },
  // @ts-expect-error StepLR: 'stepSize' is missing
  { type: 'StepLR' },
  { type: 'StepMomentum', stepSize: 1 },
  // @ts-expect-error StepMomentum: no such option
  { type: 'StepMomentum', stepSize: 1, noSuchOption: 1 },
  // @ts-expect-error StepMomentum: 'stepSize' of another type
  { type: 'StepMomentum', stepSize: wrong },
  // @ts-expect-error StepMomentum: 'stepSize' is missing
  { type: 'StepMomentum' },
  { type: 'StepParamScheduler', stepSize: 1, paramName: 'a' },
  // @ts-expect-error StepParamScheduler: no such option
  { type: 'StepParamScheduler', stepSize: 1, paramName: 'a', noSuchOption: 1 },
  // @ts-expect-error StepParamScheduler: 'stepSize' of another type
  { type: 'StepParamScheduler', paramName: 'a', stepSize: wrong },
  // @ts-expect-error StepParamScheduler: 'stepSize' is missing
  { type: 'StepParamScheduler', paramName: 'a' },
];

export const METRICS: ConfigOf<MetricTypes>[] = [
  { type: 'AUROC' },
  // @ts-expect-error AUROC: no such option
  { type: 'AUROC', noSuchOption: 1 },
  // @ts-expect-error AUROC: 'average' of another type
  { type: 'AUROC', average: wrong },
  { type: 'Accuracy' },
  // @ts-expect-error Accuracy: no such option
  { type: 'Accuracy', noSuchOption: 1 },
  // @ts-expect-error Accuracy: 'topk' of another type
  { type: 'Accuracy', topk: wrong },
  { type: 'AveragePrecision' },
  // @ts-expect-error AveragePrecision: no such option
  { type: 'AveragePrecision', noSuchOption: 1 },
  // @ts-expect-error AveragePrecision: 'average' of another type
  { type: 'AveragePrecision', average: wrong },
  { type: 'ConfusionMatrix' },
  // @ts-expect-error ConfusionMatrix: no such option
  { type: 'ConfusionMatrix', noSuchOption: 1 },
  // @ts-expect-error ConfusionMatrix: 'normalize' of another type
  { type: 'ConfusionMatrix', normalize: wrong },
  { type: 'Dice' },
  // @ts-expect-error Dice: no such option
  { type: 'Dice', noSuchOption: 1 },
  // @ts-expect-error Dice: 'ignoreIndex' of another type
  { type: 'Dice', ignoreIndex: wrong },
  { type: 'DumpResults', outFilePath: 'a' },
  // @ts-expect-error DumpResults: no such option
  { type: 'DumpResults', outFilePath: 'a', noSuchOption: 1 },
  // @ts-expect-error DumpResults: 'outFilePath' of another type
  { type: 'DumpResults', outFilePath: wrong },
  // @ts-expect-error DumpResults: 'outFilePath' is missing
  { type: 'DumpResults' },
  { type: 'IoUMetric' },
  // @ts-expect-error IoUMetric: no such option
  { type: 'IoUMetric', noSuchOption: 1 },
  // @ts-expect-error IoUMetric: 'ignoreIndex' of another type
  { type: 'IoUMetric', ignoreIndex: wrong },
  { type: 'MultiLabelMetric' },
  // @ts-expect-error MultiLabelMetric: no such option
  { type: 'MultiLabelMetric', noSuchOption: 1 },
  // @ts-expect-error MultiLabelMetric: 'thr' of another type
  { type: 'MultiLabelMetric', thr: wrong },
  { type: 'RegressionMetric' },
  // @ts-expect-error RegressionMetric: no such option
  { type: 'RegressionMetric', noSuchOption: 1 },
  // @ts-expect-error RegressionMetric: 'items' of another type
  { type: 'RegressionMetric', items: wrong },
  { type: 'SingleLabelMetric' },
  // @ts-expect-error SingleLabelMetric: no such option
  { type: 'SingleLabelMetric', noSuchOption: 1 },
  // @ts-expect-error SingleLabelMetric: 'thrs' of another type
  { type: 'SingleLabelMetric', thrs: wrong },
];

export const EVALUATOR: ConfigOf<EvaluatorTypes>[] = [
  { type: 'Evaluator', metrics: part },
  // @ts-expect-error Evaluator: no such option
  { type: 'Evaluator', metrics: part, noSuchOption: 1 },
  // @ts-expect-error Evaluator: 'metrics' of another type
  { type: 'Evaluator', metrics: wrong },
  // @ts-expect-error Evaluator: 'metrics' is missing
  { type: 'Evaluator' },
];

export const VISUALIZERS: ConfigOf<VisualizerTypes>[] = [
  { type: 'Visualizer' },
  // @ts-expect-error Visualizer: no such option
  { type: 'Visualizer', noSuchOption: 1 },
  // @ts-expect-error Visualizer: 'name' of another type
  { type: 'Visualizer', name: wrong },
];

export const VISBACKENDS: ConfigOf<VisBackendTypes>[] = [
  { type: 'LocalVisBackend' },
  // @ts-expect-error LocalVisBackend: no such option
  { type: 'LocalVisBackend', noSuchOption: 1 },
  // @ts-expect-error LocalVisBackend: 'saveDir' of another type
  { type: 'LocalVisBackend', saveDir: wrong },
];

export const LOG_PROCESSORS: ConfigOf<LogProcessorTypes>[] = [
  { type: 'LogProcessor' },
  // @ts-expect-error LogProcessor: no such option
  { type: 'LogProcessor', noSuchOption: 1 },
  // @ts-expect-error LogProcessor: 'windowSize' of another type
  { type: 'LogProcessor', windowSize: wrong },
];

export const BACKENDS: ConfigOf<BackendTypes>[] = [
  { type: 'cpu' },
  { type: 'torch' },
  { type: 'wasm' },
];

export const PROCESS_GROUPS: ConfigOf<ProcessGroupTypes>[] = [
  { type: 'single' },
];

export const STORAGE_BACKENDS: ConfigOf<StorageBackendTypes>[] = [
  { type: 'HTTPBackend' },
  // @ts-expect-error HTTPBackend: no such option
  { type: 'HTTPBackend', noSuchOption: 1 },
  // @ts-expect-error HTTPBackend: 'headers' of another type
  { type: 'HTTPBackend', headers: wrong },
  { type: 'LmdbBackend', dbPath: 'a' },
  // @ts-expect-error LmdbBackend: no such option
  { type: 'LmdbBackend', dbPath: 'a', noSuchOption: 1 },
  // @ts-expect-error LmdbBackend: 'dbPath' of another type
  { type: 'LmdbBackend', dbPath: wrong },
  // @ts-expect-error LmdbBackend: 'dbPath' is missing
  { type: 'LmdbBackend' },
  { type: 'LocalBackend' },
  // @ts-expect-error LocalBackend: no such option
  { type: 'LocalBackend', noSuchOption: 1 },
  { type: 'MemcachedBackend' },
  // @ts-expect-error MemcachedBackend: no such option
  { type: 'MemcachedBackend', noSuchOption: 1 },
  // @ts-expect-error MemcachedBackend: 'servers' of another type
  { type: 'MemcachedBackend', servers: wrong },
  { type: 'MemoryBackend' },
  // @ts-expect-error MemoryBackend: no such option
  { type: 'MemoryBackend', noSuchOption: 1 },
  // @ts-expect-error MemoryBackend: 'store' of another type
  { type: 'MemoryBackend', store: wrong },
  { type: 'S3Backend' },
  // @ts-expect-error S3Backend: no such option
  { type: 'S3Backend', noSuchOption: 1 },
  // @ts-expect-error S3Backend: 'endpoint' of another type
  { type: 'S3Backend', endpoint: wrong },
];
