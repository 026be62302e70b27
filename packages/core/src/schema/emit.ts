import { EngineError } from '../errors.js';
import { nearest } from '../suggest.js';
import { toDraft07 } from './draft-07.js';
import type { BoundSchema, OptionSchema, PackageSchema } from './json-schema.js';
import { declaredConfig, packageSchemas, type OnBrokenSchema } from './provided.js';

type Schema = Record<string, unknown>;

const DRAFT_2020 = 'https://json-schema.org/draft/2020-12/schema';

/** Keys that every config file may have at the top, beside what the Runner reads. */
const FILE_KEYS: Record<string, Schema> = {
  $schema: { type: 'string', description: 'Where this schema lies, for editors.' },
  _base_: {
    description: 'Config files that this one is merged over, relative to it.',
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
  },
  _deprecation_: { type: 'object', description: 'Warns whoever inherits from this file.' },
};

/**
 * JSON Schema (2020-12) of config files, for editors of YAML and JSON: all parts of the packages that are loaded or were
 * discovered, with their docs as descriptions. A file with `_base_` may say any part of a config; only its top-level keys
 * are checked.
 * @throws E_SCHEMA_FILE for a package whose schema cannot be used, unless `onBroken` takes it
 */
export function jsonSchema(onBroken?: OnBrokenSchema): Schema {
  const { files, plain, defs } = collect(onBroken);
  const bound = declaredConfig();
  const owner = files.findIndex((file) => file.config !== undefined);
  const { properties = {}, ...root } = plain(bound?.schema ?? {}, (name) => `${owner}.${name}`);
  delete root.additionalProperties;
  const keys = { ...FILE_KEYS, ...(properties as Schema) };
  return {
    $schema: DRAFT_2020,
    title: 'Engine config',
    ...root,
    propertyNames: { enum: Object.keys(keys) },
    if: { required: ['_base_'] },
    else: { properties: keys },
    $defs: defs,
  };
}

/**
 * JSON Schema of one part's options, with the definitions that it refers to.
 * @throws E_SCHEMA_TARGET for another draft than 2020-12 and 07
 */
export function partJsonSchema({ schema, defs: own }: BoundSchema, target: string): Schema {
  if (target !== 'draft-2020-12' && target !== 'draft-07') {
    throw new EngineError({
      code: 'E_SCHEMA_TARGET',
      what: 'Options cannot be described in this form.',
      received: target,
      expected: "'draft-2020-12' or 'draft-07'",
      didYouMean: nearest(target, ['draft-2020-12', 'draft-07']),
    });
  }
  const { files, plain, defs } = collect(() => {});
  const owner = files.findIndex((file) => file.$defs === own);
  const part = plain(schema, (name) => `${owner}.${name}`);
  const needed = new Map<string, unknown>();
  const visit = (value: unknown): void => {
    for (const [, name] of JSON.stringify(value).matchAll(/"#\/\$defs\/([^"]+)"/g)) {
      if (needed.has(name!)) continue;
      needed.set(name!, defs[name!]);
      visit(defs[name!]);
    }
  };
  visit(part);
  const whole = {
    $schema: DRAFT_2020,
    ...part,
    ...(needed.size > 0 && { $defs: Object.fromEntries(needed) }),
  };
  return target === 'draft-07' ? toDraft07(whole) : whole;
}

/** All schema files, what turns their schemas into plain ones, and plain definitions: their types, and all registries. */
function collect(onBroken?: OnBrokenSchema) {
  const files = packageSchemas(onBroken);
  const plain = plainSchemas(files);
  const defs: Schema = {};
  const registries = new Map<string, Map<string, Schema>>();
  files.forEach((file, i) => {
    const rename = (name: string): string => `${i}.${name}`;
    for (const [name, schema] of Object.entries(file.$defs)) defs[rename(name)] = plain(schema, rename);
    for (const [registry, parts] of Object.entries(file.parts ?? {})) {
      const configs = registries.get(registry) ?? new Map<string, Schema>();
      registries.set(registry, configs);
      for (const [name, options] of Object.entries(parts)) {
        if (!configs.has(name)) configs.set(name, config(name, plain(options, rename)));
      }
    }
  });
  const names = [...registries.values()].flatMap((configs) => [...configs.keys()]);
  const scopes = new Set(names.filter((name) => name.includes('.')).map((name) => name.split('.', 1)[0]!));
  // Parts of libraries that declare nothing are asked for by scope.
  const foreign = {
    type: 'object',
    properties: {
      type: { type: 'string', pattern: `^(?!(?:${[...scopes].map(escape).join('|')})\\.)\\w+\\.` },
    },
    required: ['type'],
  };
  for (const [registry, configs] of registries) defs[registry] = { anyOf: [...configs.values(), foreign] };
  return { files, plain, defs: ensure(defs) };
}

/** A name as a regular expression. */
function escape(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Registries of which no package declares a part: any config with a type. */
function ensure(defs: Schema): Schema {
  const wanted = JSON.stringify(defs).matchAll(/"#\/\$defs\/([A-Z_]+)"/g);
  for (const [, name] of wanted) defs[name!] ??= { type: 'object', required: ['type'] };
  return defs;
}

function config(name: string, options: Schema): Schema {
  const { properties = {}, required = [], ...rest } = options as { properties?: Schema; required?: string[] };
  return {
    ...rest,
    type: 'object',
    properties: { type: { const: name }, _scope_: { type: 'string' }, ...properties },
    required: ['type', ...required],
  };
}

type Rename = (name: string) => string;

/** Makes schemas without what only a program can hold. */
function plainSchemas(files: readonly PackageSchema[]): (schema: OptionSchema, rename: Rename) => Schema {
  function plain(schema: OptionSchema, rename: Rename): Schema {
    const each = (one: OptionSchema): Schema => plain(one, rename);
    const members = (of: Readonly<Record<string, OptionSchema>>): Schema =>
      Object.fromEntries(Object.entries(of).map(([key, one]) => [key, each(one)]));
    const { description } = schema;
    const docs = description === undefined ? {} : { description };
    if (schema['x-registry'] !== undefined)
      return { ...docs, ...registryConfig(schema, files, each, members) };
    if (schema['x-component']) return { ...docs, type: 'object', required: ['type'] };
    if (schema['x-instance'] !== undefined || schema['x-function']) return { ...docs, not: {} };
    if (schema.$ref !== undefined) return { ...docs, $ref: `#/$defs/${rename(schema.$ref.slice(8))}` };
    const { anyOf, not, properties, additionalProperties, items, prefixItems, ...rest } = schema;
    const result: Schema = { ...rest };
    if (anyOf) {
      const writable = anyOf.filter((one) => one['x-instance'] === undefined && !one['x-function']);
      result.anyOf = (writable.length > 0 ? writable : anyOf).map(each);
    }
    if (not) result.not = each(not);
    if (properties) result.properties = members(properties);
    if (additionalProperties !== undefined) {
      result.additionalProperties =
        typeof additionalProperties === 'boolean' ? additionalProperties : each(additionalProperties);
    }
    if (prefixItems) result.prefixItems = prefixItems.map(each);
    if (items) result.items = each(items);
    return result;
  }
  return plain;
}

function registryConfig(
  schema: OptionSchema,
  files: readonly PackageSchema[],
  each: (one: OptionSchema) => Schema,
  members: (of: Readonly<Record<string, OptionSchema>>) => Schema,
): Schema {
  const registry = schema['x-registry']!;
  const named = { $ref: `#/$defs/${registry}` };
  if (schema['x-default'] === undefined) {
    return registry === 'MODELS' ? { anyOf: [named, { type: 'array', items: named }] } : named;
  }
  // Parts that need no type, or that stand beside other options: their keys, whichever of the registry's parts is meant.
  const options: Schema = { type: { type: 'string' }, _scope_: { type: 'string' } };
  for (const { parts } of files) {
    for (const part of Object.values(parts?.[registry] ?? {})) {
      for (const [key, one] of Object.entries(part.properties ?? {})) {
        options[key] = one.description === undefined ? {} : { description: one.description };
      }
    }
  }
  const also = members(schema['x-also'] ?? {});
  const single = { type: 'object', properties: { ...options, ...also }, additionalProperties: false };
  const keys = schema['x-many'];
  if (!keys) return single;
  const many = { type: 'object', additionalProperties: each({ ...without(schema, 'x-many') }) };
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  return { if: { anyOf: keys.map((key) => ({ required: [key] })) }, then: single, else: many };
}

function without(schema: OptionSchema, key: 'x-many'): OptionSchema {
  const copy = { ...schema };
  delete copy[key];
  return copy;
}
