import { MODELS, checkKeys, register } from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';

import { Module } from '../module.js';
import { ctcLoss, type CtcLossOptions, type WholeNumbers } from './ctc-loss.js';
import * as distributions from './distribution-nll.js';
import * as embeddings from './embedding-losses.js';
import * as margins from './margin.js';

/** The result is multiplied by `lossWeight`; 1 unless said. */
type Weighted<O> = O & { lossWeight?: number };

declare module '@engine/core' {
  interface ModelTypes {
    PoissonNLLLoss: Weighted<distributions.PoissonNllLossOptions>;
    GaussianNLLLoss: Weighted<distributions.GaussianNllLossOptions>;
    MarginRankingLoss: Weighted<margins.MarginLossOptions>;
    HingeEmbeddingLoss: Weighted<margins.MarginLossOptions>;
    SoftMarginLoss: Weighted<margins.SoftMarginLossOptions>;
    MultiLabelSoftMarginLoss: Weighted<margins.MultiLabelSoftMarginLossOptions>;
    MultiMarginLoss: Weighted<margins.MultiMarginLossOptions>;
    CosineEmbeddingLoss: Weighted<margins.MarginLossOptions>;
    TripletMarginLoss: Weighted<embeddings.TripletMarginLossOptions>;
    MultiLabelMarginLoss: Weighted<margins.MultiLabelMarginLossOptions>;
    CTCLoss: Weighted<CtcLossOptions>;
    SigmoidFocalLoss: Weighted<embeddings.SigmoidFocalLossOptions>;
  }
}

/** A loss function with its options as a module; it takes the tensors that the function takes. */
abstract class LossOf<O extends object> extends Module {
  private readonly options: O;
  private readonly lossWeight: number;

  constructor(name: string, options: Weighted<O>, known: readonly string[]) {
    checkKeys(name, options, [...known, 'lossWeight']);
    super();
    const { lossWeight = 1, ...rest } = options;
    this.lossWeight = lossWeight;
    this.options = rest as unknown as O;
  }

  protected weigh(compute: (options: O) => Tensor): Tensor {
    if (this.lossWeight === 1) return compute(this.options);
    return tf.tidy(() => tf.mul(compute(this.options), this.lossWeight));
  }
}

/** `poissonNllLoss` as a module. */
@register(MODELS)
export class PoissonNLLLoss extends LossOf<distributions.PoissonNllLossOptions> {
  constructor(options: Weighted<distributions.PoissonNllLossOptions> = {}) {
    super('PoissonNLLLoss', options, ['logInput', 'full', 'eps', 'reduction']);
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    return this.weigh((options) => distributions.poissonNllLoss(prediction, target, options));
  }
}

/** `gaussianNllLoss` as a module. */
@register(MODELS)
export class GaussianNLLLoss extends LossOf<distributions.GaussianNllLossOptions> {
  constructor(options: Weighted<distributions.GaussianNllLossOptions> = {}) {
    super('GaussianNLLLoss', options, ['full', 'eps', 'reduction']);
  }

  forward(prediction: Tensor, target: Tensor, variance: Tensor): Tensor {
    return this.weigh((options) => distributions.gaussianNllLoss(prediction, target, variance, options));
  }
}

/** `marginRankingLoss` as a module. */
@register(MODELS)
export class MarginRankingLoss extends LossOf<margins.MarginLossOptions> {
  constructor(options: Weighted<margins.MarginLossOptions> = {}) {
    super('MarginRankingLoss', options, ['margin', 'reduction']);
  }

  forward(first: Tensor, second: Tensor, target: Tensor): Tensor {
    return this.weigh((options) => margins.marginRankingLoss(first, second, target, options));
  }
}

/** `hingeEmbeddingLoss` as a module. */
@register(MODELS)
export class HingeEmbeddingLoss extends LossOf<margins.MarginLossOptions> {
  constructor(options: Weighted<margins.MarginLossOptions> = {}) {
    super('HingeEmbeddingLoss', options, ['margin', 'reduction']);
  }

  forward(x: Tensor, target: Tensor): Tensor {
    return this.weigh((options) => margins.hingeEmbeddingLoss(x, target, options));
  }
}

/** `softMarginLoss` as a module. */
@register(MODELS)
export class SoftMarginLoss extends LossOf<margins.SoftMarginLossOptions> {
  constructor(options: Weighted<margins.SoftMarginLossOptions> = {}) {
    super('SoftMarginLoss', options, ['reduction']);
  }

  forward(x: Tensor, target: Tensor): Tensor {
    return this.weigh((options) => margins.softMarginLoss(x, target, options));
  }
}

/** `multiLabelSoftMarginLoss` as a module. */
@register(MODELS)
export class MultiLabelSoftMarginLoss extends LossOf<margins.MultiLabelSoftMarginLossOptions> {
  constructor(options: Weighted<margins.MultiLabelSoftMarginLossOptions> = {}) {
    super('MultiLabelSoftMarginLoss', options, ['weight', 'reduction']);
  }

  forward(x: Tensor, target: Tensor): Tensor {
    return this.weigh((options) => margins.multiLabelSoftMarginLoss(x, target, options));
  }
}

/** `multiMarginLoss` as a module. */
@register(MODELS)
export class MultiMarginLoss extends LossOf<margins.MultiMarginLossOptions> {
  constructor(options: Weighted<margins.MultiMarginLossOptions> = {}) {
    super('MultiMarginLoss', options, ['p', 'margin', 'weight', 'reduction']);
  }

  forward(x: Tensor, labels: Tensor): Tensor {
    return this.weigh((options) => margins.multiMarginLoss(x, labels, options));
  }
}

/** `cosineEmbeddingLoss` as a module. */
@register(MODELS)
export class CosineEmbeddingLoss extends LossOf<margins.MarginLossOptions> {
  constructor(options: Weighted<margins.MarginLossOptions> = {}) {
    super('CosineEmbeddingLoss', options, ['margin', 'reduction']);
  }

  forward(first: Tensor, second: Tensor, target: Tensor): Tensor {
    return this.weigh((options) => embeddings.cosineEmbeddingLoss(first, second, target, options));
  }
}

/** `tripletMarginLoss` as a module. */
@register(MODELS)
export class TripletMarginLoss extends LossOf<embeddings.TripletMarginLossOptions> {
  constructor(options: Weighted<embeddings.TripletMarginLossOptions> = {}) {
    super('TripletMarginLoss', options, ['margin', 'p', 'eps', 'swap', 'reduction']);
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return this.weigh((options) => embeddings.tripletMarginLoss(anchor, positive, negative, options));
  }
}

/** `sigmoidFocalLoss` as a module. */
@register(MODELS)
export class SigmoidFocalLoss extends LossOf<embeddings.SigmoidFocalLossOptions> {
  constructor(options: Weighted<embeddings.SigmoidFocalLossOptions> = {}) {
    super('SigmoidFocalLoss', options, ['alpha', 'gamma', 'reduction']);
  }

  forward(logits: Tensor, target: Tensor): Tensor {
    return this.weigh((options) => embeddings.sigmoidFocalLoss(logits, target, options));
  }
}

/** `multiLabelMarginLoss` as a module. */
@register(MODELS)
export class MultiLabelMarginLoss extends LossOf<margins.MultiLabelMarginLossOptions> {
  constructor(options: Weighted<margins.MultiLabelMarginLossOptions> = {}) {
    super('MultiLabelMarginLoss', options, ['reduction']);
  }

  forward(x: Tensor, labels: Tensor): Tensor {
    return this.weigh((options) => margins.multiLabelMarginLoss(x, labels, options));
  }
}

/** `ctcLoss` as a module. */
@register(MODELS)
export class CTCLoss extends LossOf<CtcLossOptions> {
  constructor(options: Weighted<CtcLossOptions> = {}) {
    super('CTCLoss', options, ['blank', 'reduction', 'zeroInfinity']);
  }

  forward(
    logProbs: Tensor,
    targets: WholeNumbers | readonly (readonly number[])[],
    inputLengths: WholeNumbers,
    targetLengths: WholeNumbers,
  ): Tensor {
    return this.weigh((options) => ctcLoss(logProbs, targets, inputLengths, targetLengths, options));
  }
}
