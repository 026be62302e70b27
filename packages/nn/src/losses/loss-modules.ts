import { MODELS, checkKeys, register } from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';

import { Module } from '../module.js';
import { crossEntropy, type CrossEntropyOptions } from './cross-entropy.js';
import { l1Loss, mseLoss, type RegressionLossOptions } from './regression.js';

/** The result is multiplied by `lossWeight`; 1 unless said. */
interface Weighted {
  lossWeight?: number;
}

export interface CrossEntropyLossOptions extends CrossEntropyOptions, Weighted {}
export interface RegressionLossModuleOptions extends RegressionLossOptions, Weighted {}

declare module '@engine/core' {
  interface ModelTypes {
    CrossEntropyLoss: CrossEntropyLossOptions;
    MSELoss: RegressionLossModuleOptions;
    L1Loss: RegressionLossModuleOptions;
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
    super('MSELoss', options, ['reduction']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return mseLoss(prediction, target, this.options);
  }
}

/** {@link l1Loss} as a module. */
@register(MODELS)
export class L1Loss extends WeightedLoss<RegressionLossModuleOptions> {
  constructor(options: RegressionLossModuleOptions = {}) {
    super('L1Loss', options, ['reduction']);
  }

  protected compute(prediction: Tensor, target: Tensor): Tensor {
    return l1Loss(prediction, target, this.options);
  }
}
