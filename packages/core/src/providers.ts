import { discoveredPlugins } from './modules/discover.js';
import { KNOWN_PLUGINS } from './providers-table.js';

/** The engine's own plugins by the extension of the config files they read. */
export const READER_PACKAGES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(KNOWN_PLUGINS).flatMap(([name, registers]) =>
    (registers.CONFIG_READERS ?? []).map((extension) => [extension, name]),
  ),
);

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

/** The package of the engine's own that registers a name, or anything in its scope when the name itself is unknown. */
function knownPackage(registry: string, name: string): string | undefined {
  const packages = Object.entries(KNOWN_PLUGINS);
  const exact = packages.find(([, registers]) => registers[registry]?.includes(name));
  if (exact || !name.includes('.')) return exact?.[0];
  const scope = name.slice(0, name.indexOf('.') + 1);
  return packages.find(([, registers]) =>
    Object.values(registers)
      .flat()
      .some((one) => one.startsWith(scope)),
  )?.[0];
}

/**
 * What to do about a name that a registry does not know: the package that provides it where that is known, else where
 * such names come from.
 */
export function fixForUnknown(registry: string, name: string, empty: boolean): string {
  const installed = discoveredPlugins().find((plugin) => plugin.registers[registry]?.includes(name));
  if (installed) {
    return `import '${installed.name}', which is installed and provides '${name}', or list it under \`plugins\` in the config to see why it was not loaded`;
  }
  const found = knownPackage(registry, name);
  if (found) return `pnpm add ${found}   (provides '${name}')`;
  const standard = empty ? BY_REGISTRY[registry] : undefined;
  if (standard) return `import '${standard}' first: it fills the registry ${registry}`;
  return 'import the package that registers it, or list that package under `plugins` in the config';
}
