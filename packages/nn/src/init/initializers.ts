import { WEIGHT_INITIALIZERS, badValue, checkKeys, register } from '@engine/core';
import type { Variable } from '@engine/tensor';

import type { Module } from '../module.js';
import {
  biasInitWithProb,
  caffe2XavierInit,
  constantInit,
  kaimingInit,
  normalInit,
  truncNormalInit,
  uniformInit,
  xavierInit,
  type Distribution,
  type FanMode,
  type Nonlinearity,
  type VariableStream,
} from './functions.js';
import type { InitContext, WeightInitializer } from './init-module.js';

/** Options that every initialiser has. */
export interface BaseInitOptions {
  /** Value of biases; 0 unless said. */
  bias?: number;
  /** Instead of `bias`: the probability that a sigmoid over the output starts with. */
  biasProb?: number;
  /** Class name, or several: modules of these classes, and of classes that extend them directly. */
  layer?: string | readonly string[];
}

export interface ConstantInitOptions extends BaseInitOptions {
  val: number;
}
export interface XavierInitOptions extends BaseInitOptions {
  gain?: number;
  distribution?: Distribution;
}
export interface NormalInitOptions extends BaseInitOptions {
  mean?: number;
  std?: number;
}
export interface TruncNormalInitOptions extends NormalInitOptions {
  /** Absolute cutoffs; -2 and 2 unless said. */
  a?: number;
  b?: number;
}
export interface UniformInitOptions extends BaseInitOptions {
  a?: number;
  b?: number;
}
export interface KaimingOptions extends BaseInitOptions {
  a?: number;
  mode?: FanMode;
  nonlinearity?: Nonlinearity;
  distribution?: Distribution;
}

declare module '@engine/core' {
  interface WeightInitializerTypes {
    Constant: ConstantInitOptions;
    Xavier: XavierInitOptions;
    Normal: NormalInitOptions;
    TruncNormal: TruncNormalInitOptions;
    Uniform: UniformInitOptions;
    Kaiming: KaimingOptions;
    Caffe2Xavier: BaseInitOptions;
  }
}

function checkNumbers(owner: string, options: object): void {
  for (const [key, value] of Object.entries(options)) {
    const text = key === 'layer' || key === 'mode' || key === 'nonlinearity' || key === 'distribution';
    if (!text && !Number.isFinite(value)) throw badValue(`${owner}.${key}`, value, 'a finite number');
  }
}

/** Applies a rule to the modules that `layer` names, or to a whole module when an override asks for it. */
abstract class BaseInit<O extends BaseInitOptions> implements WeightInitializer {
  protected readonly options: Omit<O, 'layer' | 'biasProb'> & { bias: number };
  private readonly layers: readonly string[];

  constructor(owner: string, options: O, known: readonly string[]) {
    checkKeys(owner, options, [...known, 'bias', 'biasProb', 'layer']);
    checkNumbers(owner, options);
    const { layer = [], biasProb, ...rest } = options;
    this.layers = typeof layer === 'string' ? [layer] : layer;
    if (!Array.isArray(this.layers) || this.layers.some((name) => typeof name !== 'string')) {
      throw badValue(`${owner}.layer`, layer, 'a class name or a list of class names');
    }
    const bias = biasProb === undefined ? (options.bias ?? 0) : biasInitWithProb(biasProb);
    this.options = { ...rest, bias };
  }

  protected abstract set(module: Module, stream: VariableStream): Variable[];

  initialize(module: Module, { stream, wholeModule }: InitContext): Variable[] {
    const variables: Variable[] = [];
    module.apply((part) => {
      if (wholeModule || classNames(part).some((name) => this.layers.includes(name))) {
        variables.push(...this.set(part, stream));
      }
    });
    return variables;
  }
}

/** Name of a module's class and of the class that it extends directly. */
function classNames(module: Module): string[] {
  const own = module.constructor;
  const base = Object.getPrototypeOf(own) as { name?: string };
  return [own.name, base.name ?? ''];
}

@register(WEIGHT_INITIALIZERS, { name: 'Constant' })
export class ConstantInit extends BaseInit<ConstantInitOptions> {
  constructor(options: ConstantInitOptions) {
    super('Constant', options, ['val']);
    if (options.val === undefined) throw badValue('Constant.val', undefined, 'a finite number');
  }
  protected set(module: Module): Variable[] {
    return constantInit(module, this.options);
  }
}

@register(WEIGHT_INITIALIZERS, { name: 'Xavier' })
export class XavierInit extends BaseInit<XavierInitOptions> {
  constructor(options: XavierInitOptions = {}) {
    super('Xavier', options, ['gain', 'distribution']);
  }
  protected set(module: Module, stream: VariableStream): Variable[] {
    return xavierInit(module, stream, this.options);
  }
}

@register(WEIGHT_INITIALIZERS, { name: 'Normal' })
export class NormalInit extends BaseInit<NormalInitOptions> {
  constructor(options: NormalInitOptions = {}) {
    super('Normal', options, ['mean', 'std']);
  }
  protected set(module: Module, stream: VariableStream): Variable[] {
    return normalInit(module, stream, this.options);
  }
}

@register(WEIGHT_INITIALIZERS, { name: 'TruncNormal' })
export class TruncNormalInit extends BaseInit<TruncNormalInitOptions> {
  constructor(options: TruncNormalInitOptions = {}) {
    super('TruncNormal', options, ['mean', 'std', 'a', 'b']);
  }
  protected set(module: Module, stream: VariableStream): Variable[] {
    return truncNormalInit(module, stream, this.options);
  }
}

@register(WEIGHT_INITIALIZERS, { name: 'Uniform' })
export class UniformInit extends BaseInit<UniformInitOptions> {
  constructor(options: UniformInitOptions = {}) {
    super('Uniform', options, ['a', 'b']);
  }
  protected set(module: Module, stream: VariableStream): Variable[] {
    return uniformInit(module, stream, this.options);
  }
}

@register(WEIGHT_INITIALIZERS, { name: 'Kaiming' })
export class KaimingInit extends BaseInit<KaimingOptions> {
  constructor(options: KaimingOptions = {}) {
    super('Kaiming', options, ['a', 'mode', 'nonlinearity', 'distribution']);
  }
  protected set(module: Module, stream: VariableStream): Variable[] {
    return kaimingInit(module, stream, this.options);
  }
}

@register(WEIGHT_INITIALIZERS, { name: 'Caffe2Xavier' })
export class Caffe2XavierInit extends BaseInit<BaseInitOptions> {
  constructor(options: BaseInitOptions = {}) {
    super('Caffe2Xavier', options, []);
  }
  protected set(module: Module, stream: VariableStream): Variable[] {
    return caffe2XavierInit(module, stream, this.options);
  }
}
