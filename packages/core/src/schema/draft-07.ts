/**
 * A JSON Schema of draft 2020-12 in the words of draft 07: definitions and fixed list elements have other names there.
 * @see https://json-schema.org/draft/2020-12/release-notes
 */
export function toDraft07(schema: Record<string, unknown>): Record<string, unknown> {
  return { ...(translate(schema) as object), $schema: 'http://json-schema.org/draft-07/schema#' };
}

/** Keywords whose members have names of their own and are schemas. */
const MAPPINGS = new Set(['properties', '$defs']);

/** Keywords whose value is no schema. */
const VALUES = new Set(['enum', 'const', 'required']);

function translate(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(translate);
  if (typeof schema !== 'object' || schema === null) return schema;
  const result: Record<string, unknown> = {};
  const fixed = Object.hasOwn(schema, 'prefixItems');
  for (const [key, value] of Object.entries(schema)) {
    if (VALUES.has(key)) result[key] = value;
    else if (MAPPINGS.has(key)) {
      const members = Object.entries(value as object).map(([name, one]) => [name, translate(one)]);
      result[key === '$defs' ? 'definitions' : key] = Object.fromEntries(members);
    } else if (key === '$ref') result[key] = String(value).replace('#/$defs/', '#/definitions/');
    else if (key === 'prefixItems') result.items = translate(value);
    else if (key === 'items' && fixed) result.additionalItems = translate(value);
    else result[key] = translate(value);
  }
  return result;
}
