import { MODELS, checkKeys, register } from '@engine/core';
import type { Tensor } from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';

/** Returns a tensor with the values of its input. */
@register(MODELS)
export class Identity extends Module {
  constructor(options: ModuleOptions = {}) {
    checkKeys('Identity', options, ['initCfg']);
    super(options);
  }

  /** A new handle, so that disposing the result leaves the input alone. */
  forward(x: Tensor): Tensor {
    return x.clone();
  }
}
