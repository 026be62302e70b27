import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { isPlainObject } from '../config/values.js';
import type { EngineError } from '../errors.js';
import { ROOT_REGISTRIES } from '../registries.js';
import type { Registry } from '../registry.js';
import { optionsOf, partCheck, type CheckConfigOptions } from './check-config.js';
import { checkOptions } from './check-value.js';
import { partJsonSchema } from './emit.js';
import { keysOfPath, problemPath } from './problem-path.js';
import { schemaOfEntry, type StandardSchema } from './standard-schema.js';

/** What {@link partSchema} gives for parts that are described by their package: a schema that can also be written down. */
export interface PartSchema extends StandardSchema {
  readonly '~standard': StandardSchemaV1.Props & StandardJSONSchemaV1.Props;
}

/**
 * The schema of a part's options, without `type`, as a Standard Schema: the one that it was registered with, else the
 * one that its package declares, which also gives JSON Schema (`['~standard'].jsonSchema`; drafts 2020-12 and 07).
 *
 * @param registry name of a root registry: `OPTIMIZERS`
 * @param type a name that is registered, or that a discovered plugin declares
 * @returns undefined for a part that describes no options
 * @throws E_SCHEMA_FILE when the file of its package cannot be used
 * @see https://standardschema.dev
 */
export function partSchema(
  registry: string,
  type: string,
  options: CheckConfigOptions = {},
): StandardSchema | PartSchema | undefined {
  const root = (ROOT_REGISTRIES as unknown as Record<string, Registry<unknown> | undefined>)[registry];
  const entry = root?.atScope(options.scope).get(type);
  const own = entry && schemaOfEntry(entry);
  if (own) return own;
  const bound = root && optionsOf(root, type, entry);
  if (!bound) return undefined;
  const context = { defs: bound.defs, owner: type, part: partCheck(options) };
  const validate = (value: unknown): StandardSchemaV1.Result<unknown> => {
    if (!isPlainObject(value)) return { issues: [{ message: `The options of ${type} are a mapping.` }] };
    const problems = checkOptions(bound.schema, value, '', context);
    return problems.length > 0 ? { issues: problems.map((one) => issue(one, value)) } : { value };
  };
  const write = ({ target }: StandardJSONSchemaV1.Options): Record<string, unknown> =>
    partJsonSchema(bound, target);
  return {
    '~standard': { version: 1, vendor: 'engine', validate, jsonSchema: { input: write, output: write } },
  };
}

function issue(problem: EngineError, values: object): StandardSchemaV1.Issue {
  const { what, expected, didYouMean } = problem.parts;
  const meant = didYouMean === undefined ? '' : ` Did you mean '${didYouMean}'?`;
  const wanted = expected === undefined ? '' : ` Expected ${expected}.`;
  return { message: `${what}${wanted}${meant}`, path: keysOfPath(values, problemPath(problem) ?? '') };
}
