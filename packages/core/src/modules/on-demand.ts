import { EngineError } from '../errors.js';
import { ROOT_REGISTRIES } from '../registries.js';
import type { Registry } from '../registry.js';
import { discoverPlugins } from './discover.js';
import { checkVersion, type PluginManifest } from './manifest.js';
import { importModule } from './plugins.js';

/** What came of importing plugins that nobody listed. */
export interface ImportedPlugins {
  loaded: PluginManifest[];
  /** Those that threw, and what; the others were imported all the same. */
  failed: { plugin: PluginManifest; error: Error }[];
}

/**
 * Imports the installed plugins that register what a config names and no registry knows yet. Everything with a `type`
 * counts, wherever it stands, and the compute backend that the config's `device` names (`quick:0`). A plugin that throws, or does not fit this engine, is reported and leaves the others be;
 * the part that needed it is unknown then.
 *
 * @param config plain values, as `loadConfig` gives them
 * @param baseDir folder that packages are looked up from; the config's folder
 * @throws E_PLUGIN_CONFLICT when two installed packages register the name
 */
export async function importNeeded(config: unknown, baseDir: string): Promise<ImportedPlugins> {
  const result: ImportedPlugins = { loaded: [], failed: [] };
  const missing = [...typesIn(config)].filter((name) => !isKnown(name));
  const backend = backendIn(config);
  if (missing.length === 0 && backend === undefined) return result;
  const plugins = discoverPlugins(baseDir);
  const wanted = new Set<PluginManifest>();
  if (backend !== undefined) {
    for (const provider of providersOf(backend, plugins, ['BACKENDS'])) wanted.add(provider);
  }
  for (const name of missing) {
    for (const provider of providersOf(name, plugins)) wanted.add(provider);
  }
  for (const plugin of wanted) await importOne(plugin, baseDir, result);
  return result;
}

/** Imports every installed plugin, for listings. A plugin that throws is reported and leaves the others be. */
export async function importInstalled(baseDir: string): Promise<ImportedPlugins> {
  const result: ImportedPlugins = { loaded: [], failed: [] };
  for (const plugin of discoverPlugins(baseDir)) await importOne(plugin, baseDir, result);
  return result;
}

async function importOne(plugin: PluginManifest, baseDir: string, result: ImportedPlugins): Promise<void> {
  try {
    checkVersion(plugin);
    await importModule(plugin.name, baseDir);
    result.loaded.push(plugin);
  } catch (error) {
    result.failed.push({ plugin, error: error instanceof Error ? error : new Error(String(error)) });
  }
}

/** The compute backend that a config asks for by name, unless it is known already. */
function backendIn(config: unknown): string | undefined {
  const { device } = (config ?? {}) as { device?: unknown };
  if (typeof device !== 'string' || device === 'auto') return undefined;
  const [name] = device.split(':', 1);
  return ROOT_REGISTRIES.BACKENDS.has(name!) ? undefined : name;
}

/**
 * The packages to import for a name.
 * @throws E_PLUGIN_CONFLICT when two of them register it in one registry
 */
function providersOf(
  name: string,
  plugins: readonly PluginManifest[],
  registries: readonly string[] = Object.keys(ROOT_REGISTRIES),
): PluginManifest[] {
  const found = new Set<PluginManifest>();
  for (const registry of registries) {
    const [first, second] = plugins.filter((plugin) => plugin.registers[registry]?.includes(name));
    if (!first) continue;
    if (second) {
      throw new EngineError({
        code: 'E_PLUGIN_CONFLICT',
        what: `Two installed packages register '${name}' in ${registry}.`,
        received: `${first.name}@${first.version} (${first.folder}) and ${second.name}@${second.version} (${second.folder})`,
        expected: 'one package for a name',
        fix: `list the one to use under \`plugins\` in the config, or remove the other: pnpm remove ${second.name}`,
        exitCode: 2,
      });
    }
    found.add(first);
  }
  return [...found];
}

/** True when some registry has the name, so that nothing needs to be imported for it. */
function isKnown(name: string): boolean {
  return Object.values(ROOT_REGISTRIES).some((root) => {
    const registry = root as Registry<unknown, object>;
    return registry.has(name) || (!name.includes('.') && registry.list().some((row) => row.name === name));
  });
}

/** Every string under a key `type` of plain values. */
function typesIn(value: unknown, found = new Set<string>(), seen = new Set<object>()): Set<string> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return found;
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return found;
  seen.add(value);
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'type' && typeof inner === 'string') found.add(inner);
    else typesIn(inner, found, seen);
  }
  return found;
}
