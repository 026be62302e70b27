import { MODELS, badValue, checkKeys, register, sizeOf } from '@engine/core';
import { layerNorm, tf, type ModuleKind, type Tensor, type Variable } from '@engine/tensor';

import { Module, type ModuleOptions, type StreamOf } from '../module.js';
import { assign } from '../state-dict.js';
import { positive } from './pair.js';

export interface LayerNormOptions extends ModuleOptions {
  /** Length of the last axis, or lengths of the last axes, over which to normalise. */
  normalizedShape: number | readonly number[];
  /** Added to the variance; 1e-5 unless said. */
  eps?: number;
  /** Whether there are a learned scale and shift of every element; true unless said. */
  elementwiseAffine?: boolean;
  /** Whether there is a learned shift beside the scale; true unless said. */
  bias?: boolean;
}

declare module '@engine/core' {
  interface ModelTypes {
    LayerNorm: LayerNormOptions;
  }
}

/**
 * Layer normalisation over the last axes (J. L. Ba et al. 2016, arXiv:1607.06450), any number of axes before them.
 * `weight` and `bias` have the normalised shape, in the order of the axes in memory.
 */
@register(MODELS)
export class LayerNorm extends Module {
  readonly weight: Variable | undefined;
  readonly bias: Variable | undefined;
  readonly eps: number;
  private readonly shape: readonly number[];

  constructor(options: LayerNormOptions) {
    checkKeys('LayerNorm', options, ['normalizedShape', 'eps', 'elementwiseAffine', 'bias', 'initCfg']);
    super(options);
    const { normalizedShape, eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    this.shape = Array.isArray(normalizedShape) ? [...normalizedShape] : [normalizedShape as number];
    if (this.shape.length === 0)
      throw badValue('LayerNorm.normalizedShape', normalizedShape, 'at least one length');
    for (const length of this.shape) positive('LayerNorm.normalizedShape', length);
    if (!(eps >= 0)) throw badValue('LayerNorm.eps', eps, 'a number of at least 0');
    this.eps = eps;
    if (elementwiseAffine) {
      this.weight = this.parameter(tf.ones([...this.shape]));
      if (bias) this.bias = this.parameter(tf.zeros([...this.shape]));
    }
  }

  override get kind(): ModuleKind {
    return 'norm';
  }

  override resetParameters(_stream: StreamOf): void {
    if (this.weight) assign(this.weight, tf.ones(this.weight.shape));
    if (this.bias) assign(this.bias, tf.zeros(this.bias.shape));
  }

  /** @throws E_CONFIG_VALUE when x does not end in the normalised shape */
  forward(x: Tensor): Tensor {
    const lead = x.rank - this.shape.length;
    if (lead < 0 || !tf.util.arraysEqual(x.shape.slice(lead), [...this.shape])) {
      throw badValue('LayerNorm.forward.x.shape', x.shape, `[..., ${this.shape.join(', ')}]`);
    }
    return tf.tidy(() => {
      const size = sizeOf(this.shape);
      const flat = (variable: Variable | undefined, value: number): Tensor =>
        variable ? tf.reshape(variable, [size]) : tf.fill([size], value);
      const rows = this.shape.length === 1 ? x : tf.reshape(x, [...x.shape.slice(0, lead), size]);
      const y = layerNorm(rows, flat(this.weight, 1), flat(this.bias, 0), { epsilon: this.eps });
      return y.rank === x.rank ? y : tf.reshape(y, x.shape);
    });
  }
}
