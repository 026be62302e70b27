/** MMEngine's and PyTorch's parts that the engine has under the same name. */
const SAME = new Set(
  (
    'EpochBasedTrainLoop IterBasedTrainLoop ValLoop TestLoop CheckpointHook EarlyStoppingHook EMAHook EmptyCacheHook ' +
    'IterTimerHook LoggerHook ParamSchedulerHook ProfilerHook RuntimeInfoHook DistSamplerSeedHook SyncBuffersHook ' +
    'BaseDataset ClassBalancedDataset ConcatDataset RepeatDataset DefaultSampler InfiniteSampler Compose ' +
    'ExponentialMovingAverage MomentumAnnealingEMA StochasticWeightAverage BaseDataPreprocessor ImgDataPreprocessor ' +
    'Sequential ModuleList ModuleDict Conv2d ConvTranspose2d Linear Embedding Dropout Flatten Identity ' +
    'BatchNorm1d BatchNorm2d GroupNorm LayerNorm InstanceNorm1d InstanceNorm2d MultiheadAttention MaxPool2d AvgPool2d ' +
    'AdaptiveAvgPool2d AdaptiveMaxPool2d GELU SiLU Mish Hardswish Hardsigmoid Hardtanh ReLU ReLU6 LeakyReLU ELU SELU ' +
    'Softplus Sigmoid LogSigmoid Tanh Softmax LogSoftmax Upsample CrossEntropyLoss MSELoss L1Loss SmoothL1Loss ' +
    'HuberLoss BCELoss BCEWithLogitsLoss NLLLoss KLDivLoss ' +
    'Constant Xavier Normal TruncNormal Uniform Kaiming Caffe2Xavier Pretrained ' +
    'Adadelta Adafactor Adagrad Adam Adamax AdamW ASGD NAdam RAdam RMSprop Rprop SGD OptimWrapper ' +
    'DefaultOptimWrapperConstructor ' +
    'ConstantParamScheduler ConstantLR ConstantMomentum CosineAnnealingParamScheduler CosineAnnealingLR ' +
    'CosineAnnealingMomentum CosineRestartParamScheduler CosineRestartLR CosineRestartMomentum ' +
    'ExponentialParamScheduler ExponentialLR ExponentialMomentum LinearParamScheduler LinearLR LinearMomentum ' +
    'MultiStepParamScheduler MultiStepLR MultiStepMomentum OneCycleParamScheduler OneCycleLR PolyParamScheduler PolyLR ' +
    'PolyMomentum ReduceOnPlateauParamScheduler ReduceOnPlateauLR ReduceOnPlateauMomentum StepParamScheduler StepLR ' +
    'StepMomentum Accuracy DumpResults Evaluator Visualizer LocalVisBackend LogProcessor'
  ).split(' '),
);

/** Parts that the engine has under another name, by their name in MMEngine, MMCV or MMPretrain. */
const RENAMED: Readonly<Record<string, string>> = {
  BN: 'BatchNorm2d',
  BN1d: 'BatchNorm1d',
  BN2d: 'BatchNorm2d',
  GN: 'GroupNorm',
  LN: 'LayerNorm',
  IN: 'InstanceNorm2d',
  IN2d: 'InstanceNorm2d',
  Swish: 'SiLU',
  HSwish: 'Hardswish',
  NormalInit: 'Normal',
  XavierInit: 'Xavier',
  KaimingInit: 'Kaiming',
  ConstantInit: 'Constant',
  TruncNormalInit: 'TruncNormal',
  UniformInit: 'Uniform',
  PretrainedInit: 'Pretrained',
  Caffe2XavierInit: 'Caffe2Xavier',
  CIFAR10: 'vision.CIFAR10',
  CIFAR100: 'vision.CIFAR100',
  CenterCrop: 'vision.CenterCrop',
  ImageClassifier: 'vision.ImageClassifier',
  Normalize: 'vision.Normalize',
  PackInputs: 'vision.PackInputs',
  RandomCrop: 'vision.RandomCrop',
  RandomFlip: 'vision.RandomFlip',
  ResNet: 'vision.ResNet',
  Resize: 'vision.Resize',
};

/**
 * The engine's name of a part that an OpenMMLab config names, with its module or scope or without; undefined when there
 * is none. Options are not compared: the part checks them when it is built.
 */
export function engineType(type: string): string | undefined {
  const name = type.slice(type.lastIndexOf('.') + 1);
  return SAME.has(name) ? name : Object.hasOwn(RENAMED, name) ? RENAMED[name] : undefined;
}

/** All names of the engine that {@link engineType} may give. */
export const COUNTERPARTS: readonly string[] = [...new Set([...SAME, ...Object.values(RENAMED)])];
