import {
  MODELS,
  badValue,
  isComponentConfig,
  show,
  EngineError,
  type ConfigOf,
  type ModelTypes,
} from '@engine/core';
import {
  isTensor,
  keepTree,
  mapTensors,
  noGrad,
  scope,
  tensorsIn,
  tf,
  type LogVars,
  type LossResult,
  type OptimWrapperLike,
  type Scalar,
  type Tensor,
} from '@engine/tensor';

import { BaseDataPreprocessor } from './data-preprocessor/index.js';
import { Module, type ModuleOptions } from './module.js';

/** What a model's `forward` is asked for: losses, predictions, or the plain output of the network. */
export type ForwardMode = 'loss' | 'predict' | 'tensor';

/** What `forward` returns in mode 'loss': tensors, whose means count, or lists of them, by name. */
export type Losses = Record<string, Tensor | readonly Tensor[]>;

/** Turns a collated batch into what `forward` takes. */
export interface DataPreprocessor extends Module {
  forward(data: unknown, training?: boolean): unknown;
}

export interface BaseModelOptions extends ModuleOptions {
  /** A module or the config of one; `BaseDataPreprocessor` unless said. */
  dataPreprocessor?: DataPreprocessor | ConfigOf<ModelTypes> | undefined;
}

/** Names of the options that {@link BaseModel} reads, for the key check of a subclass. */
export const BASE_MODEL_OPTIONS = ['dataPreprocessor', 'initCfg'] as const;

function buildPreprocessor(value: BaseModelOptions['dataPreprocessor']): DataPreprocessor {
  if (value === undefined) return new BaseDataPreprocessor();
  if (value instanceof Module) return value as DataPreprocessor;
  if (isComponentConfig(value)) return MODELS.build<DataPreprocessor>(value, { path: 'dataPreprocessor' });
  throw badValue('dataPreprocessor', value, "a module, or a config such as { type: 'ImgDataPreprocessor' }");
}

/**
 * A model that a runner can train: one `forward` in three modes, and the steps made of it.
 *
 * A batch that is an object reaches `forward` as (`inputs`, `dataSamples`), where `dataSamples` is the entry of that
 * name or else an object of all the other entries; a batch that is a list reaches it by place: the first element, then
 * the second (a list of the rest when there are more than two).
 *
 * @example
 * class Classifier extends BaseModel {
 *   readonly net = new Linear({ inFeatures: 4, outFeatures: 3 });
 *   forward(inputs: Tensor, { gtLabels }: { gtLabels: Tensor }, mode: ForwardMode) {
 *     const logits = this.net.forward(inputs);
 *     if (mode === 'loss') return { loss: crossEntropy(logits, gtLabels) };
 *     return mode === 'predict' ? { scores: tf.softmax(logits), gtLabels } : logits;
 *   }
 * }
 */
export abstract class BaseModel extends Module {
  readonly dataPreprocessor: DataPreprocessor;

  constructor({ dataPreprocessor, ...options }: BaseModelOptions = {}) {
    super(options);
    this.dataPreprocessor = buildPreprocessor(dataPreprocessor);
  }

  /**
   * @param mode 'loss' → {@link Losses}; 'predict' → what metrics read; 'tensor' → the output of the network
   */
  abstract override forward(inputs: unknown, dataSamples: unknown, mode: ForwardMode): unknown;

  /** The batch on the device, as the preprocessor makes it. */
  protected preprocess(data: unknown, training: boolean): unknown {
    return this.dataPreprocessor.forward(data, training);
  }

  private run(prepared: unknown, mode: ForwardMode): unknown {
    if (Array.isArray(prepared)) {
      const [inputs, second, ...rest] = prepared as unknown[];
      return this.forward(inputs, rest.length > 0 ? [second, ...rest] : second, mode);
    }
    if (typeof prepared === 'object' && prepared !== null && 'inputs' in prepared) {
      const { inputs, ...rest } = prepared;
      return this.forward(inputs, 'dataSamples' in rest ? rest.dataSamples : rest, mode);
    }
    throw badValue(
      'batch',
      prepared,
      "an object with the key 'inputs', or a list whose first element is the inputs",
    );
  }

  /**
   * One training step: batch to the device, forward in mode 'loss', gradients and update by `optim`.
   * @returns scalars on the device, 'loss' first, kept and owned by the caller
   */
  trainStep(data: unknown, optim: OptimWrapperLike): LogVars {
    // The batch is prepared outside of what is differentiated: nothing of it is recorded or saved for gradients.
    return scope(() => {
      const prepared = this.preprocess(data, true);
      return optim.step(() => this.parseLosses(this.run(prepared, 'loss') as Losses));
    });
  }

  /** Predictions for a validation batch; their tensors are kept and owned by the caller. */
  valStep(data: unknown): unknown {
    const given = new Set(tensorsIn(data));
    return scope(() => {
      const output = this.run(this.preprocess(data, false), 'predict');
      // What belongs to somebody else, a tensor of the batch or a variable, is handed out under a handle of its own.
      const own = (t: Tensor): Tensor => (given.has(t) || t instanceof tf.Variable ? t.clone() : t);
      return keepTree(mapTensors(output, own));
    });
  }

  /** Predictions for a test batch, as {@link valStep}. */
  testStep(data: unknown): unknown {
    return this.valStep(data);
  }

  /**
   * Losses of a batch by name, each one number, without gradients: what validation reports beside its metrics. The
   * tensors are kept and owned by the caller.
   */
  lossStep(data: unknown): Record<string, Scalar> {
    return scope(() => {
      const losses = this.run(this.preprocess(data, false), 'loss') as Losses;
      const scalars = Object.entries(losses ?? {}).map(
        ([name, value]) => [name, lossScalar(name, value).clone()] as const,
      );
      return keepTree(Object.fromEntries(scalars));
    });
  }

  /**
   * Adds up the losses: the mean of each tensor, or the sum of the means of a list, over all names that contain
   * 'loss'; the other names are only reported.
   * @throws E_MODEL_LOSSES when a value is neither, or no name contains 'loss'
   */
  parseLosses(losses: Losses): LossResult {
    const entries = Object.entries(losses ?? {}).map(
      ([name, value]) => [name, lossScalar(name, value)] as const,
    );
    const counted = entries.filter(([name]) => name.includes('loss')).map(([, value]) => value);
    if (counted.length === 0) {
      throw new EngineError({
        code: 'E_MODEL_LOSSES',
        what: "The losses that the model returned have no name with 'loss' in it, so there is nothing to minimise.",
        received: show(Object.keys(losses ?? {})),
        expected: 'an object such as { loss: tensor }',
      });
    }
    const loss = counted.length === 1 ? counted[0]! : (tf.addN(counted) as Scalar);
    const logVars: LogVars = {};
    noGrad(() => {
      for (const [name, value] of [['loss', loss] as const, ...entries]) {
        const replaced = logVars[name];
        if (isTensor(replaced)) replaced.dispose();
        logVars[name] = tf.keep(value.clone());
      }
    });
    return { loss, logVars };
  }
}

function lossScalar(name: string, value: Tensor | readonly Tensor[]): Scalar {
  const mean = (tensor: Tensor): Scalar => (tensor.rank === 0 ? (tensor as Scalar) : tf.mean(tensor));
  if (isTensor(value)) return mean(value);
  if (Array.isArray(value) && value.length > 0 && value.every(isTensor)) {
    return value.length === 1 ? mean(value[0]!) : (tf.addN(value.map(mean)) as Scalar);
  }
  throw new EngineError({
    code: 'E_MODEL_LOSSES',
    what: `The loss '${name}' is neither a tensor nor a list of tensors.`,
    received: `${name} = ${show(value)}`,
    expected: 'a tensor, or a list of at least one tensor',
  });
}
