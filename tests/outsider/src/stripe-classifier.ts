import { checkKeys, register, type ConfigOf, type ModelTypes } from '@engine/core';
import { BASE_MODEL_OPTIONS, BaseModel, buildModule, crossEntropy } from '@engine/nn';
import type { BaseModelOptions, ForwardMode, UnaryModule } from '@engine/nn';
import { tf, type Tensor1D, type Tensor2D, type Tensor4D } from '@engine/tensor';
import { MODELS } from './registry.js';

export interface StripeClassifierOptions extends BaseModelOptions {
  /** A network from images [N, H, W, 3] to logits [N, 2], of any library. */
  backbone: ConfigOf<ModelTypes>;
}

declare module '@engine/core' {
  interface ModelTypes {
    'outsider.StripeClassifier': StripeClassifierOptions;
  }
}

/** Tells stripes that lie from stripes that stand. */
@register(MODELS, { from: 'outsider' })
export class StripeClassifier extends BaseModel {
  readonly backbone: UnaryModule;

  constructor(options: StripeClassifierOptions) {
    checkKeys('StripeClassifier', options, ['backbone', ...BASE_MODEL_OPTIONS]);
    super(options);
    this.backbone = buildModule<UnaryModule>(options.backbone, 'backbone', MODELS);
  }

  forward(images: Tensor4D, { gtLabels }: { gtLabels: Tensor1D }, mode: ForwardMode) {
    const logits = this.backbone.forward(images) as Tensor2D;
    if (mode === 'loss') return { loss: crossEntropy(logits, gtLabels) };
    return mode === 'predict' ? { scores: tf.softmax(logits), gtLabels } : logits;
  }
}
