import {
  EngineError,
  RandomStream,
  WEIGHT_INITIALIZERS,
  show,
  type ComponentConfig,
  type ConfigOf,
  type WeightInitializerTypes,
} from '@engine/core';
import type { Variable } from '@engine/tensor';

import type { Module } from '../module.js';
import { joinName } from '../parameter.js';
import type { VariableStream } from './functions.js';

/** Where an initialiser applies: by class, by attribute, or both. */
export interface InitTarget {
  /** Class name, or several: modules of these classes, and of classes that extend them directly. */
  layer?: string | readonly string[];
  /** Attributes whose modules are initialised differently, as a whole. */
  override?: InitOverride | readonly InitOverride[];
}

/**
 * A part of a module that is initialised differently: `name` is the attribute. Without anything else it reuses the
 * parent's initialiser for the whole part; otherwise `type` and its options are given.
 */
export interface InitOverride {
  name: string;
  type?: string;
  [option: string]: unknown;
}

export type InitConfig = ConfigOf<WeightInitializerTypes> & InitTarget;

/** What an initialiser works with. */
export interface InitContext {
  /** The stream named by the variable's name in the whole model. */
  stream: VariableStream;
  /** True when the whole module is to be initialised, whatever its class. */
  wholeModule: boolean;
}

/** An entry of `WEIGHT_INITIALIZERS`. */
export interface WeightInitializer {
  /** Run after the children have been initialised, as values from a checkpoint must. */
  readonly last?: boolean;
  /** Initialises `module` and what is below it as far as its target reaches; returns the variables it set. */
  initialize(module: Module, context: InitContext): Variable[];
}

export interface InitWeightsOptions {
  /** 0 unless said. */
  seed?: number;
  /** Receives the warning about a second call; Node's process warnings when absent. */
  logger?: { warn(message: string): void };
}

/** For each parameter, by name, what set its value. */
export type InitReport = Record<string, string>;

interface Run {
  stream: VariableStream;
  record(variables: readonly Variable[], by: string): void;
}

export function initModule(root: Module, { seed = 0, logger }: InitWeightsOptions): InitReport {
  if (root.initialized) {
    const message = `initWeights of ${root.constructor.name} was called more than once; this call changes nothing.`;
    if (logger) logger.warn(message);
    else process.emitWarning(message, 'EngineWarning');
    return {};
  }
  const parameters = root.namedParameters();
  const nameOf = new Map(parameters.map(([name, variable]) => [variable, name]));
  const report: InitReport = {};
  const run: Run = {
    stream: (variable) => RandomStream.of(seed, 'init', nameOf.get(variable) ?? ''),
    record: (variables, by) => {
      for (const variable of variables) {
        const name = nameOf.get(variable);
        if (name !== undefined) report[name] = by;
      }
    },
  };
  // Children first, so that a network's own rule comes after the defaults of its layers.
  for (const [path, module] of root.namedModules().reverse()) {
    if (module.initialized || module.loaded) continue;
    module.resetParameters((leaf) => RandomStream.of(seed, 'init', joinName(path, leaf)));
    run.record(
      module.ownVariables().map(([, variable]) => variable),
      `default of ${module.constructor.name}`,
    );
  }
  initFromConfig(root, run);
  return report;
}

function initFromConfig(module: Module, run: Run): void {
  if (module.initialized) return;
  module.initialized = true;
  const steps = module.initCfg.map((config) => prepare(module, config));
  for (const step of steps) if (!step.last) step.run(run);
  for (const child of module.children()) initFromConfig(child, run);
  for (const step of steps) if (step.last) step.run(run);
}

interface Step {
  last: boolean;
  run(run: Run): void;
}

/** Everything about one `initCfg` that can be wrong is found here, before any value is changed. */
function prepare(module: Module, config: InitConfig): Step {
  const { override, ...base } = config as ComponentConfig & InitTarget;
  const owner = `initCfg of ${module.constructor.name}`;
  const main = build(base, owner);
  const by = `${show(typeof base.type === 'string' ? base.type : base.type.name)} in the ${owner}`;
  const { layer: _layer, ...inherited } = base;
  const overrides = override === undefined ? [] : Array.isArray(override) ? override : [override];
  if (base['layer'] === undefined && overrides.length === 0 && !main.last) {
    throw new EngineError({
      code: 'E_INIT_TARGET',
      what: `An ${owner} says neither which layers nor which attributes it is for.`,
      received: show(config),
      expected: "`layer` (such as 'Conv2d') or `override` (such as { name: 'head' })",
      exitCode: 2,
    });
  }
  const parts = (overrides as InitOverride[]).map((part) => prepareOverride(module, part, inherited, owner));
  return {
    last: main.last ?? false,
    run: ({ stream, record }) => {
      record(main.initialize(module, { stream, wholeModule: false }), by);
      for (const { target, initializer } of parts) {
        record(initializer.initialize(target, { stream, wholeModule: true }), `${by} (override)`);
      }
    },
  };
}

function prepareOverride(
  module: Module,
  part: InitOverride,
  inherited: ComponentConfig,
  owner: string,
): { target: Module; initializer: WeightInitializer } {
  const { name, ...own } = part;
  const children = new Map(module.namedChildren());
  const problem = (what: string, expected: string): EngineError =>
    new EngineError({ code: 'E_INIT_OVERRIDE', what, received: show(part), expected, exitCode: 2 });
  if (typeof name !== 'string')
    throw problem(`An override in the ${owner} has no 'name'.`, 'the name of a child module');
  if (Object.keys(own).length > 0 && own.type === undefined) {
    throw problem(
      `The override of '${name}' in the ${owner} has options but no 'type'.`,
      "a 'type', or nothing but the name",
    );
  }
  const target = children.get(name);
  if (!target)
    throw problem(
      `${module.constructor.name} has no child module '${name}'.`,
      `one of ${[...children.keys()].join(', ')}`,
    );
  return { target, initializer: build(own.type === undefined ? inherited : (own as ComponentConfig), owner) };
}

function build(config: ComponentConfig, owner: string): WeightInitializer {
  return WEIGHT_INITIALIZERS.build<WeightInitializer>(config as ConfigOf<WeightInitializerTypes>, {
    path: owner,
  });
}
