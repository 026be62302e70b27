import { MODELS, badValue, checkKeys, register } from '@engine/core';
import {
  batchNormEval,
  batchNormTrain,
  noGrad,
  relu,
  tf,
  type BatchNormResult,
  type ModuleKind,
  type Tensor,
  type Variable,
} from '@engine/tensor';

import { isRecomputing } from '../activation-checkpointing.js';
import { Module, type ModuleOptions, type StreamOf } from '../module.js';
import { assign } from '../state-dict.js';
import { positive } from './pair.js';

export interface BatchNormOptions extends ModuleOptions {
  numFeatures: number;
  /** Added to the variance; 1e-5 unless said. */
  eps?: number;
  /** Weight of the batch in the running statistics, null for the mean over all batches; 0.1 unless said. */
  momentum?: number | null;
  /** Whether there are a learned scale and shift; true unless said. */
  affine?: boolean;
  /** Whether running statistics are kept (and used in evaluation); true unless said. */
  trackRunningStats?: boolean;
}

declare module '@engine/core' {
  interface ModelTypes {
    BatchNorm1d: BatchNormOptions;
    BatchNorm2d: BatchNormOptions;
  }
}

/**
 * Batch normalisation over the last axis (S. Ioffe, C. Szegedy 2015, arXiv:1502.03167). The running variance is the
 * unbiased one, as in PyTorch.
 */
abstract class BatchNorm extends Module {
  readonly weight: Variable | undefined;
  readonly bias: Variable | undefined;
  readonly runningMean: Variable | undefined;
  readonly runningVar: Variable | undefined;
  readonly numBatchesTracked: Variable | undefined;
  readonly eps: number;
  readonly momentum: number | null;
  private readonly features: number;
  /** Constants in the place of weight and bias without `affine`. */
  private readonly ones: Float32Array | undefined;
  /** Batches seen since `numBatchesTracked` was last written. */
  private pendingBatches = 0;

  constructor(name: string, options: BatchNormOptions) {
    checkKeys(name, options, ['numFeatures', 'eps', 'momentum', 'affine', 'trackRunningStats', 'initCfg']);
    super(options);
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    if (!(eps >= 0)) throw badValue(`${name}.eps`, eps, 'a number of at least 0');
    if (momentum !== null && !(momentum >= 0 && momentum <= 1)) {
      throw badValue(`${name}.momentum`, momentum, 'a number from 0 to 1, or null');
    }
    this.features = positive(`${name}.numFeatures`, options.numFeatures);
    this.eps = eps;
    this.momentum = momentum;
    const shape = [this.features];
    if (affine) {
      this.weight = this.parameter(tf.ones(shape));
      this.bias = this.parameter(tf.zeros(shape));
    } else this.ones = new Float32Array(this.features).fill(1);
    if (trackRunningStats) {
      this.runningMean = this.buffer(tf.zeros(shape), { name: 'running_mean' });
      this.runningVar = this.buffer(tf.ones(shape), { name: 'running_var' });
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

  protected override syncBuffers(): void {
    if (!this.numBatchesTracked || this.pendingBatches === 0) return;
    const count = this.numBatchesTracked.dataSync()[0]! + this.pendingBatches;
    this.pendingBatches = 0;
    assign(this.numBatchesTracked, tf.scalar(count, 'int32'));
  }

  protected abstract checkInput(x: Tensor): void;

  forward(x: Tensor): Tensor {
    return this.normalize(x, false);
  }

  /** relu(forward(x)), in one pass over the data while training. */
  forwardRelu(x: Tensor): Tensor {
    return this.normalize(x, true);
  }

  private normalize(x: Tensor, withRelu: boolean): Tensor {
    this.checkInput(x);
    if (x.shape[x.rank - 1] !== this.features) {
      throw badValue(`${this.constructor.name}.forward.x.shape`, x.shape, `[..., ${this.features}]`);
    }
    return tf.tidy(() => {
      const weight = this.weight ?? tf.tensor1d(this.ones!);
      const bias = this.bias ?? tf.zerosLike(weight);
      if (!this.training && this.runningMean) {
        const statistics = { mean: this.runningMean, variance: this.runningVar! };
        const y = batchNormEval(x, weight, bias, statistics, { epsilon: this.eps });
        return withRelu ? relu(y) : y;
      }
      if (this.training && x.size === this.features) {
        throw badValue(
          `${this.constructor.name}.forward.x.shape`,
          x.shape,
          'more than one value for each channel in training',
        );
      }
      const result = batchNormTrain(x, weight, bias, { epsilon: this.eps, relu: withRelu });
      if (this.training && this.runningMean && !isRecomputing())
        noGrad(() => this.updateStatistics(result, x.size / this.features));
      return result.y;
    });
  }

  private updateStatistics({ mean, variance }: BatchNormResult, count: number): void {
    this.pendingBatches++;
    let share = this.momentum;
    if (share === null) {
      this.syncBuffers();
      share = 1 / this.numBatchesTracked!.dataSync()[0]!;
    }
    const unbias = count > 1 ? count / (count - 1) : 1;
    this.runningMean!.assign(tf.add(tf.mul(this.runningMean!, 1 - share), tf.mul(mean, share)));
    this.runningVar!.assign(tf.add(tf.mul(this.runningVar!, 1 - share), tf.mul(variance, share * unbias)));
  }
}

/** Batch normalisation of images, x [N, H, W, numFeatures]. */
@register(MODELS)
export class BatchNorm2d extends BatchNorm {
  constructor(options: BatchNormOptions) {
    super('BatchNorm2d', options);
  }

  protected checkInput(x: Tensor): void {
    if (x.rank !== 4) throw badValue('BatchNorm2d.forward.x.shape', x.shape, '[N, H, W, C]');
  }
}

/** Batch normalisation of vectors [N, numFeatures], or of sequences [N, L, numFeatures]. */
@register(MODELS)
export class BatchNorm1d extends BatchNorm {
  constructor(options: BatchNormOptions) {
    super('BatchNorm1d', options);
  }

  protected checkInput(x: Tensor): void {
    if (x.rank !== 2 && x.rank !== 3)
      throw badValue('BatchNorm1d.forward.x.shape', x.shape, '[N, C] or [N, L, C]');
  }
}
