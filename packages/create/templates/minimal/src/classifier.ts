import { checkKeys, MODELS, register } from '@engine/core';
import {
  BASE_MODEL_OPTIONS,
  BaseModel,
  crossEntropy,
  Linear,
  type BaseModelOptions,
  type ForwardMode,
} from '@engine/nn';
import { tf, type Tensor1D, type Tensor2D } from '@engine/tensor';

export interface ClassifierOptions extends BaseModelOptions {
  /** Units of the hidden layer; 32. */
  hidden?: number;
}

declare module '@engine/core' {
  interface ModelTypes {
    Classifier: ClassifierOptions;
  }
}

/** A network of one hidden layer, from points [N, 2] to the logits of two classes [N, 2]. */
@register(MODELS)
export class Classifier extends BaseModel {
  readonly first: Linear;
  readonly second: Linear;

  constructor(options: ClassifierOptions = {}) {
    const { hidden = 32, ...rest } = options;
    checkKeys('Classifier', options, ['hidden', ...BASE_MODEL_OPTIONS]);
    super(rest);
    this.first = new Linear({ inFeatures: 2, outFeatures: hidden });
    this.second = new Linear({ inFeatures: hidden, outFeatures: 2 });
  }

  forward(points: Tensor2D, { gtLabels }: { gtLabels: Tensor1D }, mode: ForwardMode) {
    const logits = this.second.forward(tf.tanh(this.first.forward(points))) as Tensor2D;
    if (mode === 'loss') return { loss: crossEntropy(logits, gtLabels) };
    return mode === 'predict' ? { scores: tf.softmax(logits), gtLabels } : logits;
  }
}
