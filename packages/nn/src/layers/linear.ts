import { MODELS, RandomStream, badValue, checkKeys, register } from '@engine/core';
import { linear, tf, type ModuleKind, type Tensor, type Variable } from '@engine/tensor';

import { Module, type ModuleOptions, type StreamOf } from '../module.js';
import { resetBias, resetWeight } from './default-init.js';
import { positive } from './pair.js';

export interface LinearOptions extends ModuleOptions {
  inFeatures: number;
  outFeatures: number;
  /** Whether a bias is added; true unless said. */
  bias?: boolean;
}

declare module '@engine/core' {
  interface ModelTypes {
    Linear: LinearOptions;
  }
}

/** x · weight + bias over the last axis: [..., inFeatures] → [..., outFeatures]. `weight` is [inFeatures, outFeatures]. */
@register(MODELS)
export class Linear extends Module {
  readonly weight: Variable;
  readonly bias: Variable | undefined;

  constructor(options: LinearOptions) {
    checkKeys('Linear', options, ['inFeatures', 'outFeatures', 'bias', 'initCfg']);
    super(options);
    const inFeatures = positive('Linear.inFeatures', options.inFeatures);
    const outFeatures = positive('Linear.outFeatures', options.outFeatures);
    this.weight = this.parameter(tf.zeros([inFeatures, outFeatures]), { layout: 'IO' });
    this.bias = (options.bias ?? true) ? this.parameter(tf.zeros([outFeatures])) : undefined;
    this.resetParameters((leaf) => RandomStream.of(0, 'init', leaf));
  }

  override get kind(): ModuleKind {
    return 'linear';
  }

  override resetParameters(stream: StreamOf): void {
    resetWeight(this.weight, stream('weight'));
    if (this.bias) resetBias(this.bias, this.weight, stream('bias'));
  }

  /** @throws E_CONFIG_VALUE when the last axis of x is not `inFeatures` long */
  forward(x: Tensor): Tensor {
    const inFeatures = this.weight.shape[0]!;
    if (x.shape[x.rank - 1] !== inFeatures) {
      throw badValue('Linear.forward.x.shape', x.shape, `[..., ${inFeatures}]`);
    }
    return linear(x, this.weight, this.bias);
  }
}
