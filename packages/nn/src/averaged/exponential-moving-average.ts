import { badValue, checkKeys, MODELS, register } from '@engine/core';

import type { Module } from '../module.js';
import {
  AVERAGED_MODEL_OPTIONS,
  BaseAveragedModel,
  type AveragedModelOptions,
} from './base-averaged-model.js';

export interface ExponentialMovingAverageOptions extends AveragedModelOptions {
  /** Weight of the NEW value, between 0 and 1 (the opposite of a decay); 0.0002. */
  momentum?: number;
}

/** The momentum, after a check of it. */
export function checkMomentum(owner: string, momentum: number): number {
  if (typeof momentum !== 'number' || !(momentum > 0 && momentum < 1)) {
    throw badValue(
      `${owner}.momentum`,
      momentum,
      'a number between 0 and 1: the weight of the new value, such as 0.0002',
    );
  }
  if (momentum > 0.5) {
    process.emitWarning(
      `${owner}.momentum is ${momentum}, the weight of the NEW value. A decay of d is a momentum of 1 - d.`,
      'EngineWarning',
    );
  }
  return momentum;
}

/** average = (1 − momentum) · average + momentum · new (B. Polyak, A. Juditsky 1992; as a moving average). */
@register(MODELS)
export class ExponentialMovingAverage extends BaseAveragedModel {
  readonly momentum: number;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(model: Module, options: ExponentialMovingAverageOptions = {}) {
    checkKeys('ExponentialMovingAverage', options, [...AVERAGED_MODEL_OPTIONS, 'momentum']);
    super(model, options);
    this.momentum = checkMomentum('ExponentialMovingAverage', options.momentum ?? 0.0002);
  }

  protected share(): number {
    return this.momentum;
  }
}

declare module '@engine/core' {
  interface ModelTypes {
    ExponentialMovingAverage: ExponentialMovingAverageOptions;
  }
}
