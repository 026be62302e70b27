import { MODELS, badValue, checkKeys, register } from '@engine/core';
import {
  elu,
  gelu,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  logSigmoid,
  mish,
  selu,
  silu,
  softplus,
  tf,
  type Tensor,
} from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';

export interface GELUOptions extends ModuleOptions {
  /** 'tanh' for the approximation by tanh; 'none' unless said. */
  approximate?: 'none' | 'tanh';
}
export interface LeakyReLUOptions extends ModuleOptions {
  /** Slope below 0; 0.01 unless said. */
  negativeSlope?: number;
}
export interface ELUOptions extends ModuleOptions {
  /** Minus the limit at -∞; 1 unless said. */
  alpha?: number;
}
export interface SoftplusOptions extends ModuleOptions {
  /** 1 unless said. */
  beta?: number;
  /** Where beta·x exceeds it the result is x itself; 20 unless said. */
  threshold?: number;
}
export interface HardtanhOptions extends ModuleOptions {
  /** -1 unless said. */
  minVal?: number;
  /** 1 unless said. */
  maxVal?: number;
}

declare module '@engine/core' {
  interface ModelTypes {
    GELU: GELUOptions;
    SiLU: ModuleOptions;
    Mish: ModuleOptions;
    Hardswish: ModuleOptions;
    Hardsigmoid: ModuleOptions;
    Hardtanh: HardtanhOptions;
    ReLU6: ModuleOptions;
    LeakyReLU: LeakyReLUOptions;
    ELU: ELUOptions;
    SELU: ModuleOptions;
    Softplus: SoftplusOptions;
    Sigmoid: ModuleOptions;
    LogSigmoid: ModuleOptions;
    Tanh: ModuleOptions;
  }
}

/** A layer that maps every element by itself, any shape. */
abstract class Activation extends Module {
  constructor(name: string, options: ModuleOptions, known: readonly string[] = []) {
    checkKeys(name, options, [...known, 'initCfg']);
    super(options);
  }

  abstract override forward(x: Tensor): Tensor;
}

function finite(name: string, value: number): number {
  if (!Number.isFinite(value)) throw badValue(name, value, 'a finite number');
  return value;
}

/** x · Φ(x): D. Hendrycks, K. Gimpel 2016 (arXiv:1606.08415). */
@register(MODELS)
export class GELU extends Activation {
  private readonly approximate: 'none' | 'tanh';
  constructor(options: GELUOptions = {}) {
    super('GELU', options, ['approximate']);
    this.approximate = options.approximate ?? 'none';
    if (this.approximate !== 'none' && this.approximate !== 'tanh')
      throw badValue('GELU.approximate', options.approximate, "'none' or 'tanh'");
  }
  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }
}

/** x · sigmoid(x). */
@register(MODELS)
export class SiLU extends Activation {
  constructor(options: ModuleOptions = {}) {
    super('SiLU', options);
  }
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** x · tanh(softplus(x)): D. Misra 2019 (arXiv:1908.08681). */
@register(MODELS)
export class Mish extends Activation {
  constructor(options: ModuleOptions = {}) {
    super('Mish', options);
  }
  forward(x: Tensor): Tensor {
    return mish(x);
  }
}

/** x · clip(x / 6 + 1/2, 0, 1): A. Howard et al. 2019 (arXiv:1905.02244). */
@register(MODELS)
export class Hardswish extends Activation {
  constructor(options: ModuleOptions = {}) {
    super('Hardswish', options);
  }
  forward(x: Tensor): Tensor {
    return hardswish(x);
  }
}

/** clip(x / 6 + 1/2, 0, 1). */
@register(MODELS)
export class Hardsigmoid extends Activation {
  constructor(options: ModuleOptions = {}) {
    super('Hardsigmoid', options);
  }
  forward(x: Tensor): Tensor {
    return hardsigmoid(x);
  }
}

/** x cut to [minVal, maxVal]. */
@register(MODELS)
export class Hardtanh extends Activation {
  private readonly range: readonly [number, number];
  constructor(options: HardtanhOptions = {}) {
    super('Hardtanh', options, ['minVal', 'maxVal']);
    const { minVal = -1, maxVal = 1 } = options;
    if (!(minVal < maxVal)) throw badValue('Hardtanh.minVal', minVal, `a number below maxVal, ${maxVal}`);
    this.range = [minVal, maxVal];
  }
  forward(x: Tensor): Tensor {
    return hardtanh(x, ...this.range);
  }
}

/** x cut to [0, 6]. */
@register(MODELS)
export class ReLU6 extends Activation {
  constructor(options: ModuleOptions = {}) {
    super('ReLU6', options);
  }
  forward(x: Tensor): Tensor {
    return hardtanh(x, 0, 6);
  }
}

/** x where positive, else negativeSlope · x. */
@register(MODELS)
export class LeakyReLU extends Activation {
  private readonly negativeSlope: number;
  constructor(options: LeakyReLUOptions = {}) {
    super('LeakyReLU', options, ['negativeSlope']);
    this.negativeSlope = finite('LeakyReLU.negativeSlope', options.negativeSlope ?? 0.01);
  }
  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope);
  }
}

/** x where positive, else alpha · (exp(x) - 1): D.-A. Clevert et al. 2015 (arXiv:1511.07289). */
@register(MODELS)
export class ELU extends Activation {
  private readonly alpha: number;
  constructor(options: ELUOptions = {}) {
    super('ELU', options, ['alpha']);
    this.alpha = finite('ELU.alpha', options.alpha ?? 1);
  }
  forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
}

/** Self-normalising: G. Klambauer et al. 2017 (arXiv:1706.02515). */
@register(MODELS)
export class SELU extends Activation {
  constructor(options: ModuleOptions = {}) {
    super('SELU', options);
  }
  forward(x: Tensor): Tensor {
    return selu(x);
  }
}

/** log(1 + exp(beta · x)) / beta. */
@register(MODELS)
export class Softplus extends Activation {
  private readonly beta: number;
  private readonly threshold: number;
  constructor(options: SoftplusOptions = {}) {
    super('Softplus', options, ['beta', 'threshold']);
    const { beta = 1, threshold = 20 } = options;
    this.beta = finite('Softplus.beta', beta);
    if (beta === 0) throw badValue('Softplus.beta', beta, 'a number other than 0');
    this.threshold = finite('Softplus.threshold', threshold);
  }
  forward(x: Tensor): Tensor {
    return softplus(x, { beta: this.beta, threshold: this.threshold });
  }
}

/** 1 / (1 + exp(-x)). */
@register(MODELS)
export class Sigmoid extends Activation {
  constructor(options: ModuleOptions = {}) {
    super('Sigmoid', options);
  }
  forward(x: Tensor): Tensor {
    return tf.sigmoid(x);
  }
}

/** log(sigmoid(x)). */
@register(MODELS)
export class LogSigmoid extends Activation {
  constructor(options: ModuleOptions = {}) {
    super('LogSigmoid', options);
  }
  forward(x: Tensor): Tensor {
    return logSigmoid(x);
  }
}

@register(MODELS)
export class Tanh extends Activation {
  constructor(options: ModuleOptions = {}) {
    super('Tanh', options);
  }
  forward(x: Tensor): Tensor {
    return tf.tanh(x);
  }
}
