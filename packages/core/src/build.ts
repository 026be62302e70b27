import { createRunContainer, injectedArguments, type DependencyContainer } from './di.js';
import { addWhere, EngineError, isEngineError, show } from './errors.js';
import { provenanceOf, showOrigin, type Provenance } from './provenance.js';
import type { Entry, Registry } from './registry.js';
import { throwProblems } from './schema/problems.js';
import { issuesOf, schemaOfEntry } from './schema/standard-schema.js';
import { withScope } from './scope.js';
import { shared } from './shared.js';
import type { ComponentConfig } from './types.js';

export interface BuildOptions {
  /** Options used where the config has none (also `type`). */
  defaults?: Record<string, unknown>;
  /** Constructor arguments that come before the options, such as an optimizer's parameters. */
  args?: readonly unknown[];
  /** Where injected services come from; the container of the surrounding build when absent. */
  container?: DependencyContainer | undefined;
  /** Path of the config inside the whole config, for error messages: `optimWrapper.optimizer`. */
  path?: string | undefined;
  /** The object of the loaded config that this config was copied from: says where a mistake stands. */
  from?: object | undefined;
}

export type BuildFunction = (
  config: unknown,
  registry: Registry<unknown, object>,
  options: BuildOptions,
) => unknown;

/** The container of the build in progress, so that nested builds in constructors find the run's services. */
const ambient = shared<{ container?: DependencyContainer | undefined }>('build', () => ({}));

/** The config an object was built from, so that it can be built again elsewhere (worker threads) or dumped. */
const configs = shared('configs', () => new WeakMap<object, ComponentConfig>());

/** The config that `built` was made from by a registry, if it was. */
export function configOf(built: unknown): ComponentConfig | undefined {
  return typeof built === 'object' && built !== null ? configs.get(built) : undefined;
}

/** True for a plain object that names its type: what a registry can build. */
export function isComponentConfig(value: unknown): value is ComponentConfig {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype !== Object.prototype && prototype !== null) return false;
  const type = (value as { type?: unknown }).type;
  return typeof type === 'string' || typeof type === 'function';
}

function isClass(entry: Entry): entry is new (...args: unknown[]) => unknown {
  return (
    /^class\b/.test(Function.prototype.toString.call(entry)) ||
    Object.getOwnPropertyNames(entry.prototype ?? {}).length > 1
  );
}

/** `configs/r18.yaml:12` of an option of a config that came from a file. */
function lineOf(source: Provenance | undefined, option?: string): string | undefined {
  if (!source) return undefined;
  const full = [source.path, option].filter(Boolean).join('.');
  const origin = source.locate(full) ?? source.locate(source.path);
  return origin && showOrigin(origin);
}

/** Config path and line of what an error thrown by a part is about. */
function whereOf(error: EngineError, path: string | undefined, source: Provenance | undefined): string {
  const said = path !== undefined && path !== '' && error.parts.received?.includes(path) === true;
  return [said ? undefined : path, lineOf(source, error.parts.option)].filter(Boolean).join(', ');
}

/**
 * The default build function: looks `type` up (a class or function may stand there itself), and calls it with
 * `...args`, the remaining options as one object, and whatever services it asked for.
 *
 * @throws E_CONFIG_TYPE when the config is no object or has no `type`
 * @throws E_REGISTRY_UNKNOWN when no entry has that name
 */
export const buildFromConfig: BuildFunction = (config, registry, options) => {
  const source = provenanceOf(config) ?? provenanceOf(options.from);
  // A part names its own part of the path only; the loaded config knows all of it.
  const path = source?.path || options.path;
  const where = path ? ` at '${path}'` : '';
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new EngineError({
      code: 'E_CONFIG_TYPE',
      what: `A ${registry.name} config${where} must be an object with a 'type'.`,
      received: show(config),
      expected: "an object such as { type: 'Name', ...options }",
      exitCode: 2,
    });
  }
  const merged: Record<string, unknown> = { ...options.defaults, ...(config as Record<string, unknown>) };
  const { type, _scope_: scope, ...rest } = merged;
  if (typeof type !== 'string' && typeof type !== 'function') {
    throw new EngineError({
      code: 'E_CONFIG_TYPE',
      what: `A ${registry.name} config${where} has no 'type'.`,
      received: show(config),
      expected: 'a registered name, a class or a function as `type`',
      exitCode: 2,
    });
  }
  return withScope(scope as string | undefined, () => {
    const at = registry.atScope(scope as string | undefined);
    const entry: Entry =
      typeof type === 'string' ? at.require(type, path, lineOf(source, 'type')) : (type as Entry);
    const container = options.container ?? ambient.container ?? createRunContainer();
    const outer = ambient.container;
    ambient.container = container;
    try {
      const schema = schemaOfEntry(entry);
      if (schema) throwProblems(issuesOf(schema, rest, entry.name, path ?? ''));
      const args: unknown[] = [...(options.args ?? []), rest];
      for (const [index, service] of injectedArguments(entry, container)) args[index] = service;
      const built = isClass(entry) ? new entry(...args) : (entry as (...a: unknown[]) => unknown)(...args);
      if (typeof built === 'object' && built !== null) configs.set(built, merged as ComponentConfig);
      return built;
    } catch (error) {
      if (isEngineError(error)) addWhere(error, whereOf(error, path, source));
      throw error;
    } finally {
      ambient.container = outer;
    }
  });
};
