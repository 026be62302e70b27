import {
  COLLATE_FUNCTIONS,
  configOf,
  DATASETS,
  EngineError,
  isHostArray,
  show,
  TRANSFORMS,
  type ComponentConfig,
  type RegistryRow,
} from '@engine/core';
import type { Dataset } from './dataset.js';

/** How a worker thread builds its copy of a dataset. */
export interface PortableDataset {
  config: ComponentConfig;
  /** Modules that register the parts of the config; parts of this package need none. */
  modules: string[];
  /** True when some part does not say where it comes from: all plugins must be imported. */
  needsPlugins: boolean;
}

/** Registrations of this package, which every worker has. */
const BUILT_IN = '@engine/data';

function rows(): RegistryRow[] {
  return [DATASETS, TRANSFORMS, COLLATE_FUNCTIONS].flatMap((registry) => registry.list());
}

function configOfPart(part: object): ComponentConfig | undefined {
  return (part as Partial<Dataset>).workerConfig?.() ?? configOf(part);
}

function notPortable(path: string, value: unknown): EngineError {
  return new EngineError({
    code: 'E_DATA_WORKER_CONFIG',
    what: `The dataset cannot be built again in a worker thread because of '${path}'.`,
    received: show(value),
    expected: 'plain values and parts named by a registered `type`',
    fix: 'register the class or function and name it in the config, or use numWorkers: 0',
    exitCode: 2,
  });
}

/**
 * The config of a dataset as data that can be sent to another thread: registered classes and functions become their
 * names, parts that were built from configs become these.
 *
 * Parts may have a static `workerModule`, the URL of the module that registers them (`import.meta.url`): a worker that
 * knows it for all parts imports only these modules, not the whole package or the user's plugins.
 *
 * @throws E_DATA_WORKER_CONFIG naming the place of whatever cannot be sent
 */
export function portableDataset(dataset: Dataset): PortableDataset {
  const config = configOfPart(dataset);
  if (!config) throw notPortable('dataset', `${dataset.constructor.name}, which was not built from a config`);
  const known = rows();
  const modules = new Set<string>();
  let needsPlugins = false;

  const notePart = (type: string): void => {
    const name = type.slice(type.lastIndexOf('.') + 1);
    const matches = known.filter((row) => row.name === name);
    if (matches.length === 0) needsPlugins = true;
    for (const { entry, from } of matches) {
      const home = Object.hasOwn(entry, 'workerModule')
        ? (entry as { workerModule?: unknown }).workerModule
        : undefined;
      if (typeof home === 'string') modules.add(home);
      else if (from !== BUILT_IN) needsPlugins = true;
    }
  };

  const copy = (value: unknown, path: string): unknown => {
    if (typeof value === 'function') {
      const row = known.find(({ entry }) => entry === value);
      if (!row) throw notPortable(path, value);
      return `${row.scope}.${row.name}`;
    }
    if (typeof value === 'symbol') throw notPortable(path, value);
    if (typeof value !== 'object' || value === null || isHostArray(value)) return value;
    if (Array.isArray(value)) return value.map((item, i) => copy(item, `${path}.${i}`));
    const prototype = Object.getPrototypeOf(value) as unknown;
    if (prototype !== Object.prototype && prototype !== null) {
      const source = configOfPart(value);
      if (source) return copy(source, path);
      if (
        ArrayBuffer.isView(value) ||
        value instanceof Date ||
        value instanceof RegExp ||
        value instanceof Map ||
        value instanceof Set
      ) {
        return value;
      }
      throw notPortable(path, value.constructor.name);
    }
    const copied = Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, copy(item, `${path}.${key}`)]),
    );
    if (typeof copied['type'] === 'string') notePart(copied['type']);
    return copied;
  };

  return { config: copy(config, 'dataset') as ComponentConfig, modules: [...modules], needsPlugins };
}
