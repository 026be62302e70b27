// Type tests of every part that is declared: its options compile; unknown, missing and mistyped ones do not.

const HEAD = `// Written by \`node scripts/gen-schemas.mjs\`; checked by \`npm run check\` (types). Every line that must not compile says so.
`;

/** An expression that a schema accepts; undefined when there is none to write. */
function sample(schema, defs) {
  const rule = schema.$ref ? defs[schema.$ref.slice('#/$defs/'.length)] : schema;
  if (rule['x-registry'] || rule['x-component']) return 'part';
  if (rule['x-instance'] || rule['x-function']) return 'instance';
  if (rule.anyOf)
    return rule.anyOf.map((one) => sample(one, defs)).find((one) => one !== 'instance') ?? 'instance';
  if (rule.enum) return literal(rule.enum[0]);
  if ('const' in rule) return literal(rule.const);
  switch (rule.type) {
    case 'number':
      return '1';
    case 'string':
      return "'a'";
    case 'boolean':
      return 'true';
    case 'null':
      return 'null';
    case 'array': {
      const items = (rule.prefixItems ?? (rule.items ? [rule.items] : [])).map((item) => sample(item, defs));
      return `[${items.join(', ')}]`;
    }
    case 'object':
      return `{ ${members(rule, defs).join(', ')} }`;
    default:
      return "'a'";
  }
}

function literal(value) {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

function members(rule, defs, except) {
  return (rule.required ?? [])
    .filter((key) => key !== except)
    .map((key) => `${key}: ${sample(rule.properties[key], defs)}`);
}

/** An option whose type says something. */
function typedOption(rule) {
  return Object.entries(rule.properties ?? {}).find(
    ([, one]) => Object.keys(one).some((key) => key !== 'description') && !one.not,
  )?.[0];
}

function cases(name, rule, defs) {
  const start = `type: '${name}'`;
  const config = (...options) => `  { ${[start, ...options].join(', ')} },`;
  const lines = [config(...members(rule, defs))];
  const refuse = (why, ...options) => lines.push(`  // @ts-expect-error ${name}: ${why}`, config(...options));
  if (rule.additionalProperties === false)
    refuse('no such option', ...members(rule, defs), 'noSuchOption: 1');
  const typed = typedOption(rule);
  if (typed) refuse(`'${typed}' of another type`, ...members(rule, defs, typed), `${typed}: wrong`);
  const [required] = rule.required ?? [];
  if (required) refuse(`'${required}' is missing`, ...members(rule, defs, required));
  return lines;
}

/** @param schemas folder → what its schema.json holds */
export function typeTests(tables, schemas, tableOf) {
  const blocks = Object.entries(tableOf).flatMap(([registry, table]) => {
    const parts = tables.parts.filter((part) => part.registry === registry);
    if (parts.length === 0) return [];
    const lines = parts.flatMap(({ name, folder }) => {
      const { parts: known, $defs } = schemas.get(folder);
      return cases(name, known[registry][name], $defs);
    });
    return [`export const ${registry}: ConfigOf<${table}>[] = [`, ...lines, '];', ''];
  });
  const used = Object.entries(tableOf).filter(([registry]) =>
    tables.parts.some((part) => part.registry === registry),
  );
  const folders = [...new Set(tables.parts.map(({ folder }) => folder.split('/')[1]))].sort();
  return [
    HEAD.trimEnd(),
    `import type { ${['ConfigOf', 'InlineConfig', ...used.map(([, table]) => table)].join(', ')} } from '@engine/core';`,
    ...folders.map((folder) => `import '@engine/${folder}';`),
    '',
    '/** Of no type that an option has. */',
    'declare const wrong: unique symbol;',
    '/** Stands for what only a program can make. */',
    'declare const instance: never;',
    '/** A part given as its class. */',
    'declare const part: InlineConfig;',
    '',
    ...blocks,
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
