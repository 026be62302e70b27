import { isPlainObject, joinPath } from '../config/values.js';
import { addWhere, EngineError, isEngineError, show } from '../errors.js';
import { provenanceOf, showOrigin, type ConfigOrigin } from '../provenance.js';
import { ROOT_REGISTRIES } from '../registries.js';
import type { Entry, Registry } from '../registry.js';
import { checkOptions, describeSchema, type CheckContext } from './check-value.js';
import type { BoundSchema, OptionSchema } from './json-schema.js';
import { about, problemPath } from './problem-path.js';
import { declaredConfig, declaredOptions } from './provided.js';
import { issuesOf, schemaOfEntry } from './standard-schema.js';

/** How {@link checkConfig} reads a config. */
export interface CheckConfigOptions {
  /** Scope in which plain type names are looked up first. */
  scope?: string | undefined;
  /** Where the value at a path comes from; what the values themselves remember unless said. */
  origin?: (path: string) => ConfigOrigin | undefined;
  /** The type of a part that names none, where it depends on its other options. */
  defaultType?: (path: string, config: Readonly<Record<string, unknown>>) => string | undefined;
}

/**
 * Everything that is wrong with a config as far as it can be told without building anything: unknown, missing and wrong
 * options at every depth, unknown types. Parts that declare no options are left to their constructors.
 *
 * @param values plain values; where they come from a loaded config, problems say file and line
 */
export function checkConfig(
  values: Record<string, unknown>,
  options: CheckConfigOptions = {},
): EngineError[] {
  const bound = declaredConfig();
  if (!bound) return [];
  const context: CheckContext = { defs: bound.defs, owner: 'The config', part: partCheck(options) };
  const problems = checkOptions(bound.schema, values, '', context);
  const find = options.origin ?? ((path: string) => provenanceOf(values)?.locate(path));
  for (const problem of problems) {
    const origin = locate(problemPath(problem) ?? '', find);
    if (origin) addWhere(problem, showOrigin(origin));
  }
  return problems;
}

/**
 * Everything that is wrong with the config of one part.
 * @param registry name of a root registry: `OPTIMIZERS`
 */
export function checkPart(
  registry: string,
  config: unknown,
  path = '',
  options: CheckConfigOptions = {},
): EngineError[] {
  return partCheck(options)({ 'x-registry': registry }, config, path);
}

/** The newest origin of a path, or of the nearest thing around it. */
function locate(path: string, find: (path: string) => ConfigOrigin | undefined): ConfigOrigin | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('.'), 0))) {
    const found = find(at);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function partCheck(options: CheckConfigOptions, scope = options.scope): CheckContext['part'] {
  const check = (rule: OptionSchema, value: unknown, path: string): EngineError[] => {
    if (Array.isArray(value) && rule['x-registry'] === 'MODELS') {
      return value.flatMap((item, i) => check(rule, item, joinPath(path, i)));
    }
    if (!isPlainObject(value)) {
      return typeof value === 'object' && value !== null ? [] : [noConfig(rule, value, path)];
    }
    const keys = rule['x-many'];
    if (keys && Object.keys(value).length > 0 && !keys.some((key) => Object.hasOwn(value, key))) {
      return Object.entries(value).flatMap(([name, one]) => check(rule, one, joinPath(path, name)));
    }
    const name = rule['x-registry'];
    const registry = (ROOT_REGISTRIES as unknown as Record<string, Registry<unknown> | undefined>)[
      name ?? ''
    ];
    if (!registry) return [];
    const { type = options.defaultType?.(path, value) ?? rule['x-default'], _scope_: own, ...rest } = value;
    if (typeof type === 'function') return [];
    if (typeof type !== 'string') return [noConfig(rule, value, path)];
    const inside = typeof own === 'string' ? own : scope;
    const at = registry.atScope(inside);
    try {
      at.require(type, path);
    } catch (error) {
      if (isEngineError(error)) return [about(error, joinPath(path, 'type'))];
      throw error;
    }
    const nested = inside === scope ? check : partCheck(options, inside);
    return checkParts(registry, type, inside, rest, rule, path, nested);
  };
  return check;
}

function checkParts(
  registry: Registry<unknown>,
  type: string,
  scope: string | undefined,
  rest: Record<string, unknown>,
  rule: OptionSchema,
  path: string,
  part: CheckContext['part'],
): EngineError[] {
  const entry = registry.atScope(scope).get(type)!;
  const own = schemaOfEntry(entry);
  if (own) return issuesOf(own, rest, type, path);
  const bound = optionsOf(registry, type, entry);
  if (!bound) return [];
  const context: CheckContext = { defs: bound.defs, owner: type, part };
  const also = rule['x-also'] ?? {};
  const beside = Object.fromEntries(Object.entries(rest).filter(([key]) => Object.hasOwn(also, key)));
  const inner = Object.fromEntries(Object.entries(rest).filter(([key]) => !Object.hasOwn(beside, key)));
  const config = declaredConfig();
  return [
    ...checkOptions({ properties: also }, beside, path, { ...context, defs: config?.defs ?? {} }),
    ...checkOptions(bound.schema, inner, path, context),
  ];
}

/** The schema that a package gives a registered part, by whichever of its names. */
export function optionsOf(
  registry: Registry<unknown>,
  type: string,
  entry: Entry | undefined,
): BoundSchema | undefined {
  const row = entry && registry.root.list().find((one) => one.entry === entry);
  const names = row
    ? [type, ...(row.scope === 'engine' ? [] : [`${row.scope}.${row.name}`]), row.name]
    : [type];
  for (const name of names) {
    const bound = declaredOptions(registry.name, name);
    if (bound) return bound;
  }
  return undefined;
}

function noConfig(rule: OptionSchema, value: unknown, path: string): EngineError {
  const error = new EngineError({
    code: 'E_CONFIG_TYPE',
    what: isPlainObject(value) ? `The config '${path}' has no 'type'.` : `The value of ${path} is no config.`,
    received: `${path} = ${show(value)}`,
    expected: describeSchema(rule, {}),
    exitCode: 2,
  });
  return about(error, path);
}
