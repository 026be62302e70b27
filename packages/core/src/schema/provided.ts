import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EngineError } from '../errors.js';
import { shared } from '../shared.js';
import type { BoundSchema, PackageSchema } from './json-schema.js';

const VERSION = 1;

/** URLs of the schema files of the packages that are loaded; the files are read when somebody asks. */
const files = shared('schemas', () => new Map<string, PackageSchema | undefined>());

/**
 * Tells the engine of the `schema.json` in a package's folder. Costs nothing until a config is validated.
 * @param moduleUrl `import.meta.url` of the package's entry, which lies one folder below
 */
export function provideSchemas(moduleUrl: string): void {
  const url = new URL('../schema.json', moduleUrl).href;
  if (!files.has(url)) files.set(url, undefined);
}

/**
 * The schema files of all loaded packages, in the order of loading.
 * @throws E_SCHEMA_FILE for a file that cannot be read or has another layout
 */
export function packageSchemas(): PackageSchema[] {
  return [...files].map(([url, known]) => {
    const schema = known ?? read(url);
    files.set(url, schema);
    return schema;
  });
}

/** The schema of a part's options; undefined when no loaded package declares any. */
export function declaredOptions(registry: string, name: string): BoundSchema | undefined {
  for (const { parts, $defs } of packageSchemas()) {
    const schema = parts?.[registry]?.[name];
    if (schema) return { schema, defs: $defs };
  }
  return undefined;
}

/** The schema of a whole config; undefined when no loaded package has it. */
export function declaredConfig(): BoundSchema | undefined {
  const owner = packageSchemas().find(({ config }) => config !== undefined);
  return owner && { schema: owner.config!, defs: owner.$defs };
}

function read(url: string): PackageSchema {
  try {
    const schema = JSON.parse(readFileSync(fileURLToPath(url), 'utf8')) as PackageSchema;
    if (schema.version === VERSION) return schema;
    throw new Error(`version ${String(schema.version)}, not ${VERSION}`);
  } catch (cause) {
    throw new EngineError({
      code: 'E_SCHEMA_FILE',
      what: 'The schema file of a package cannot be used.',
      received: `${url}: ${(cause as Error).message}`,
      expected: `a schema.json of version ${VERSION}, as \`node scripts/gen-schemas.mjs\` writes it`,
      fix: 'install the package again',
      cause,
    });
  }
}
