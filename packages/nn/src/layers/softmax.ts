import { MODELS, badValue, checkKeys, register } from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';

export interface SoftmaxOptions extends ModuleOptions {
  /** Axis over which the results sum to 1, in the order of the axes in memory; -1, the last one, unless said. */
  dim?: number;
}

declare module '@engine/core' {
  interface ModelTypes {
    Softmax: SoftmaxOptions;
    LogSoftmax: SoftmaxOptions;
  }
}

/** Runs `fn`, which works on the last axis, on axis `dim`. */
function along(name: string, x: Tensor, dim: number, fn: (x: Tensor) => Tensor): Tensor {
  const axis = dim < 0 ? dim + x.rank : dim;
  if (axis < 0 || axis >= x.rank) throw badValue(`${name}.dim`, dim, `an axis of [${x.shape.join(', ')}]`);
  if (axis === x.rank - 1) return fn(x);
  const order = x.shape.map((_, i) => i);
  // Exchanging two axes undoes itself.
  [order[axis], order[x.rank - 1]] = [x.rank - 1, axis];
  return tf.tidy(() => tf.transpose(fn(tf.transpose(x, order)), order));
}

abstract class SoftmaxBase extends Module {
  protected readonly dim: number;

  constructor(
    private readonly name: string,
    options: SoftmaxOptions,
  ) {
    checkKeys(name, options, ['dim', 'initCfg']);
    super(options);
    this.dim = options.dim ?? -1;
    if (!Number.isInteger(this.dim)) throw badValue(`${name}.dim`, options.dim, 'an integer');
  }

  protected abstract compute(x: Tensor): Tensor;

  forward(x: Tensor): Tensor {
    return along(this.name, x, this.dim, (y) => this.compute(y));
  }
}

/** exp(x) / Σ exp(x) along an axis. */
@register(MODELS)
export class Softmax extends SoftmaxBase {
  constructor(options: SoftmaxOptions = {}) {
    super('Softmax', options);
  }
  protected compute(x: Tensor): Tensor {
    return tf.softmax(x);
  }
}

/** x - log Σ exp(x) along an axis. */
@register(MODELS)
export class LogSoftmax extends SoftmaxBase {
  constructor(options: SoftmaxOptions = {}) {
    super('LogSoftmax', options);
  }
  protected compute(x: Tensor): Tensor {
    return tf.logSoftmax(x);
  }
}
