import { MODELS, badValue, checkKeys, register } from '@engine/core';
import {
  batchNormEval,
  groupNorm,
  noGrad,
  tf,
  type GroupNormResult,
  type ModuleKind,
  type Tensor,
  type Variable,
} from '@engine/tensor';

import { isRecomputing } from '../activation-checkpointing.js';
import { Module, type ModuleOptions, type StreamOf } from '../module.js';
import { assign } from '../state-dict.js';
import { positive } from './pair.js';

export interface InstanceNormOptions extends ModuleOptions {
  numFeatures: number;
  /** Added to the variance; 1e-5 unless said. */
  eps?: number;
  /** Weight of the batch in the running statistics; 0.1 unless said. */
  momentum?: number;
  /** Whether there are a learned scale and shift; false unless said. */
  affine?: boolean;
  /** Whether running statistics are kept, and used in evaluation; false unless said. */
  trackRunningStats?: boolean;
}

declare module '@engine/core' {
  interface ModelTypes {
    InstanceNorm1d: InstanceNormOptions;
    InstanceNorm2d: InstanceNormOptions;
  }
}

/**
 * Instance normalisation: each channel of each sample by its own statistics (D. Ulyanov et al. 2016,
 * arXiv:1607.08022). Running statistics are means over the batch, the variance unbiased, as in PyTorch.
 */
abstract class InstanceNorm extends Module {
  readonly weight: Variable | undefined;
  readonly bias: Variable | undefined;
  readonly runningMean: Variable | undefined;
  readonly runningVar: Variable | undefined;
  readonly numBatchesTracked: Variable | undefined;
  readonly eps: number;
  readonly momentum: number;
  private readonly features: number;

  constructor(
    private readonly name: string,
    private readonly axes: string,
    options: InstanceNormOptions,
  ) {
    checkKeys(name, options, ['numFeatures', 'eps', 'momentum', 'affine', 'trackRunningStats', 'initCfg']);
    super(options);
    const { eps = 1e-5, momentum = 0.1, affine = false, trackRunningStats = false } = options;
    if (!(eps >= 0)) throw badValue(`${name}.eps`, eps, 'a number of at least 0');
    if (!(momentum >= 0 && momentum <= 1))
      throw badValue(`${name}.momentum`, momentum, 'a number from 0 to 1');
    this.features = positive(`${name}.numFeatures`, options.numFeatures);
    this.eps = eps;
    this.momentum = momentum;
    const shape = [this.features];
    if (affine) {
      this.weight = this.parameter(tf.ones(shape));
      this.bias = this.parameter(tf.zeros(shape));
    }
    if (trackRunningStats) {
      this.runningMean = this.buffer(tf.zeros(shape), { name: 'running_mean' });
      this.runningVar = this.buffer(tf.ones(shape), { name: 'running_var' });
      // PyTorch has it in the state dict and never counts with it.
      this.numBatchesTracked = this.buffer(tf.scalar(0, 'int32'), { name: 'num_batches_tracked' });
    }
  }

  override get kind(): ModuleKind {
    return 'norm';
  }

  override resetParameters(_stream: StreamOf): void {
    if (this.weight) assign(this.weight, tf.ones(this.weight.shape));
    if (this.bias) assign(this.bias, tf.zeros(this.bias.shape));
  }

  /** @throws E_CONFIG_VALUE when x has another rank, other channels, or one position only while training */
  forward(x: Tensor): Tensor {
    const { features, name } = this;
    if (x.rank !== this.axes.split(',').length + 1 || x.shape[x.rank - 1] !== features) {
      throw badValue(`${name}.forward.x.shape`, x.shape, `[${this.axes}, ${features}]`);
    }
    return tf.tidy(() => {
      const weight = this.weight ?? tf.ones([features]);
      const bias = this.bias ?? tf.zeros([features]);
      if (!this.training && this.runningMean) {
        const statistics = { mean: this.runningMean, variance: this.runningVar! };
        return batchNormEval(x, weight, bias, statistics, { epsilon: this.eps });
      }
      const count = x.size / (x.shape[0]! * features);
      if (this.training && count === 1)
        throw badValue(`${name}.forward.x.shape`, x.shape, 'more than one position in training');
      const result = groupNorm(x, weight, bias, features, { epsilon: this.eps });
      if (this.training && this.runningMean && !isRecomputing())
        noGrad(() => this.updateStatistics(result, count));
      return result.y;
    });
  }

  private updateStatistics({ mean, variance }: GroupNormResult, count: number): void {
    const move = (statistic: Variable, batch: Tensor, factor: number): void => {
      const moved = tf.add(tf.mul(statistic, 1 - this.momentum), tf.mul(tf.mean(batch, 0), factor));
      statistic.assign(moved);
    };
    move(this.runningMean!, mean, this.momentum);
    move(this.runningVar!, variance, (this.momentum * count) / (count - 1));
  }
}

/** Instance normalisation of images, x [N, H, W, numFeatures]. */
@register(MODELS)
export class InstanceNorm2d extends InstanceNorm {
  constructor(options: InstanceNormOptions) {
    super('InstanceNorm2d', 'N, H, W', options);
  }
}

/** Instance normalisation of sequences, x [N, L, numFeatures]. */
@register(MODELS)
export class InstanceNorm1d extends InstanceNorm {
  constructor(options: InstanceNormOptions) {
    super('InstanceNorm1d', 'N, L', options);
  }
}
