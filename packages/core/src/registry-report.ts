import { writeFileSync } from 'node:fs';
import { ROOT_REGISTRIES } from './registries.js';
import type { Registry } from './registry.js';

/** One registry of a tree: its own names. */
export interface RegistryCount {
  /** Number of names, aliases included. */
  numModules: number;
  scope: string;
  /** Names by the package that registered them; `(unknown)` where that cannot be told. */
  modules: Record<string, string[]>;
}

/** What is registered, with the time it was looked at (ISO 8601). */
export interface RegistryReport {
  scanDate: string;
  registries: Record<string, RegistryCount[]>;
}

/** A registry and those below it, the root first, scopes in the order in which they came. Empty ones are left out. */
export function traverseRegistryTree(registry: Registry<unknown, object>): RegistryCount[] {
  return walk(registry.root);
}

function walk(registry: Registry<unknown, object>): RegistryCount[] {
  const modules: Record<string, string[]> = {};
  for (const { name, from } of registry.list(true)) {
    (modules[registry.siteOf(name).package ?? from ?? '(unknown)'] ??= []).push(name);
  }
  const own = registry.size > 0 ? [{ numModules: registry.size, scope: registry.scope, modules }] : [];
  return [...own, ...[...registry.children.values()].flatMap(walk)];
}

/**
 * Counts what every root registry and the scopes below it hold.
 * @param savePath file to write the report to as JSON
 */
export function countRegisteredModules(savePath?: string): RegistryReport {
  const registries = Object.fromEntries(
    Object.entries(ROOT_REGISTRIES).map(([name, root]) => [name, walk(root as Registry<unknown, object>)]),
  );
  const report = { scanDate: new Date().toISOString(), registries };
  if (savePath !== undefined) writeFileSync(savePath, `${JSON.stringify(report, null, 2)}\n`);
  return report;
}
