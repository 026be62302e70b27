import { buildFromConfig, type BuildFunction } from './build.js';
import { checkKeys } from './check-keys.js';
import { EngineError } from './errors.js';
import type { Location } from './locations.js';
import { Registry } from './registry.js';
import type * as types from './types.js';

/** Layout of the shared table; a copy of core with another number must not share it. */
const TABLE_VERSION = 1;

interface SharedTable {
  version: number;
  from: string;
  roots: Map<string, Registry<unknown, object>>;
}

function sharedTable(): SharedTable {
  const key = Symbol.for('@engine/registries');
  const host = globalThis as unknown as Record<symbol, SharedTable | undefined>;
  const table = (host[key] ??= { version: TABLE_VERSION, from: import.meta.url, roots: new Map() });
  if (table.version !== TABLE_VERSION) {
    throw new EngineError({
      code: 'E_CORE_VERSIONS',
      what: 'Two copies of @engine/core that do not fit together are loaded in one process.',
      received: `${import.meta.url} (table ${TABLE_VERSION}) beside ${table.from} (table ${table.version})`,
      fix: 'run `pnpm why @engine/core` and bring all packages to one version',
    });
  }
  return table;
}

function root<Types extends object>(name: string, build?: BuildFunction): Registry<unknown, Types> {
  const { roots } = sharedTable();
  let registry = roots.get(name);
  if (!registry) {
    registry = new Registry(name, build ? { build } : {});
    roots.set(name, registry);
  }
  return registry as Registry<unknown, Types>;
}

/** A list of model configs becomes one Sequential. */
const buildModel: BuildFunction = (config, registry, options) =>
  Array.isArray(config)
    ? buildFromConfig({ type: 'Sequential', modules: config }, registry, options)
    : buildFromConfig(config, registry, options);

export const RUNNERS = root<types.RunnerTypes>('RUNNERS');
export const RUNNER_CONSTRUCTORS = root<types.RunnerConstructorTypes>('RUNNER_CONSTRUCTORS');
export const LOOPS = root<types.LoopTypes>('LOOPS');
export const HOOKS = root<types.HookTypes>('HOOKS');
export const STRATEGIES = root<types.StrategyTypes>('STRATEGIES');
export const DATASETS = root<types.DatasetTypes>('DATASETS');
export const DATA_SAMPLERS = root<types.SamplerTypes>('DATA_SAMPLERS');
export const TRANSFORMS = root<types.TransformTypes>('TRANSFORMS');
export const COLLATE_FUNCTIONS = root<types.CollateTypes>('COLLATE_FUNCTIONS');
export const MODELS = root<types.ModelTypes>('MODELS', buildModel);
export const MODEL_WRAPPERS = root<types.ModelWrapperTypes>('MODEL_WRAPPERS');
export const WEIGHT_INITIALIZERS = root<types.WeightInitializerTypes>('WEIGHT_INITIALIZERS');
export const OPTIMIZERS = root<types.OptimizerTypes>('OPTIMIZERS');
export const OPTIM_WRAPPERS = root<types.OptimWrapperTypes>('OPTIM_WRAPPERS');
export const OPTIM_WRAPPER_CONSTRUCTORS = root<types.OptimWrapperConstructorTypes>(
  'OPTIM_WRAPPER_CONSTRUCTORS',
);
export const PARAM_SCHEDULERS = root<types.ParamSchedulerTypes>('PARAM_SCHEDULERS');
export const METRICS = root<types.MetricTypes>('METRICS');
export const EVALUATOR = root<types.EvaluatorTypes>('EVALUATOR');
export const TASK_UTILS = root<types.TaskUtilTypes>('TASK_UTILS');
export const VISUALIZERS = root<types.VisualizerTypes>('VISUALIZERS');
export const VISBACKENDS = root<types.VisBackendTypes>('VISBACKENDS');
export const LOG_PROCESSORS = root<types.LogProcessorTypes>('LOG_PROCESSORS');
export const INFERENCERS = root<types.InferencerTypes>('INFERENCERS');
export const FUNCTIONS = root<types.FunctionTypes>('FUNCTIONS');
export const BACKENDS = root<types.BackendTypes>('BACKENDS');
export const PROCESS_GROUPS = root<types.ProcessGroupTypes>('PROCESS_GROUPS');
export const STORAGE_BACKENDS = root<types.StorageBackendTypes>('STORAGE_BACKENDS');
/** Readers of config files in formats that the engine does not know itself, by extension without the dot. */
export const CONFIG_READERS = root<types.ConfigReaderTypes>('CONFIG_READERS');

/** The root registries by the name of their constant. */
export const ROOT_REGISTRIES = {
  RUNNERS,
  RUNNER_CONSTRUCTORS,
  LOOPS,
  HOOKS,
  STRATEGIES,
  DATASETS,
  DATA_SAMPLERS,
  TRANSFORMS,
  COLLATE_FUNCTIONS,
  MODELS,
  MODEL_WRAPPERS,
  WEIGHT_INITIALIZERS,
  OPTIMIZERS,
  OPTIM_WRAPPERS,
  OPTIM_WRAPPER_CONSTRUCTORS,
  PARAM_SCHEDULERS,
  METRICS,
  EVALUATOR,
  TASK_UTILS,
  VISUALIZERS,
  VISBACKENDS,
  LOG_PROCESSORS,
  INFERENCERS,
  FUNCTIONS,
  BACKENDS,
  PROCESS_GROUPS,
  STORAGE_BACKENDS,
  CONFIG_READERS,
} as const;

export type Registries = typeof ROOT_REGISTRIES;

export interface ExtendOptions {
  /** Modules that register the scope's entries, by registry; imported when a name is first looked up there. */
  locations?: Partial<Record<keyof Registries, readonly Location[]>>;
}

/**
 * Children of every root registry under one scope: a library registers its parts in them, finds the engine's through
 * them, and is asked for by name as `scope.Name`. A second call with the same scope returns the same registries.
 */
export function extendRegistries(scope: string, options: ExtendOptions = {}): Registries {
  checkKeys('extendRegistries', options, ['locations']);
  const locations: Readonly<Record<string, readonly Location[]>> = options.locations ?? {};
  checkKeys('extendRegistries.locations', locations, Object.keys(ROOT_REGISTRIES));
  if (!/^[A-Za-z_][\w-]*$/.test(scope) || scope === 'engine') {
    throw new EngineError({
      code: 'E_REGISTRY_SCOPE',
      what: 'A scope must be a single word other than `engine`.',
      received: `'${scope}'`,
      expected: "letters, digits, '_' and '-', such as 'vision'",
    });
  }
  const children = Object.entries(ROOT_REGISTRIES).map(([name, parent]) => {
    const base = parent as Registry<unknown, object>;
    const child = base.children.get(scope) ?? new Registry(name, { parent: base, scope });
    child.addLocations(...(locations[name] ?? []));
    return [name, child];
  });
  return Object.fromEntries(children) as Registries;
}
