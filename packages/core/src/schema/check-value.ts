import { badValue } from '../check-keys.js';
import { isPlainObject, joinPath } from '../config/values.js';
import { EngineError, show } from '../errors.js';
import { listNames, nearest } from '../suggest.js';
import type { BoundSchema, OptionSchema } from './json-schema.js';
import { about } from './problem-path.js';

type Kind = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object' | 'instance' | 'function';

/** What checks the config of a part; given to {@link checkValue} so that it need not know registries. */
export type PartCheck = (schema: OptionSchema, value: unknown, path: string) => EngineError[];

/** What {@link checkValue} needs beside the value. */
export interface CheckContext {
  defs: BoundSchema['defs'];
  part: PartCheck;
  /** What has these options, for messages: `SGD`. */
  owner: string;
}

/** Everything that a schema finds wrong with a value. Values that no text file can hold are taken on trust. */
export function checkValue(
  schema: OptionSchema,
  value: unknown,
  path: string,
  context: CheckContext,
): EngineError[] {
  const rule = deref(schema, context.defs);
  if (rule['x-registry'] !== undefined || rule['x-component']) return context.part(rule, value, path);
  if (rule.anyOf) return checkUnion(rule.anyOf, value, path, context);
  const kind = kindOf(value);
  if (!accepts(rule, kind, context.defs)) return [wrong(rule, value, path, context)];
  if (rule.enum && !rule.enum.includes(value)) return [wrong(rule, value, path, context)];
  if ('const' in rule && rule.const !== value) return [wrong(rule, value, path, context)];
  if (rule.not) return [unknownKey(path, value, context.owner, [])];
  if (rule.type === 'array') return checkList(rule, value as unknown[], path, context);
  if (rule.type === 'object' && kind === 'object') {
    return checkOptions(rule, value as Record<string, unknown>, path, { ...context, owner: path });
  }
  return [];
}

/** The same for the members of a mapping: unknown, missing and wrong ones. */
export function checkOptions(
  schema: OptionSchema,
  values: Readonly<Record<string, unknown>>,
  path: string,
  context: CheckContext,
): EngineError[] {
  const { properties = {}, required = [], additionalProperties: others = true } = schema;
  const problems: EngineError[] = [];
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const full = joinPath(path, key);
    if (Object.hasOwn(properties, key)) {
      // An option that may be left out may be null, too: whether that means the same is up to its owner.
      if (value === null && !required.includes(key)) continue;
      problems.push(...checkValue(properties[key]!, value, full, context));
    } else if (others === false) {
      problems.push(unknownKey(full, value, context.owner, Object.keys(properties)));
    } else if (others !== true) problems.push(...checkValue(others, value, full, context));
  }
  for (const key of required) {
    if (values[key] === undefined) problems.push(missing(key, properties[key] ?? {}, path, context));
  }
  return problems;
}

function checkList(
  rule: OptionSchema,
  list: readonly unknown[],
  path: string,
  context: CheckContext,
): EngineError[] {
  if (list.length < (rule.minItems ?? 0) || list.length > (rule.maxItems ?? Infinity)) {
    return [wrong(rule, list, path, context)];
  }
  return list.flatMap((item, i) => {
    const each = rule.prefixItems?.[i] ?? rule.items;
    return each ? checkValue(each, item, joinPath(path, i), context) : [];
  });
}

/** Of the alternatives that take a value of this kind, the one that finds least speaks for all. */
function checkUnion(
  options: readonly OptionSchema[],
  value: unknown,
  path: string,
  context: CheckContext,
): EngineError[] {
  const { defs } = context;
  const rules = options.map((option) => deref(option, defs)).flatMap((rule) => rule.anyOf ?? [rule]);
  const kind = kindOf(value);
  const able = rules.map((rule) => deref(rule, defs)).filter((rule) => accepts(rule, kind, defs));
  const written = able.filter((rule) => rule['x-instance'] === undefined);
  const fitting = written.length > 0 && !madeByProgram(value) ? written : able;
  if (fitting.length === 0) return [wrong({ anyOf: rules }, value, path, context)];
  let least: EngineError[] | undefined;
  for (const rule of fitting) {
    const found = checkValue(rule, value, path, context);
    if (found.length === 0) return [];
    if (least === undefined || found.length < least.length) least = found;
  }
  const single = fitting.length > 1 && kind !== 'object' && kind !== 'array';
  return single ? [wrong({ anyOf: rules }, value, path, context)] : least!;
}

/** An object with functions in it is no config, but an object literal in place of an instance. */
function madeByProgram(value: unknown): boolean {
  return isPlainObject(value) && Object.values(value).some((member) => typeof member === 'function');
}

/** What an option may be, for messages: `a number or 'auto'`. */
export function describeSchema(schema: OptionSchema, defs: BoundSchema['defs']): string {
  const rule = deref(schema, defs);
  if (rule.anyOf) return [...new Set(rule.anyOf.map((one) => describeSchema(one, defs)))].join(' or ');
  if (rule['x-registry'] !== undefined) return `a config of ${rule['x-registry']} with its \`type\``;
  if (rule['x-component']) return 'a config with its `type`';
  if (rule['x-instance'] !== undefined) return `an object like ${rule['x-instance']}`;
  if (rule['x-function']) return 'a function';
  if (rule.enum) return listNames(rule.enum.map((one) => show(one)));
  if ('const' in rule) return show(rule.const);
  if (rule.type === 'array') return describeList(rule, defs);
  if (rule.type === 'object') {
    const names = Object.keys(rule.properties ?? {});
    return names.length > 0 ? `a mapping with ${listNames(names)}` : 'a mapping';
  }
  return rule.type === undefined
    ? 'a value'
    : ({ null: 'null', boolean: 'true or false' }[rule.type as 'null'] ?? `a ${rule.type}`);
}

function describeList(rule: OptionSchema, defs: BoundSchema['defs']): string {
  const fixed = rule.prefixItems;
  if (!fixed) return `a list, each element ${describeSchema(rule.items ?? {}, defs)}`;
  const kinds = new Set(fixed.map((item) => describeSchema(item, defs)));
  return (
    `a list of ${rule.maxItems ?? 'at least'} ${rule.maxItems === undefined ? rule.minItems : ''}`.trim() +
    `, each ${[...kinds].join(' or ')}`
  );
}

export function deref(schema: OptionSchema, defs: BoundSchema['defs']): OptionSchema {
  if (schema.$ref === undefined) return schema;
  return defs[schema.$ref.slice('#/$defs/'.length)] ?? {};
}

function kindOf(value: unknown): Kind {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'object') return isPlainObject(value) ? 'object' : 'instance';
  return typeof value as Kind;
}

function accepts(rule: OptionSchema, kind: Kind, defs: BoundSchema['defs']): boolean {
  if (rule.anyOf) return rule.anyOf.some((one) => accepts(deref(one, defs), kind, defs));
  if (rule['x-registry'] !== undefined) {
    return kind === 'object' || kind === 'instance' || (kind === 'array' && rule['x-registry'] === 'MODELS');
  }
  if (rule['x-component']) return kind === 'object' || kind === 'instance';
  // An object literal with the right methods is as good as an instance; only running tells.
  if (rule['x-instance'] !== undefined) return kind === 'instance' || kind === 'object' || kind === 'array';
  if (rule['x-function']) return kind === 'function';
  if (rule.enum) return rule.enum.some((one) => kindOf(one) === kind);
  if ('const' in rule) return kindOf(rule.const) === kind;
  // Typed arrays and host arrays stand for lists, instances for mappings with the same members.
  if (kind === 'instance') return rule.type === undefined || rule.type === 'array' || rule.type === 'object';
  return rule.type === undefined || rule.type === kind;
}

function wrong(rule: OptionSchema, value: unknown, path: string, context: CheckContext): EngineError {
  return about(badValue(path, value, describeSchema(rule, context.defs)), path);
}

function missing(key: string, rule: OptionSchema, path: string, context: CheckContext): EngineError {
  const full = joinPath(path, key);
  const error = new EngineError({
    code: 'E_CONFIG_MISSING',
    what: `${context.owner} needs the option '${key}'.`,
    option: key,
    received: `no ${full}`,
    expected: describeSchema(rule, context.defs),
    fix: `add ${key}`,
    exitCode: 2,
  });
  return about(error, full);
}

function unknownKey(path: string, value: unknown, owner: string, known: readonly string[]): EngineError {
  const key = path.slice(path.lastIndexOf('.') + 1);
  const error = new EngineError({
    code: 'E_CONFIG_UNKNOWN_KEY',
    what: `${owner} has no option '${key}'.`,
    option: key,
    received: `${path} = ${show(value)}`,
    expected: known.length ? `one of ${listNames(known)}` : 'no options',
    didYouMean: nearest(key, known),
    fix: 'correct the key, or remove it',
    exitCode: 2,
  });
  return about(error, path);
}
