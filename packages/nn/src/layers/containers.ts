import {
  MODELS,
  badValue,
  checkKeys,
  isComponentConfig,
  register,
  type ConfigOf,
  type ModelTypes,
} from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';

/** A module, or the config of one; a list of them stands for a Sequential. */
export type ModuleLike = Module | ConfigOf<ModelTypes> | readonly ModuleLike[];

export interface SequentialOptions extends ModuleOptions {
  modules: readonly ModuleLike[];
}

export interface ModuleListOptions extends ModuleOptions {
  modules?: readonly ModuleLike[];
}

export interface ModuleDictOptions extends ModuleOptions {
  modules?: Readonly<Record<string, ModuleLike>>;
}

declare module '@engine/core' {
  interface ModelTypes {
    Sequential: SequentialOptions;
    ModuleList: ModuleListOptions;
    ModuleDict: ModuleDictOptions;
  }
}

/**
 * The module that `value` is or describes.
 * @param path of the value in the config, for messages
 * @param registry where plain names are looked up
 * @throws E_CONFIG_VALUE when it is neither a module nor a config
 */
export function buildModule<M extends Module = Module>(
  value: ModuleLike,
  path: string,
  registry = MODELS,
): M {
  if (value instanceof Module) return value as M;
  if (Array.isArray(value) || isComponentConfig(value))
    return registry.build<M>(value as ConfigOf<ModelTypes>, { path });
  throw badValue(path, value, "a module, a config such as { type: 'ReLU' }, or a list of them");
}

/** Modules one after the other; children are called `0`, `1`, …, as in PyTorch. */
@register(MODELS)
export class Sequential extends Module {
  readonly modules: readonly Module[];

  constructor(options: SequentialOptions | readonly ModuleLike[]) {
    const given = Array.isArray(options)
      ? { modules: options as readonly ModuleLike[] }
      : (options as SequentialOptions);
    checkKeys('Sequential', given, ['modules', 'initCfg']);
    super(given);
    if (!Array.isArray(given.modules))
      throw badValue('Sequential.modules', given.modules, 'a list of modules or configs');
    this.modules = given.modules.map((value, i) => buildModule(value as ModuleLike, `modules.${i}`));
  }

  override namedChildren(): [string, Module][] {
    return this.modules.map((module, i) => [String(i), module]);
  }

  forward(x: Tensor): Tensor {
    if (this.modules.length === 0) return x.clone();
    return tf.tidy(() => this.modules.reduce((y, module) => (module as UnaryModule).forward(y), x));
  }
}

/** A module that maps one tensor to one tensor. */
export interface UnaryModule extends Module {
  forward(x: Tensor): Tensor;
}

/** A list of modules for a model's own `forward` to use; children are called `0`, `1`, … */
@register(MODELS)
export class ModuleList extends Module implements Iterable<Module> {
  private readonly items: Module[];

  constructor(options: ModuleListOptions | readonly ModuleLike[] = {}) {
    const given = Array.isArray(options)
      ? { modules: options as readonly ModuleLike[] }
      : (options as ModuleListOptions);
    checkKeys('ModuleList', given, ['modules', 'initCfg']);
    super(given);
    this.items = (given.modules ?? []).map((value, i) => buildModule(value, `modules.${i}`));
  }

  get length(): number {
    return this.items.length;
  }

  at<M extends Module = Module>(index: number): M | undefined {
    return this.items.at(index) as M | undefined;
  }

  push(module: Module): this {
    this.items.push(module);
    return this;
  }

  [Symbol.iterator](): Iterator<Module> {
    return this.items[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return this.items.map((module, i) => [String(i), module]);
  }

  /** @throws E_CONFIG_VALUE always: a list says nothing about how its modules are connected */
  forward(): never {
    throw badValue('ModuleList.forward', undefined, 'no call: use its modules one by one, or a Sequential');
  }
}

/** Modules by name for a model's own `forward` to use. */
@register(MODELS)
export class ModuleDict extends Module implements Iterable<[string, Module]> {
  private readonly items = new Map<string, Module>();

  constructor(options: ModuleDictOptions = {}) {
    checkKeys('ModuleDict', options, ['modules', 'initCfg']);
    super(options);
    for (const [name, value] of Object.entries(options.modules ?? {}))
      this.set(name, buildModule(value, `modules.${name}`));
  }

  get<M extends Module = Module>(name: string): M | undefined {
    return this.items.get(name) as M | undefined;
  }

  set(name: string, module: Module): this {
    if (!name || name.includes('.')) throw badValue('ModuleDict name', name, 'a name without dots');
    this.items.set(name, module);
    return this;
  }

  [Symbol.iterator](): Iterator<[string, Module]> {
    return this.items[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return [...this.items];
  }

  /** @throws E_CONFIG_VALUE always: names say nothing about how modules are connected */
  forward(): never {
    throw badValue('ModuleDict.forward', undefined, 'no call: use its modules by name');
  }
}
