import { MODELS, badValue, checkKeys, register } from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';

export interface FlattenOptions extends ModuleOptions {
  /**
   * Order in which the features of an image come out: 'CHW' as in PyTorch, so that the weights of a Linear behind it
   * mean the same in both worlds, or 'HWC', the order in memory, which costs nothing. 'CHW' unless said.
   */
  order?: 'CHW' | 'HWC';
}

declare module '@engine/core' {
  interface ModelTypes {
    Flatten: FlattenOptions;
  }
}

/** All axes but the first made one: [N, H, W, C] → [N, C·H·W]. */
@register(MODELS)
export class Flatten extends Module {
  private readonly order: 'CHW' | 'HWC';

  constructor(options: FlattenOptions = {}) {
    checkKeys('Flatten', options, ['order', 'initCfg']);
    super(options);
    this.order = options.order ?? 'CHW';
    if (this.order !== 'CHW' && this.order !== 'HWC')
      throw badValue('Flatten.order', options.order, "'CHW' or 'HWC'");
  }

  forward(x: Tensor): Tensor {
    const flat = (y: Tensor): Tensor => tf.reshape(y, [x.shape[0]!, x.size / x.shape[0]!]);
    const [, h, w] = x.shape;
    if (x.rank !== 4 || this.order === 'HWC' || h! * w! === 1) return flat(x);
    return tf.tidy(() => flat(tf.transpose(x, [0, 3, 1, 2])));
  }
}
