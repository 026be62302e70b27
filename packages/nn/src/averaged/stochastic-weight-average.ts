import { checkKeys, MODELS, register } from '@engine/core';

import type { Module } from '../module.js';
import {
  AVERAGED_MODEL_OPTIONS,
  BaseAveragedModel,
  type AveragedModelOptions,
} from './base-averaged-model.js';

export type StochasticWeightAverageOptions = AveragedModelOptions;

/** The mean of all weights averaged so far (P. Izmailov et al. 2018, arXiv:1803.05407). */
@register(MODELS)
export class StochasticWeightAverage extends BaseAveragedModel {
  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(model: Module, options: StochasticWeightAverageOptions = {}) {
    checkKeys('StochasticWeightAverage', options, AVERAGED_MODEL_OPTIONS);
    super(model, options);
  }

  protected share(steps: number): number {
    return 1 / (Math.floor(steps / this.interval) + 1);
  }
}

declare module '@engine/core' {
  interface ModelTypes {
    StochasticWeightAverage: StochasticWeightAverageOptions;
  }
}
