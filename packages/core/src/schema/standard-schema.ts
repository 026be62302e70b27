import type { StandardSchemaV1 } from '@standard-schema/spec';
import { EngineError, show } from '../errors.js';
import { joinPath, valueAt } from '../config/values.js';
import { shared } from '../shared.js';
import type { Entry } from '../registry.js';
import { about } from './problem-path.js';

/**
 * What zod, valibot, ArkType and others agree on for validation.
 * @see https://standardschema.dev
 */
export type StandardSchema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

const schemas = shared('part-schemas', () => new WeakMap<Entry, StandardSchema>());

/** Remembers the schema that a part gives itself: `@register(OPTIMIZERS, { schema })`. */
export function setSchema(entry: Entry, schema: StandardSchema): void {
  schemas.set(entry, schema);
}

export function schemaOfEntry(entry: Entry): StandardSchema | undefined {
  return schemas.get(entry);
}

/**
 * What a Standard Schema finds wrong with the options of a part.
 * @throws E_SCHEMA_ASYNC for a schema that answers later, since building a part cannot wait
 */
export function issuesOf(schema: StandardSchema, values: object, owner: string, path: string): EngineError[] {
  const result = schema['~standard'].validate(values);
  if (result instanceof Promise) {
    throw new EngineError({
      code: 'E_SCHEMA_ASYNC',
      what: `The schema of ${owner} validates asynchronously.`,
      received: `a schema by ${schema['~standard'].vendor} that returns a promise`,
      expected: 'a schema that answers at once',
    });
  }
  return (result.issues ?? []).map(({ message, path: keys = [] }) => {
    const inner = keys.map((key) => String(typeof key === 'object' ? key.key : key)).join('.');
    const full = inner === '' ? path || owner : joinPath(path, inner);
    const error = new EngineError({
      code: 'E_CONFIG_VALUE',
      what: `The value of ${full} cannot be used.`,
      option: inner || undefined,
      received: `${full} = ${show(valueAt(values, inner).value)}`,
      expected: message,
      exitCode: 2,
    });
    return about(error, full);
  });
}
