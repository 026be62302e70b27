import { MODELS, checkKeys, register } from '@engine/core';
import { relu, type Tensor } from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';

declare module '@engine/core' {
  interface ModelTypes {
    ReLU: ModuleOptions;
    Identity: ModuleOptions;
  }
}

/** max(x, 0), any shape. */
@register(MODELS)
export class ReLU extends Module {
  constructor(options: ModuleOptions = {}) {
    checkKeys('ReLU', options, ['initCfg']);
    super(options);
  }

  forward(x: Tensor): Tensor {
    return relu(x);
  }
}
