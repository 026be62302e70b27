import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { shared } from '../shared.js';
import { CORE_VERSION } from '../version.js';
import { readManifest, type PluginManifest } from './manifest.js';

/** Layout of the cache file. */
const CACHE_VERSION = 2;

/** Files that change with whatever is installed. */
const LOCKFILES = ['pnpm-lock.yaml', 'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'bun.lock'];

interface Scan {
  plugins: PluginManifest[];
  /** Folders of packages that are linked in: they change without the lockfile, and are read every time. */
  linked: string[];
}

const scanned = shared('discovered-plugins', () => new Map<string, PluginManifest[]>());

/**
 * Packages with a plugin manifest that a project has: in every `node_modules` from its folder upwards, and the packages
 * that the folder itself lies in. The nearest of one name counts. Nothing is imported. What was found is kept in
 * `node_modules/.cache/engine` for as long as the lockfile stays the same.
 */
export function discoverPlugins(baseDir: string): PluginManifest[] {
  const start = resolve(baseDir);
  const known = scanned.get(start);
  if (known) return known;
  const found = new Map<string, PluginManifest>();
  const keep = (plugin: PluginManifest | undefined): void => {
    if (plugin && !found.has(plugin.name)) found.set(plugin.name, plugin);
  };
  for (let folder = start; ; folder = dirname(folder)) {
    keep(readManifest(folder));
    const modules = join(folder, 'node_modules');
    if (existsSync(modules)) scanCached(modules, folder).forEach(keep);
    if (dirname(folder) === folder) break;
  }
  const plugins = [...found.values()];
  scanned.set(start, plugins);
  return plugins;
}

/** Plugins that were discovered in this process so far, for hints. */
export function discoveredPlugins(): PluginManifest[] {
  return [...scanned.values()].flat();
}

/** Looks again at the next call: for tests and long-lived processes. */
export function forgetDiscoveredPlugins(): void {
  scanned.clear();
}

function scanCached(modules: string, project: string): PluginManifest[] {
  const key = lockKey(project, modules);
  const file = join(modules, '.cache', 'engine', 'plugins.json');
  const cached = key === undefined ? undefined : readCache(file, key);
  const scan = cached ?? scanModules(modules);
  if (key !== undefined && !cached) writeCache(file, key, scan);
  return [...scan.linked.map(readManifest).filter((one) => one !== undefined), ...scan.plugins];
}

/** Hash of the lockfiles that decide what lies in a `node_modules`; undefined where there is none to trust. */
function lockKey(project: string, modules: string): string | undefined {
  const files = [join(modules, '.package-lock.json'), join(modules, '.modules.yaml')];
  for (let folder = project; ; folder = dirname(folder)) {
    const here = LOCKFILES.map((name) => join(folder, name)).filter((name) => existsSync(name));
    files.push(...here);
    if (here.length > 0) break;
    if (dirname(folder) === folder) return undefined;
  }
  const hash = createHash('sha256').update(`${CACHE_VERSION} ${CORE_VERSION} ${modules}`);
  for (const file of files) if (existsSync(file)) hash.update(readFileSync(file, 'utf8'));
  return hash.digest('hex');
}

function scanModules(modules: string): Scan {
  const scan: Scan = { plugins: [], linked: [] };
  // Packages in a store of node_modules itself (pnpm's) are links, but never change in place.
  const inside = `${sep}node_modules${sep}`;
  for (const name of packageNames(modules)) {
    const folder = join(modules, name);
    try {
      if (lstatSync(folder).isSymbolicLink() && !realpathSync(folder).includes(inside)) {
        scan.linked.push(folder);
        continue;
      }
    } catch {
      continue;
    }
    const plugin = readManifest(folder);
    if (plugin) scan.plugins.push(plugin);
  }
  return scan;
}

function packageNames(modules: string): string[] {
  return list(modules).flatMap((name) => {
    if (name.startsWith('.')) return [];
    return name.startsWith('@') ? list(join(modules, name)).map((inner) => join(name, inner)) : [name];
  });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** What was found when the lockfiles were the same; undefined when there is nothing, or nothing that makes sense. */
function readCache(file: string, key: string): Scan | undefined {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as Partial<Scan> & { key?: unknown };
    const { plugins, linked } = content;
    if (content.key !== key || !Array.isArray(plugins) || !Array.isArray(linked)) return undefined;
    const whole = plugins.every(
      (one) => typeof one.name === 'string' && typeof one.folder === 'string' && existsSync(one.folder),
    );
    return whole ? { plugins, linked } : undefined;
  } catch {
    return undefined;
  }
}

function writeCache(file: string, key: string, scan: Scan): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, JSON.stringify({ key, ...scan }));
    renameSync(draft, file);
  } catch {
    // A folder that cannot be written to is scanned every time.
  }
}
