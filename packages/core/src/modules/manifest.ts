import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../errors.js';
import { lazyModule } from '../lazy-module.js';
import { CORE_VERSION } from '../version.js';

/** Version of what a plugin may rely on; a plugin's manifest says which one it was written for. */
export const PLUGIN_API_VERSION = 1;

const semver = lazyModule<typeof import('semver')>(import.meta.url, 'semver');

/** What a package says in the field `engine` of its package.json. */
export interface PluginManifest {
  /** Name and version of the package. */
  name: string;
  version: string;
  /** Its folder, links resolved. */
  folder: string;
  /** See {@link PLUGIN_API_VERSION}. */
  apiVersion: number;
  /** Versions of @engine/core that it works with, as npm writes ranges; undefined when it does not say. */
  coreRange?: string | undefined;
  /** Absolute path of the file that describes the options of its parts, see `PackageSchema`; undefined for none. */
  schema?: string | undefined;
  /** Names that importing it registers, by registry; those of a scope as `scope.Name`. */
  registers: Record<string, string[]>;
}

/**
 * The manifest of the package in a folder; undefined where there is no package, or one that is no plugin. A field
 * `engine` of another shape is somebody else's and ignored.
 */
export function readManifest(folder: string): PluginManifest | undefined {
  let content: Record<string, unknown>;
  try {
    const text = readFileSync(join(folder, 'package.json'), 'utf8');
    // Parsing every package.json of a big node_modules takes far longer than reading it.
    if (!text.includes('"engine"')) return undefined;
    content = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { name, version = '0.0.0', engine } = content;
  if (typeof name !== 'string' || typeof version !== 'string' || !isRecord(engine)) return undefined;
  const { apiVersion, registers, schema } = engine;
  if (typeof apiVersion !== 'number' || !isRecord(registers)) return undefined;
  const lists = Object.entries(registers).map(([registry, names]): [string, string[]] => [
    registry,
    Array.isArray(names) ? names.filter((one) => typeof one === 'string') : [],
  ]);
  const ranges = [content.peerDependencies, content.dependencies].filter(isRecord);
  const range = ranges.map((group) => group['@engine/core']).find((one) => typeof one === 'string');
  const home = realpathSync(folder);
  return {
    name,
    version,
    folder: home,
    apiVersion,
    ...(typeof schema === 'string' && { schema: join(home, schema) }),
    // Inside a workspace the range is that of the checkout.
    coreRange: range?.startsWith('workspace:') ? undefined : range,
    registers: Object.fromEntries(lists),
  };
}

/**
 * Refuses a plugin that was made for another engine.
 * @throws E_PLUGIN_VERSION with both versions
 */
export function checkVersion(plugin: PluginManifest, core: string = CORE_VERSION): void {
  const named = `${plugin.name}@${plugin.version}`;
  if (plugin.apiVersion !== PLUGIN_API_VERSION) {
    throw new EngineError({
      code: 'E_PLUGIN_VERSION',
      what: `The plugin ${named} was written for another plugin API.`,
      received: `apiVersion ${plugin.apiVersion} of ${named}`,
      expected: `apiVersion ${PLUGIN_API_VERSION}, that of @engine/core@${core}`,
      fix: `update ${plugin.apiVersion < PLUGIN_API_VERSION ? plugin.name : '@engine/core'}`,
      exitCode: 2,
    });
  }
  const { coreRange } = plugin;
  if (coreRange === undefined || semver().validRange(coreRange) === null) return;
  if (semver().satisfies(core, coreRange, { includePrerelease: true })) return;
  throw new EngineError({
    code: 'E_PLUGIN_VERSION',
    what: `The plugin ${named} does not fit this version of the engine.`,
    received: `@engine/core@${core}`,
    expected: `@engine/core ${coreRange}, which ${named} asks for`,
    fix: semver().gtr(core, coreRange)
      ? `update ${plugin.name}, or install an older engine`
      : `pnpm add @engine/core@"${coreRange}"`,
    exitCode: 2,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
