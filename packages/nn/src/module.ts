import type { RandomStream } from '@engine/core';
import {
  tf,
  type ModuleKind,
  type ParamLayout,
  type ParamRef,
  type ParamSource,
  type Tensor,
  type Variable,
} from '@engine/tensor';

import { initModule, type InitConfig, type InitReport, type InitWeightsOptions } from './init/init-module.js';
import { describeVariable, infoOf, joinName } from './parameter.js';
import {
  loadState,
  setRequiresGrad,
  type LoadReport,
  type LoadOptions,
  type StateSource,
} from './state-dict.js';

export interface ModuleOptions {
  /** How `initWeights` initialises this module and those below it, in order. */
  initCfg?: InitConfig | readonly InitConfig[] | undefined;
}

/** Gives the random stream from which a module's variable is drawn, by the variable's name within the module. */
export type StreamOf = (leaf: string) => RandomStream;

/**
 * A node of a network: parameters, buffers and child modules, found through its properties.
 *
 * A property that holds a module is a child, one that holds an array of modules is several (`layers.0`, `layers.1`);
 * what {@link parameter} and {@link buffer} return are its parameters and buffers. Names are dotted paths of property
 * names, so a network whose properties are named as in PyTorch has PyTorch's state dict.
 */
export abstract class Module implements ParamSource {
  /** Whether layers behave as in training (batch statistics, dropout). Set with {@link train} and {@link eval}. */
  training = true;
  initCfg: readonly InitConfig[];
  /** Set once {@link initWeights} has run here or above. */
  initialized = false;
  /** Set when variables of this very module came from a state dict, which initialisation must not undo. */
  loaded = false;

  constructor({ initCfg }: ModuleOptions = {}) {
    this.initCfg =
      initCfg === undefined ? [] : Array.isArray(initCfg) ? [...initCfg] : [initCfg as InitConfig];
  }

  abstract forward(...args: never[]): unknown;

  /** What the module is to rules that treat kinds of modules differently. */
  get kind(): ModuleKind {
    return 'other';
  }

  /**
   * Makes a trainable variable; assign it to a property.
   * @param init its value, of which this call becomes the owner
   * @param options `layout` compared with PyTorch's, `none` unless said; `name` in state dicts, the property's unless said
   */
  protected parameter(
    init: Tensor,
    { layout = 'none', name }: { layout?: ParamLayout; name?: string } = {},
  ): Variable {
    const variable = tf.variable(init, true);
    init.dispose();
    describeVariable(variable, { role: 'parameter', layout, name });
    return variable;
  }

  /** Makes a variable that is part of the state but not trained; assign it to a property. */
  protected buffer(init: Tensor, { name }: { name?: string } = {}): Variable {
    const variable = tf.variable(init, false);
    init.dispose();
    describeVariable(variable, { role: 'buffer', layout: 'none', name });
    return variable;
  }

  /** Draws the parameters anew by the layer's default rule; the base class has none. */
  resetParameters(_stream: StreamOf): void {}

  /** Brings buffers up to date whose values are counted on the host. */
  protected syncBuffers(): void {}

  /** What must survive a resume beside the state dict, such as the counter of a random mask, as plain JSON. */
  protected ownExtraState(): unknown {
    return undefined;
  }

  protected loadOwnExtraState(_state: unknown): void {}

  /** The modules directly below, with their names. */
  namedChildren(): [string, Module][] {
    const found: [string, Module][] = [];
    for (const [key, value] of Object.entries(this)) {
      if (value instanceof Module) found.push([key, value]);
      else if (Array.isArray(value)) {
        value.forEach((item, i) => {
          if (item instanceof Module) found.push([`${key}.${i}`, item]);
        });
      }
    }
    return found;
  }

  /** The modules directly below. */
  children(): Module[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /** This module (named `prefix`, empty unless said) and all below it, parents first, each once. */
  namedModules(prefix = ''): [string, Module][] {
    const found: [string, Module][] = [];
    const seen = new Set<Module>();
    const visit = (name: string, module: Module): void => {
      if (seen.has(module)) return;
      seen.add(module);
      found.push([name, module]);
      for (const [key, child] of module.namedChildren()) visit(joinName(name, key), child);
    };
    visit(prefix, this);
    return found;
  }

  /** Parameters and buffers of this very module, by name. */
  ownVariables(): [string, Variable][] {
    const found: [string, Variable][] = [];
    for (const [key, value] of Object.entries(this)) {
      if (value instanceof tf.Variable) found.push([infoOf(value).name ?? key, value]);
      else if (Array.isArray(value)) {
        value.forEach((item, i) => {
          if (item instanceof tf.Variable) found.push([infoOf(item).name ?? `${key}.${i}`, item]);
        });
      }
    }
    return found;
  }

  private named(role: 'parameter' | 'buffer', prefix: string): [string, Variable, Module][] {
    const seen = new Set<Variable>();
    const found: [string, Variable, Module][] = [];
    for (const [path, module] of this.namedModules(prefix)) {
      if (role === 'buffer') module.syncBuffers();
      for (const [name, variable] of module.ownVariables()) {
        if (infoOf(variable).role !== role || seen.has(variable)) continue;
        seen.add(variable);
        found.push([joinName(path, name), variable, module]);
      }
    }
    return found;
  }

  /** All parameters below, frozen ones included, with their dotted names; a shared one once, under its first name. */
  namedParameters(prefix = ''): [string, Variable][] {
    return this.named('parameter', prefix).map(([name, variable]) => [name, variable]);
  }

  parameters(): Variable[] {
    return this.named('parameter', '').map(([, variable]) => variable);
  }

  namedBuffers(prefix = ''): [string, Variable][] {
    return this.named('buffer', prefix).map(([name, variable]) => [name, variable]);
  }

  /** The parameters as the optimizer side wants them. */
  paramRefs(): ParamRef[] {
    const holders = new Map(
      this.namedModules().flatMap(([, module]) => module.children().map((child) => [child, module] as const)),
    );
    return this.named('parameter', '').map(([name, variable, owner]) => ({
      name,
      leaf: name.slice(name.lastIndexOf('.') + 1),
      variable,
      requiresGrad: variable.trainable,
      layout: infoOf(variable).layout,
      ownerKind: owner.kind,
      holderKind: holders.get(owner)?.kind,
    }));
  }

  private stateEntries(): [string, Variable, Module][] {
    const entries: [string, Variable, Module][] = [];
    for (const [path, module] of this.namedModules()) {
      module.syncBuffers();
      for (const role of ['parameter', 'buffer'] as const) {
        for (const [name, variable] of module.ownVariables()) {
          if (infoOf(variable).role === role) entries.push([joinName(path, name), variable, module]);
        }
      }
    }
    return entries;
  }

  /** Parameters and buffers by dotted name, in memory layout: the variables themselves, not copies. */
  stateDict(): Record<string, Variable> {
    return Object.fromEntries(this.stateEntries().map(([name, variable]) => [name, variable]));
  }

  /** Layout of every entry of {@link stateDict} compared with PyTorch's. */
  layouts(): Record<string, ParamLayout> {
    return Object.fromEntries(this.stateEntries().map(([name, variable]) => [name, infoOf(variable).layout]));
  }

  /**
   * Copies values (in memory layout) into the parameters and buffers of the same names. Entries that are missing,
   * unexpected or of another shape are passed over and reported; `num_batches_tracked` is never reported missing.
   * @throws E_STATE_DICT when `strict` and something does not fit
   */
  loadStateDict(state: StateSource, options: LoadOptions = {}): LoadReport {
    return loadState(this.stateEntries(), state, options);
  }

  /** JSON state of this module and those below it, by dotted name; modules that have none are left out. */
  extraState(): Record<string, unknown> {
    const states = this.namedModules().map(([name, module]) => [name, module.ownExtraState()] as const);
    return Object.fromEntries(states.filter(([, state]) => state !== undefined));
  }

  /** Restores what {@link extraState} returned; names that no longer exist are passed over. */
  loadExtraState(state: Record<string, unknown>): void {
    for (const [name, module] of this.namedModules()) {
      if (state[name] !== undefined) module.loadOwnExtraState(state[name]);
    }
  }

  /** Switches this module and all below it to training, or to evaluation with `false`. */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /**
   * Freezes parameters: they get no gradient and no update.
   * @param pattern a dotted name or the beginning of one up to a dot (`backbone.layer1`), or a regular expression;
   * all parameters unless said
   * @throws E_MODULE_NO_PARAMETER when no parameter matches
   */
  freeze(pattern?: string | RegExp): this {
    setRequiresGrad(this.namedParameters(), pattern, false);
    return this;
  }

  /** Undoes {@link freeze}. */
  unfreeze(pattern?: string | RegExp): this {
    setRequiresGrad(this.namedParameters(), pattern, true);
    return this;
  }

  /** Calls `fn` for every module, children before parents. */
  apply(fn: (module: Module, name: string) => void): this {
    for (const [name, module] of this.namedModules().reverse()) fn(module, name);
    return this;
  }

  /**
   * Initialises all parameters: first every layer by its default rule, then `initCfg`s (parents before children). Each
   * parameter is drawn from a random stream of its own name, so results depend on the seed and the names only.
   * Modules whose variables came from a state dict keep them. A second call does nothing but warn.
   *
   * Before it is called layers hold default values drawn with seed 0, the same for layers of equal shape.
   * @returns for each parameter, what set its value
   */
  initWeights(options: InitWeightsOptions = {}): InitReport {
    return initModule(this, options);
  }

  /** Frees all variables of this module and those below it. */
  dispose(): void {
    for (const [, module] of this.namedModules()) {
      for (const [, variable] of module.ownVariables()) if (!variable.isDisposed) variable.dispose();
    }
  }
}
