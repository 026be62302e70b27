import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { EngineError } from '../errors.js';
import { discoveredPlugins } from '../modules/discover.js';
import { shared } from '../shared.js';
import type { BoundSchema, PackageSchema } from './json-schema.js';

const VERSION = 1;

/** URLs of the schema files of packages that are loaded. */
const files = shared('schemas', () => new Set<string>());

/** What has been read, by URL. */
const contents = shared('schema-contents', () => new Map<string, PackageSchema>());

/**
 * Tells the engine of the `schema.json` in a package's folder, for packages that are imported without being installed
 * where the config lies. All others are found by their manifest. Costs nothing until a config is validated.
 * @param moduleUrl `import.meta.url` of the package's entry, which lies one folder below
 */
export function provideSchemas(moduleUrl: string): void {
  files.add(new URL('../schema.json', moduleUrl).href);
}

/** What {@link packageSchemas} does with a file that cannot be used: throws, unless told what to do instead. */
export type OnBrokenSchema = (error: EngineError) => void;

/**
 * The schema files of all packages that are loaded or were discovered, loaded ones first. Nothing is imported.
 * @throws E_SCHEMA_FILE for a file that cannot be read or has another layout, unless `onBroken` takes it
 */
export function packageSchemas(onBroken?: OnBrokenSchema): PackageSchema[] {
  const discovered = discoveredPlugins().flatMap(({ schema }) =>
    schema ? [pathToFileURL(schema).href] : [],
  );
  return [...new Set([...files, ...discovered])].flatMap((url) => {
    try {
      return [schemaAt(url)];
    } catch (error) {
      if (!onBroken) throw error;
      onBroken(error as EngineError);
      return [];
    }
  });
}

/**
 * The schema of a part's options; undefined when no known package declares any.
 * @throws E_SCHEMA_FILE when the package that has the part describes it in a file that cannot be used
 */
export function declaredOptions(registry: string, name: string): BoundSchema | undefined {
  for (const url of files) {
    const { parts, $defs } = schemaAt(url);
    const schema = parts?.[registry]?.[name];
    if (schema) return { schema, defs: $defs };
  }
  for (const { registers, schema: file } of discoveredPlugins()) {
    if (file === undefined || !registers[registry]?.includes(name)) continue;
    const { parts, $defs } = schemaAt(pathToFileURL(file).href);
    const schema = parts?.[registry]?.[name];
    if (schema) return { schema, defs: $defs };
  }
  return undefined;
}

/** The schema of a whole config; undefined when no loaded package has it. */
export function declaredConfig(): BoundSchema | undefined {
  const owner = [...files].map(schemaAt).find(({ config }) => config !== undefined);
  return owner && { schema: owner.config!, defs: owner.$defs };
}

function schemaAt(url: string): PackageSchema {
  const known = contents.get(url);
  if (known) return known;
  const schema = read(url);
  contents.set(url, schema);
  return schema;
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
