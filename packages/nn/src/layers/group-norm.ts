import { MODELS, badValue, checkKeys, register } from '@engine/core';
import { groupNorm, tf, type ModuleKind, type Tensor, type Variable } from '@engine/tensor';

import { Module, type ModuleOptions, type StreamOf } from '../module.js';
import { assign } from '../state-dict.js';
import { positive } from './pair.js';

export interface GroupNormOptions extends ModuleOptions {
  /** Must divide `numChannels`. */
  numGroups: number;
  numChannels: number;
  /** Added to the variance; 1e-5 unless said. */
  eps?: number;
  /** Whether there are a learned scale and shift of every channel; true unless said. */
  affine?: boolean;
}

declare module '@engine/core' {
  interface ModelTypes {
    GroupNorm: GroupNormOptions;
  }
}

/**
 * Group normalisation (Y. Wu, K. He 2018, arXiv:1803.08494): x [N, ..., numChannels] with the statistics of each sample
 * and group of neighbouring channels over all positions.
 */
@register(MODELS)
export class GroupNorm extends Module {
  readonly weight: Variable | undefined;
  readonly bias: Variable | undefined;
  readonly eps: number;
  readonly numGroups: number;
  private readonly channels: number;

  constructor(options: GroupNormOptions) {
    checkKeys('GroupNorm', options, ['numGroups', 'numChannels', 'eps', 'affine', 'initCfg']);
    super(options);
    const { eps = 1e-5, affine = true } = options;
    this.channels = positive('GroupNorm.numChannels', options.numChannels);
    this.numGroups = positive('GroupNorm.numGroups', options.numGroups);
    if (this.channels % this.numGroups !== 0) {
      throw badValue('GroupNorm.numGroups', this.numGroups, `a divisor of numChannels ${this.channels}`);
    }
    if (!(eps >= 0)) throw badValue('GroupNorm.eps', eps, 'a number of at least 0');
    this.eps = eps;
    if (affine) {
      this.weight = this.parameter(tf.ones([this.channels]));
      this.bias = this.parameter(tf.zeros([this.channels]));
    }
  }

  override get kind(): ModuleKind {
    return 'norm';
  }

  override resetParameters(_stream: StreamOf): void {
    if (this.weight) assign(this.weight, tf.ones(this.weight.shape));
    if (this.bias) assign(this.bias, tf.zeros(this.bias.shape));
  }

  /** @throws E_CONFIG_VALUE when the last axis of x is not `numChannels` long */
  forward(x: Tensor): Tensor {
    if (x.rank < 2 || x.shape[x.rank - 1] !== this.channels) {
      throw badValue('GroupNorm.forward.x.shape', x.shape, `[N, ..., ${this.channels}]`);
    }
    return tf.tidy(() => {
      const weight = this.weight ?? tf.ones([this.channels]);
      const bias = this.bias ?? tf.zeros([this.channels]);
      return groupNorm(x, weight, bias, this.numGroups, { epsilon: this.eps }).y;
    });
  }
}
