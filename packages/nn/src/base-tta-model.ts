import {
  badValue,
  EngineError,
  isComponentConfig,
  MODELS,
  type ConfigOf,
  type ModelTypes,
} from '@engine/core';
import { disposeTree, keepTree, mapTensors, scope, tensorsIn, tf, type Tensor } from '@engine/tensor';

import { BaseModel, type BaseModelOptions } from './base-model.js';

export interface BaseTTAModelOptions extends BaseModelOptions {
  /** The model whose predictions are merged, or its config. */
  module: BaseModel | ConfigOf<ModelTypes>;
}

/**
 * Wraps a model for test-time augmentation: each test batch comes in several augmented views, the model predicts every
 * one of them, and a subclass merges what it predicted.
 *
 * A batch is an object whose entries are lists over the views, `{ inputs: [view, view, …], … }`, or a list of such
 * lists; the entries of one view make a batch for the model.
 *
 * @example
 * class MeanTTA extends BaseTTAModel {
 *   mergePreds(samples: Prediction[][]) {
 *     return samples.map((views) => ({ ...views[0]!, predScores: tf.addN(views.map((v) => v.predScores)).div(views.length) }));
 *   }
 * }
 */
export abstract class BaseTTAModel extends BaseModel {
  readonly module: BaseModel;

  /** @throws E_CONFIG_VALUE when `module` is neither a model nor the config of one */
  constructor({ module, ...options }: BaseTTAModelOptions) {
    super(options);
    const given: unknown = module;
    const built: unknown = isComponentConfig(given)
      ? MODELS.build<BaseModel>(given as never, { path: 'module' })
      : given;
    if (!(built instanceof BaseModel)) throw badValue(`${new.target.name}.module`, module, 'a model');
    this.module = built;
  }

  /**
   * Merges predictions that the model gives as a list, one entry per sample.
   * @param samples for each sample, its prediction in each view
   * @returns what metrics read; tensors made here are kept, the others are freed
   */
  abstract mergePreds(samples: unknown[][]): unknown;

  /**
   * Merges the predictions of a batch, one for each view. By default they are lists over samples, which
   * {@link mergePreds} gets turned round; override it for a model that predicts a batch in one piece.
   * @throws E_MODEL_TTA when the predictions are no lists of one length
   */
  mergeViews(views: unknown[]): unknown {
    const lists = views as unknown[][];
    if (!lists.every((list) => Array.isArray(list) && list.length === lists[0]!.length)) {
      throw new EngineError({
        code: 'E_MODEL_TTA',
        what: 'The predictions of the views are no lists of one length.',
        expected: 'one prediction per sample in every view',
        fix: 'override mergeViews for a model that predicts a batch in one piece',
      });
    }
    return this.mergePreds(lists[0]!.map((_, sample) => lists.map((list) => list[sample])));
  }

  /** Predictions for a batch of augmented views; their tensors are kept and owned by the caller. */
  override testStep(data: unknown): unknown {
    const predictions: unknown[] = [];
    try {
      for (const view of viewsOf(data)) predictions.push(this.module.testStep(view));
      const given = new Set(tensorsIn(predictions));
      return scope(() => {
        const own = (t: Tensor): Tensor => (given.has(t) || t instanceof tf.Variable ? t.clone() : t);
        return keepTree(mapTensors(this.mergeViews(predictions), own));
      });
    } finally {
      disposeTree(predictions);
    }
  }

  /** @throws E_MODEL_TTA always: augmented views are merged in {@link testStep} */
  override forward(): never {
    throw new EngineError({
      code: 'E_MODEL_TTA',
      what: 'A model for test-time augmentation has no forward of its own.',
      fix: 'call testStep, or the forward of its module',
    });
  }
}

/** The batches of the single views. */
function viewsOf(data: unknown): unknown[] {
  const lists: unknown[] = typeof data === 'object' && data !== null ? Object.values(data) : [];
  const [first] = lists;
  if (!Array.isArray(first) || !lists.every((list) => Array.isArray(list) && list.length === first.length)) {
    throw badValue(
      'batch',
      data,
      'lists of one length over the augmented views, such as { inputs: [view, view] }',
    );
  }
  return first.map((_, view) =>
    Array.isArray(data)
      ? (data as unknown[][]).map((list) => list[view])
      : Object.fromEntries(
          Object.entries(data as Record<string, unknown[]>).map(([key, list]) => [key, list[view]]),
        ),
  );
}
