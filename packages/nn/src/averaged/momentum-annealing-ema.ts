import { badValue, checkKeys, MODELS, register } from '@engine/core';

import type { Module } from '../module.js';
import { AVERAGED_MODEL_OPTIONS, BaseAveragedModel } from './base-averaged-model.js';
import { checkMomentum, type ExponentialMovingAverageOptions } from './exponential-moving-average.js';

export interface MomentumAnnealingEMAOptions extends ExponentialMovingAverageOptions {
  /** How slowly the weight of new values falls at first; 100. */
  gamma?: number;
}

/** A moving average whose momentum falls to its value: max(momentum, gamma / (gamma + steps)), as in YOLOX's recipe. */
@register(MODELS)
export class MomentumAnnealingEMA extends BaseAveragedModel {
  readonly momentum: number;
  readonly gamma: number;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(model: Module, options: MomentumAnnealingEMAOptions = {}) {
    checkKeys('MomentumAnnealingEMA', options, [...AVERAGED_MODEL_OPTIONS, 'momentum', 'gamma']);
    super(model, options);
    this.momentum = checkMomentum('MomentumAnnealingEMA', options.momentum ?? 0.0002);
    this.gamma = options.gamma ?? 100;
    if (typeof this.gamma !== 'number' || !(this.gamma > 0)) {
      throw badValue('MomentumAnnealingEMA.gamma', options.gamma, 'a number above 0');
    }
  }

  protected share(steps: number): number {
    return Math.max(this.momentum, this.gamma / (this.gamma + steps));
  }
}

declare module '@engine/core' {
  interface ModelTypes {
    MomentumAnnealingEMA: MomentumAnnealingEMAOptions;
  }
}
