import {
  declaredOptions,
  discoverPlugins,
  EngineError,
  EXIT_CODES,
  listNames,
  nearest,
  ROOT_REGISTRIES,
} from '@engine/core';
import { parseLine, type Flag } from '../command.js';

export const REGISTRY_FLAGS = {
  json: { type: 'boolean', help: 'a registry as JSON' },
} as const satisfies Record<string, Flag>;

/** An option of a part. */
interface OptionRow {
  name: string;
  /** As a schema calls it: `number`, `string|boolean`; absent where it says more than one word. */
  type?: string;
  required: boolean;
  /** First line of what the package says of it. */
  help?: string;
}

/** A part that an installed package registers. */
interface PartRow {
  registry: string;
  name: string;
  /** `name@version` of the package. */
  package: string;
  /** Absent where the package ships no schema of them. */
  options?: OptionRow[];
}

interface OptionLike {
  type?: unknown;
  description?: unknown;
  const?: unknown;
  enum?: unknown;
  anyOf?: unknown;
}

function typeOf({ type, const: only, enum: some, anyOf }: OptionLike): string | undefined {
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(some)) return some.map((one) => JSON.stringify(one)).join('|');
  if (typeof type === 'string') return type;
  if (!Array.isArray(anyOf)) return undefined;
  const types = anyOf.map((one: OptionLike) => typeOf(one));
  return types.every((one) => one !== undefined) ? [...new Set(types)].join('|') : undefined;
}

function optionsOf(registry: string, name: string): OptionRow[] | undefined {
  const { schema } = declaredOptions(registry, name) ?? {};
  const { properties, required } = (schema ?? {}) as {
    properties?: Record<string, OptionLike>;
    required?: readonly string[];
  };
  if (!schema) return undefined;
  return Object.entries(properties ?? {}).map(([option, about]) => {
    const type = typeOf(about);
    return {
      name: option,
      ...(type !== undefined && { type }),
      required: required?.includes(option) === true,
      ...(typeof about.description === 'string' && { help: about.description.split('\n')[0]! }),
    };
  });
}

/** Every part of the packages that a project has installed, by their manifests: nothing is imported. */
function installedParts(baseDir: string): PartRow[] {
  return discoverPlugins(baseDir).flatMap(({ name: from, version, registers }) =>
    Object.entries(registers).flatMap(([registry, names]) =>
      names.map((name) => ({ registry, name, package: `${from}@${version}` })),
    ),
  );
}

function unknown(asked: string, names: readonly string[]): EngineError {
  return new EngineError({
    code: 'E_CLI_REGISTRY',
    what: `There is no registry and no installed part called '${asked}'.`,
    received: asked,
    expected: `one of the registries ${listNames(Object.keys(ROOT_REGISTRIES))}, or the name of a part`,
    didYouMean: nearest(asked, names),
    fix: 'see `engine inspect registry` for all of them',
    exitCode: 2,
  });
}

/**
 * `engine inspect registry [name]`: all registries, one of them, or one part with its options.
 * @throws E_CLI_REGISTRY for a name that is neither
 */
export function inspectRegistry(argv: readonly string[]): number {
  const line = parseLine({ name: 'inspect registry', flags: REGISTRY_FLAGS }, argv);
  const [asked] = line.positionals;
  const all = installedParts(process.cwd());
  const registries = Object.keys(ROOT_REGISTRIES);
  const chosen = all
    .filter(({ registry, name }) => asked === undefined || asked === registry || asked === name)
    .map((part) => ({ ...part, options: optionsOf(part.registry, part.name) }));
  if (asked !== undefined && chosen.length === 0 && !registries.includes(asked))
    throw unknown(asked, [...registries, ...all.map(({ name }) => name)]);
  const text =
    line.flags.json === true
      ? JSON.stringify(chosen, null, 2)
      : describe(chosen, asked, registries).join('\n');
  process.stdout.write(`${text}\n`);
  return EXIT_CODES.ok;
}

function describe(
  parts: readonly PartRow[],
  asked: string | undefined,
  registries: readonly string[],
): string[] {
  if (asked === undefined) return overview(parts);
  if (registries.includes(asked)) {
    if (parts.length === 0) return [`${asked}: no installed package registers anything in it`];
    const width = Math.max(...parts.map(({ name }) => name.length));
    const source = Math.max(...parts.map((part) => part.package.length));
    return parts.map(({ name, package: from, options }) =>
      `${name.padEnd(width)}  ${from.padEnd(source)}  ${options?.map((option) => option.name).join(', ') ?? ''}`.trimEnd(),
    );
  }
  return parts.flatMap(({ registry, name, package: from, options }) => [
    `${registry}/${name}  from ${from}`,
    ...(options === undefined ? ['  its package describes no options'] : optionLines(options)),
  ]);
}

function overview(parts: readonly PartRow[]): string[] {
  const names = [...new Set(parts.map(({ registry }) => registry))].sort();
  const width = Math.max(0, ...names.map((name) => name.length));
  return names.map((registry) => {
    const own = parts.filter((part) => part.registry === registry);
    const packages = [...new Set(own.map((part) => part.package))].sort();
    return `${registry.padEnd(width)}  ${String(own.length).padStart(3)}  ${packages.join(', ')}`;
  });
}

function optionLines(options: readonly OptionRow[]): string[] {
  const width = Math.max(0, ...options.map(({ name }) => name.length));
  return options.map(({ name, type, required, help }) =>
    `  ${name.padEnd(width)}  ${[type, required ? 'required' : undefined, help].filter(Boolean).join('; ')}`.trimEnd(),
  );
}
