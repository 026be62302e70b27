/** First-party packages whose parts are asked for by scope. */
const BY_SCOPE: Readonly<Record<string, string>> = { vision: '@engine/vision' };

/** First-party plugins by the names they register. */
const BY_NAME: Readonly<Record<string, string>> = {
  'BACKENDS/wasm': '@engine/backend-wasm',
  'OPTIMIZERS/Lion': '@engine/optim-lion',
};

/** First-party plugins by the extension of the config files they read. */
export const READER_PACKAGES: Readonly<Record<string, string>> = { py: '@engine/openmmlab' };

/** Packages that hold the engine's own parts, for a registry that nothing has filled yet. */
const BY_REGISTRY: Readonly<Record<string, string>> = {
  LOOPS: '@engine/runner',
  HOOKS: '@engine/runner',
  RUNNERS: '@engine/runner',
  LOG_PROCESSORS: '@engine/runner',
  DATASETS: '@engine/data',
  DATA_SAMPLERS: '@engine/data',
  TRANSFORMS: '@engine/data',
  COLLATE_FUNCTIONS: '@engine/data',
  MODELS: '@engine/nn',
  WEIGHT_INITIALIZERS: '@engine/nn',
  OPTIMIZERS: '@engine/optim',
  OPTIM_WRAPPERS: '@engine/optim',
  OPTIM_WRAPPER_CONSTRUCTORS: '@engine/optim',
  PARAM_SCHEDULERS: '@engine/optim',
  METRICS: '@engine/evaluator',
  EVALUATOR: '@engine/evaluator',
  VISUALIZERS: '@engine/visualizer',
  VISBACKENDS: '@engine/visualizer',
  BACKENDS: '@engine/tensor',
  PROCESS_GROUPS: '@engine/dist',
  STORAGE_BACKENDS: '@engine/fileio',
};

/**
 * What to do about a name that a registry does not know: the package that provides it where that is known, else where
 * such names come from.
 */
export function fixForUnknown(registry: string, name: string, empty: boolean): string {
  const dot = name.indexOf('.');
  const found = dot > 0 ? BY_SCOPE[name.slice(0, dot)] : BY_NAME[`${registry}/${name}`];
  if (found) return `pnpm add ${found}   (provides '${name}'), and list it under \`plugins\` in the config`;
  const standard = empty ? BY_REGISTRY[registry] : undefined;
  if (standard) return `import '${standard}' first: it fills the registry ${registry}`;
  return 'import the package that registers it, or list that package under `plugins` in the config';
}
