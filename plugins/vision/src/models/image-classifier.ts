import { EngineError, badValue, checkKeys, isHostArray, register } from '@engine/core';
import {
  BASE_MODEL_OPTIONS,
  BaseModel,
  CrossEntropyLoss,
  buildModule,
  type BaseModelOptions,
  type ForwardMode,
  type LossModule,
  type Losses,
  type ModuleLike,
  type UnaryModule,
} from '@engine/nn';
import { isTensor, tf, type Tensor } from '@engine/tensor';

import { MODELS } from '../registry.js';

export interface ImageClassifierOptions extends BaseModelOptions {
  /** A network from images [N, H, W, C] to logits [N, K]. */
  backbone: ModuleLike;
  /** A module from (logits, labels) to a loss; `CrossEntropyLoss` unless said. */
  loss?: ModuleLike;
}

declare module '@engine/core' {
  interface ModelTypes {
    'vision.ImageClassifier': ImageClassifierOptions;
  }
}

/** What {@link ImageClassifier} predicts for a batch. */
export interface ClassPredictions {
  /** Probabilities [N, K]. */
  scores: Tensor;
  /** Most probable classes, int32 [N]. */
  predLabels: Tensor;
  /** True classes, int32 [N], when the batch has them. */
  gtLabels?: Tensor;
}

/** True classes of a batch: an object with `gtLabels`, or the labels themselves. */
type Samples = Tensor | { gtLabels?: Tensor } | undefined;

/** Puts each image into one of K classes. Takes batches `{ inputs, gtLabels }`, or lists `[inputs, gtLabels]`. */
@register(MODELS)
export class ImageClassifier extends BaseModel {
  readonly backbone: UnaryModule;
  readonly loss: LossModule;
  /** Labels of the batch that was prepared last, if they came from the host, where checking them costs no wait. */
  private hostLabels: readonly number[] = [];

  constructor(options: ImageClassifierOptions) {
    checkKeys('ImageClassifier', options, ['backbone', 'loss', ...BASE_MODEL_OPTIONS]);
    super(options);
    if (!options.backbone)
      throw badValue(
        'ImageClassifier.backbone',
        options.backbone,
        "a module, or a config such as { type: 'vision.ResNet', depth: 20 }",
      );
    this.backbone = buildModule<UnaryModule>(options.backbone, 'backbone', MODELS);
    this.loss = options.loss ? buildModule<LossModule>(options.loss, 'loss', MODELS) : new CrossEntropyLoss();
  }

  protected override preprocess(data: unknown, training: boolean): unknown {
    const labels: unknown = Array.isArray(data)
      ? data[1]
      : (data as { gtLabels?: unknown } | undefined)?.gtLabels;
    this.hostLabels = isHostArray(labels) ? Array.from(labels.data as Int32Array, Number) : [];
    return super.preprocess(data, training);
  }

  /** @throws E_MODEL_LABEL when a label on the host is no class of the logits */
  private checkLabels(classes: number): void {
    const { ignoreIndex = -100 } = this.loss as { ignoreIndex?: number };
    const wrong = this.hostLabels.find((label) => (label >= classes || label < 0) && label !== ignoreIndex);
    if (wrong === undefined) return;
    throw new EngineError({
      code: 'E_MODEL_LABEL',
      what: `A label of the batch is not one of the ${classes} classes of the model.`,
      received: `label ${wrong}`,
      expected: `0 to ${classes - 1}`,
      fix: "set the model's numClasses to the number of classes of the dataset",
      exitCode: 2,
    });
  }

  /**
   * @param inputs [N, H, W, C]
   * @returns in mode 'loss' the losses, in 'predict' {@link ClassPredictions}, in 'tensor' the logits [N, K]
   */
  override forward(inputs: Tensor, samples: Samples, mode: ForwardMode): Losses | ClassPredictions | Tensor {
    const logits = this.backbone.forward(inputs);
    if (mode === 'tensor') return logits;
    const gtLabels = isTensor(samples) ? samples : samples?.gtLabels;
    if (mode === 'loss') {
      if (!gtLabels) throw badValue('ImageClassifier batch', samples, "true classes under 'gtLabels'");
      this.checkLabels(logits.shape[logits.rank - 1]!);
      return { loss: this.loss.forward(logits, gtLabels) };
    }
    const predicted = { scores: tf.softmax(logits), predLabels: tf.argMax(logits, -1) };
    return gtLabels ? { ...predicted, gtLabels } : predicted;
  }
}
