import {
  badValue,
  checkKeys,
  EngineError,
  show,
  type Config,
  type ConfigOf,
  type EvaluatorTypes,
  type HookTypes,
  type LogProcessorTypes,
  type MetricTypes,
  type ModelTypes,
  type VisualizerTypes,
} from '@engine/core';
import type { DataloaderConfig } from '@engine/data';
import type { Evaluator } from '@engine/evaluator';
import type { WeightOptions } from '@engine/fileio';
import type { BaseModel } from '@engine/nn';
import type {
  AnyOptimWrapper,
  MultiOptimWrapperConfig,
  OptimWrapperConfig,
  ParamSchedulersConfig,
} from '@engine/optim';
import { checkLimits } from './build/limits.js';
import type { HookMethods } from './hook.js';
import type { DynamicInterval } from './loops/intervals.js';
import type { AnyDataLoader } from './run.js';

/** How to train: by epochs (`maxEpochs`) or by iterations (`maxIters`, or `byEpoch: false`). */
export interface TrainCfg {
  /** A registered loop; chosen by `byEpoch` unless said. */
  type?: string;
  /** Epochs (true) or iterations (false); follows from `maxEpochs` or `maxIters` unless said. */
  byEpoch?: boolean;
  maxEpochs?: number;
  maxIters?: number;
  /** First epoch or iteration (from 1) to validate after; 1. */
  valBegin?: number;
  /** Validate every so many epochs (1) or iterations (1000). */
  valInterval?: number;
  dynamicIntervals?: readonly DynamicInterval[];
  [option: string]: unknown;
}

export interface EvalCfg {
  type?: string;
  [option: string]: unknown;
}

export type HookConfig = ConfigOf<HookTypes>;

/** Everything a config may say of a run. Parts are given as configs, built by the registries, or as objects. */
export interface RunnerConfig {
  model: ConfigOf<ModelTypes> | BaseModel;
  /** Folder that all launches of the experiment share. */
  workDir: string;
  trainDataloader?: DataloaderConfig | AnyDataLoader;
  valDataloader?: DataloaderConfig | AnyDataLoader;
  testDataloader?: DataloaderConfig | AnyDataLoader;
  trainCfg?: TrainCfg;
  valCfg?: EvalCfg;
  testCfg?: EvalCfg;
  /** Scales the learning rate to the batch size: `{ enable, baseBatchSize }`. */
  autoScaleLr?: { enable?: boolean; baseBatchSize: number };
  /** An optimizer and how it steps; or, without `optimizer`, that for each of several submodules by name. */
  optimWrapper?: OptimWrapperConfig | MultiOptimWrapperConfig | AnyOptimWrapper;
  /** Schedulers of all optimizers; or, with several, those of each by name. */
  paramScheduler?: ParamSchedulersConfig | Record<string, ParamSchedulersConfig>;
  valEvaluator?: EvaluatorConfig;
  testEvaluator?: EvaluatorConfig;
  /** Replaces (config) or removes (null) default hooks by key, and adds others. */
  defaultHooks?: Record<string, HookConfig | HookMethods | null>;
  customHooks?: readonly (HookConfig | HookMethods)[];
  /** For test-time augmentation (`engine test --tta`): what merges predictions, a config without its `module`. */
  ttaModel?: { type: unknown; [option: string]: unknown };
  /** For test-time augmentation: transforms of the test data, which give several views of each sample. */
  ttaPipeline?: readonly unknown[];
  /** Inserted in the model's config where that has none. */
  dataPreprocessor?: Record<string, unknown>;
  /**
   * Weights to start from: a checkpoint folder, a work dir, or a `.safetensors`, `.pth` or `.npz` file; also at
   * `https://`, `package::path` or in a storage. As an object with changes of names. With `resume`: the whole run.
   */
  loadFrom?: string | LoadFromOptions;
  /** Continue the newest run in `workDir` (true), or the one at a path. */
  resume?: boolean | string;
  /** How processes were launched; only `none` yet. */
  launcher?: 'none';
  /** Settings of the processes: `distCfg` goes to the process group once there are several. */
  envCfg?: { distCfg?: Record<string, unknown> };
  logProcessor?: ConfigOf<LogProcessorTypes> | { type?: undefined; [option: string]: unknown };
  logLevel?: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  visualizer?: ConfigOf<VisualizerTypes> | { type?: undefined; [option: string]: unknown };
  /** Modules whose activations are computed again for gradients instead of being kept: names, with `*` for one part. */
  activationCheckpointing?: string | readonly string[];
  /**
   * Modules in which a convolution before a batch norm in evaluation mode is computed with it as one: names, with `*` for
   * one part, or true for all. See `turnOnEfficientConvBnEval`.
   */
  efficientConvBnEval?: boolean | string | readonly string[];
  /** Try everything out on one batch (or so many) of each loader: one epoch, one validation, no checkpoints. */
  fastDevRun?: boolean | number;
  /** Train and validate on the same first batches in every epoch: a model that cannot learn these has a mistake. */
  overfitBatches?: number;
  /** Validate so many batches before training, without a word in the log, so that a mistake there shows at once; 0. */
  numSanityValSteps?: number;
  /** Scope in which plain type names are looked up first. */
  defaultScope?: string;
  /** `seed` null or absent draws one; it is saved, and a resumed run takes the saved one. */
  randomness?: { seed?: number | null; diffRankSeed?: boolean; deterministic?: boolean };
  experimentName?: string;
  /** Compute backend: `auto`, or a name such as `wasm` or `cpu`. */
  device?: string;
  /** Packages or files to import before anything is built; they register their parts. */
  plugins?: readonly string[];
}

/** Weights to start from, with changes of names. */
export interface LoadFromOptions extends WeightOptions {
  path: string;
}

/** Everything a run may be told. */
export interface RunnerOptions extends RunnerConfig {
  /** The config the options came from, for the run directory and for messages. */
  cfg?: Config;
}

export type EvaluatorConfig =
  | ConfigOf<MetricTypes>
  | readonly ConfigOf<MetricTypes>[]
  | ConfigOf<EvaluatorTypes>
  | { type?: undefined; metrics: unknown }
  | Evaluator;

declare module '@engine/core' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  /** What `defineConfig` accepts is what the Runner understands. */
  interface ExperimentConfig extends Partial<RunnerConfig> {}
}

const KEYS = [
  'model',
  'workDir',
  'trainDataloader',
  'valDataloader',
  'testDataloader',
  'trainCfg',
  'valCfg',
  'testCfg',
  'autoScaleLr',
  'optimWrapper',
  'paramScheduler',
  'valEvaluator',
  'testEvaluator',
  'defaultHooks',
  'customHooks',
  'dataPreprocessor',
  'ttaModel',
  'ttaPipeline',
  'loadFrom',
  'resume',
  'launcher',
  'envCfg',
  'logProcessor',
  'logLevel',
  'visualizer',
  'activationCheckpointing',
  'efficientConvBnEval',
  'fastDevRun',
  'overfitBatches',
  'numSanityValSteps',
  'defaultScope',
  'randomness',
  'experimentName',
  'device',
  'plugins',
  'cfg',
] as const satisfies readonly (keyof RunnerOptions)[];

/** Options that make sense only together. */
const GROUPS = [
  ['trainDataloader', 'trainCfg', 'optimWrapper'],
  ['valDataloader', 'valCfg', 'valEvaluator'],
  ['testDataloader', 'testCfg', 'testEvaluator'],
] as const;

/**
 * Checks what can be checked before anything is built.
 * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE, E_CONFIG_GROUP
 */
export function checkRunnerOptions(options: RunnerOptions): void {
  checkKeys('the Runner', options, KEYS);
  if (options.model === undefined || options.model === null) {
    throw badValue(
      'model',
      options.model,
      "a model or its config, such as { type: 'vision.ImageClassifier', … }",
    );
  }
  if (typeof options.workDir !== 'string' || options.workDir === '') {
    throw badValue(
      'workDir',
      options.workDir,
      'a folder name',
      'set workDir in the config, or pass --work-dir',
    );
  }
  for (const group of GROUPS) {
    const missing = group.filter((key) => options[key] === undefined || options[key] === null);
    if (missing.length === 0 || missing.length === group.length) continue;
    throw new EngineError({
      code: 'E_CONFIG_GROUP',
      what: `${group.join(', ')} are given together or not at all.`,
      received: `${group.filter((key) => !missing.includes(key)).join(', ')} without ${missing.join(', ')}`,
      expected: 'all three, or none',
      fix: `add ${missing.join(' and ')}`,
      exitCode: 2,
    });
  }
  if (
    options.paramScheduler !== undefined &&
    options.paramScheduler !== null &&
    options.optimWrapper === undefined
  ) {
    throw badValue('paramScheduler', options.paramScheduler, 'an optimWrapper beside it');
  }
  if (options.launcher !== undefined && options.launcher !== 'none') {
    throw badValue('launcher', options.launcher, "'none'");
  }
  checkTypes(options);
  checkLimits(options);
  checkKeys('randomness', options.randomness, ['seed', 'diffRankSeed', 'deterministic'], 'randomness');
  checkKeys('envCfg', options.envCfg, ['distCfg'], 'envCfg');
  const seed = options.randomness?.seed;
  if (seed !== undefined && seed !== null && !(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)) {
    throw badValue('randomness.seed', seed, 'a whole number from 0 to 2147483647, or null to draw one');
  }
  if (options.trainCfg) checkTrainCfg(options.trainCfg);
}

/** Options that must be of one simple type, with what to say of them. */
function checkTypes(options: RunnerOptions): void {
  const strings = (value: unknown): boolean =>
    Array.isArray(value) && value.every((item) => typeof item === 'string');
  const rules: [key: keyof RunnerOptions, ok: (value: unknown) => boolean, expected: string][] = [
    ['model', (value) => typeof value === 'object', 'a model, its config, or a list of configs'],
    [
      'loadFrom',
      (value) => typeof value === 'string' || typeof (value as LoadFromOptions | null)?.path === 'string',
      'the path of a checkpoint, or { path, prefix, reviseKeys }',
    ],
    [
      'resume',
      (value) => typeof value === 'boolean' || typeof value === 'string',
      'true, false or the path of a run',
    ],
    [
      'activationCheckpointing',
      (value) => typeof value === 'string' || strings(value),
      "names of modules, such as ['backbone.layer1']",
    ],
    [
      'efficientConvBnEval',
      (value) => typeof value === 'boolean' || typeof value === 'string' || strings(value),
      "true, or names of modules, such as ['backbone']",
    ],
    ['device', (value) => typeof value === 'string', "a device such as 'auto', 'wasm' or 'cpu'"],
    ['plugins', strings, 'a list of packages or files'],
    ['defaultScope', (value) => typeof value === 'string', 'the name of a scope'],
    ['experimentName', (value) => typeof value === 'string' && !/[/\\]/.test(value), "a name without '/'"],
    [
      'autoScaleLr',
      (value) => typeof value === 'object',
      'an object such as { enable: true, baseBatchSize: 256 }',
    ],
    [
      'dataPreprocessor',
      (value) => typeof value === 'object',
      "a config such as { type: 'ImgDataPreprocessor' }",
    ],
    [
      'optimWrapper',
      (value) => typeof value === 'object',
      "an object such as { optimizer: { type: 'SGD', lr: 0.1 } }",
    ],
  ];
  for (const [key, ok, expected] of rules) {
    const value = options[key];
    if (value !== undefined && value !== null && !ok(value)) throw badValue(key, value, expected);
  }
  const deterministic: unknown = options.randomness?.deterministic;
  if (deterministic !== undefined && typeof deterministic !== 'boolean') {
    throw badValue('randomness.deterministic', deterministic, 'true or false');
  }
  for (const key of ['trainCfg', 'valCfg', 'testCfg'] as const) {
    const cfg: unknown = options[key];
    if (cfg !== undefined && cfg !== null && (typeof cfg !== 'object' || Array.isArray(cfg))) {
      throw badValue(key, cfg, 'an object of options');
    }
  }
}

function checkTrainCfg(cfg: TrainCfg): void {
  if (cfg.type !== undefined && cfg.byEpoch !== undefined) {
    throw badValue('trainCfg.byEpoch', cfg.byEpoch, 'either `type` or `byEpoch`, not both');
  }
  if (
    cfg.type === undefined &&
    cfg.byEpoch === undefined &&
    cfg.maxEpochs === undefined &&
    cfg.maxIters === undefined
  ) {
    throw badValue(
      'trainCfg',
      cfg,
      'maxEpochs or maxIters',
      'say how long to train: trainCfg: { maxEpochs: 10 }',
    );
  }
  if (cfg.type === undefined && cfg.maxEpochs !== undefined && cfg.maxIters !== undefined) {
    throw badValue('trainCfg', `${show(cfg)}`, 'maxEpochs or maxIters, not both');
  }
}
