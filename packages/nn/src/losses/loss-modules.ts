import { MODELS, checkKeys, register } from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';

import { Module } from '../module.js';
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
} from './binary-cross-entropy.js';
import { crossEntropy, type CrossEntropyOptions } from './cross-entropy.js';
import { klDiv, type KlDivOptions } from './kl-div.js';
import { nllLoss, type NllLossOptions } from './nll-loss.js';
import {
  huberLoss,
  l1Loss,
  mseLoss,
  smoothL1Loss,
  type HuberLossOptions,
  type SmoothL1LossOptions,
  type WeightedRegressionLossOptions,
} from './regression.js';

/** The result is multiplied by `lossWeight`; 1 unless said. */
interface Weighted {
  lossWeight?: number;
}

export interface CrossEntropyLossOptions extends CrossEntropyOptions, Weighted {}
export interface RegressionLossModuleOptions extends WeightedRegressionLossOptions, Weighted {}
export interface SmoothL1LossModuleOptions extends SmoothL1LossOptions, Weighted {}
export interface HuberLossModuleOptions extends HuberLossOptions, Weighted {}
export interface BCELossOptions extends BinaryCrossEntropyOptions, Weighted {}
export interface BCEWithLogitsLossOptions extends BinaryCrossEntropyWithLogitsOptions, Weighted {}
export interface NLLLossOptions extends NllLossOptions, Weighted {}
export interface KLDivLossOptions extends KlDivOptions, Weighted {}

declare module '@engine/core' {
  interface ModelTypes {
    CrossEntropyLoss: CrossEntropyLossOptions;
    MSELoss: RegressionLossModuleOptions;
    L1Loss: RegressionLossModuleOptions;
    SmoothL1Loss: SmoothL1LossModuleOptions;
    HuberLoss: HuberLossModuleOptions;
    BCELoss: BCELossOptions;
    BCEWithLogitsLoss: BCEWithLogitsLossOptions;
    NLLLoss: NLLLossOptions;
    KLDivLoss: KLDivLossOptions;
  }
}

/** A module that compares predictions with targets. */
export interface LossModule extends Module {
  forward(prediction: Tensor, target: Tensor): Tensor;
}

abstract class WeightedLoss<O extends Weighted> extends Module implements LossModule {
  protected readonly options: Omit<O, 'lossWeight'>;
  private readonly lossWeight: number;

  constructor(name: string, options: O, known: readonly string[]) {
    checkKeys(name, options, [...known, 'lossWeight']);
    super();
    const { lossWeight = 1, ...rest } = options;
    this.lossWeight = lossWeight;
    this.options = rest;
  }

  protected abstract compute(prediction: Tensor, target: Tensor): Tensor;

  forward(prediction: Tensor, target: Tensor): Tensor {
    if (this.lossWeight === 1) return this.compute(prediction, target);
    return tf.tidy(() => tf.mul(this.compute(prediction, target), this.lossWeight));
  }
}

/** {@link crossEntropy} as a module: logits [..., K], int32 labels [...]. */
@register(MODELS)
export class CrossEntropyLoss extends WeightedLoss<CrossEntropyLossOptions> {
  constructor(options: CrossEntropyLossOptions = {}) {
    super('CrossEntropyLoss', options, ['reduction', 'labelSmoothing', 'ignoreIndex', 'weight']);
  }

  /** The label that counts nothing. */
  get ignoreIndex(): number {
    return this.options.ignoreIndex ?? -100;
  }

  protected compute(logits: Tensor, labels: Tensor): Tensor {
    return crossEntropy(logits, labels, this.options);
  }
}

/** {@link mseLoss} as a module. */
@register(MODELS)
export class MSELoss extends WeightedLoss<RegressionLossModuleOptions> {
  constructor(options: RegressionLossModuleOptions = {}) {
    super('MSELoss', options, ['weight', 'reduction']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return mseLoss(prediction, target, this.options);
  }
}

/** {@link l1Loss} as a module. */
@register(MODELS)
export class L1Loss extends WeightedLoss<RegressionLossModuleOptions> {
  constructor(options: RegressionLossModuleOptions = {}) {
    super('L1Loss', options, ['weight', 'reduction']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return l1Loss(prediction, target, this.options);
  }
}

/** {@link smoothL1Loss} as a module. */
@register(MODELS)
export class SmoothL1Loss extends WeightedLoss<SmoothL1LossModuleOptions> {
  constructor(options: SmoothL1LossModuleOptions = {}) {
    super('SmoothL1Loss', options, ['reduction', 'beta']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(prediction, target, this.options);
  }
}

/** {@link huberLoss} as a module. */
@register(MODELS)
export class HuberLoss extends WeightedLoss<HuberLossModuleOptions> {
  constructor(options: HuberLossModuleOptions = {}) {
    super('HuberLoss', options, ['weight', 'reduction', 'delta']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return huberLoss(prediction, target, this.options);
  }
}

/** {@link binaryCrossEntropy} as a module. */
@register(MODELS)
export class BCELoss extends WeightedLoss<BCELossOptions> {
  constructor(options: BCELossOptions = {}) {
    super('BCELoss', options, ['weight', 'reduction']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(prediction, target, this.options);
  }
}

/** {@link binaryCrossEntropyWithLogits} as a module. */
@register(MODELS)
export class BCEWithLogitsLoss extends WeightedLoss<BCEWithLogitsLossOptions> {
  constructor(options: BCEWithLogitsLossOptions = {}) {
    super('BCEWithLogitsLoss', options, ['weight', 'posWeight', 'reduction']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropyWithLogits(prediction, target, this.options);
  }
}

/** {@link nllLoss} as a module. */
@register(MODELS)
export class NLLLoss extends WeightedLoss<NLLLossOptions> {
  constructor(options: NLLLossOptions = {}) {
    super('NLLLoss', options, ['weight', 'reduction', 'ignoreIndex']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return nllLoss(prediction, target, this.options);
  }
}

/** {@link klDiv} as a module. */
@register(MODELS)
export class KLDivLoss extends WeightedLoss<KLDivLossOptions> {
  constructor(options: KLDivLossOptions = {}) {
    super('KLDivLoss', options, ['reduction', 'logTarget']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return klDiv(prediction, target, this.options);
  }
}
