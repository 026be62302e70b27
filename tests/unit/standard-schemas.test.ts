import {
  checkPart,
  jsonSchema,
  OPTIMIZERS,
  partSchema,
  register,
  ROOT_REGISTRIES,
  type PartSchema,
  type StandardSchema,
} from '@engine/core';
import '@engine/backend-wasm';
import '@engine/optim-extra';
import '@engine/runner';
import '@engine/vision';
import { Ajv } from 'ajv';
import { type } from 'arktype';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROOT } from '../e2e/harness.js';

type Schema = Record<string, unknown> & {
  properties?: Record<string, Schema>;
  required?: string[];
  $defs?: Record<string, Schema>;
  anyOf?: Schema[];
};

interface DeclaredParts {
  $defs: Record<string, Schema>;
  parts?: Record<string, Record<string, Schema>>;
}

/** Registry and name of every part that some package describes. */
const PARTS = Object.entries(jsonSchema().$defs as Record<string, Schema>)
  .filter(([name]) => name in ROOT_REGISTRIES)
  .flatMap(([registry, { anyOf = [] }]) =>
    anyOf.flatMap(({ properties }) => {
      const { const: name } = properties!.type as { const?: string };
      return name === undefined ? [] : [[registry, name] as const];
    }),
  );

const describedBy = (registry: string, name: string): PartSchema => partSchema(registry, name) as PartSchema;
const writtenDown = (registry: string, name: string, target = 'draft-2020-12'): Schema =>
  describedBy(registry, name)['~standard'].jsonSchema.input({ target });

/** What the files of packages say of every part's options, with the marks that are not written down. */
const DECLARED = ['packages', 'plugins'].flatMap((kind) =>
  readdirSync(join(ROOT, kind)).flatMap((name) => {
    const file = join(ROOT, kind, name, 'schema.json');
    return existsSync(file) ? [JSON.parse(readFileSync(file, 'utf8')) as DeclaredParts] : [];
  }),
);

/** Whether an option may be an object of a class. Such cannot be written down, so that zod refuses what may be one. */
function mayBeInstance(registry: string, name: string, key: string): boolean {
  const file = DECLARED.find(({ parts }) => parts?.[registry]?.[name]);
  const text = JSON.stringify(file?.parts?.[registry]?.[name]?.properties?.[key]);
  const refs = [...text.matchAll(/#\/\$defs\/(\w+)/g)].map(([, ref]) => JSON.stringify(file?.$defs[ref!]));
  return [text, ...refs].some((one) => /x-instance|x-function/.test(one));
}

/** A value that a schema accepts; undefined when only a program can make one. */
function sample(schema: Schema, defs: Record<string, Schema>, depth = 0): unknown {
  if (depth > 12) return undefined;
  const inner = (one: Schema): unknown => sample(one, defs, depth + 1);
  if (typeof schema.$ref === 'string') return inner(defs[schema.$ref.slice('#/$defs/'.length)]!);
  if (schema.not) return undefined;
  if (schema.anyOf) return schema.anyOf.map(inner).find((one) => one !== undefined);
  if (schema.enum) return (schema.enum as unknown[])[0];
  if ('const' in schema) return schema.const;
  switch (schema.type) {
    case 'array':
      return ((schema.prefixItems ?? []) as Schema[]).map(inner);
    case 'object': {
      const entries = (schema.required ?? []).map(
        (key) => [key, inner(schema.properties?.[key] ?? {})] as const,
      );
      return entries.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(entries);
    }
    case 'null':
      return null;
    default:
      return { number: 1, boolean: true, string: 'a' }[schema.type as string] ?? 'a';
  }
}

/** Values of every kind that a file can hold. */
const VALUES = [1, 'a', true, [], {}, [1], ['a'], [1, 2], { a: 1 }, { type: 'NoSuchPart' }];

describe('the schema of every part', () => {
  it('is a Standard Schema that finds what zod finds by the same rules', () => {
    const different: string[] = [];
    let compared = 0;
    for (const [registry, name] of PARTS) {
      const written = writtenDown(registry, name);
      const { validate } = describedBy(registry, name)['~standard'];
      const good = sample(written, written.$defs ?? {}) as object | undefined;
      if (good === undefined) continue;
      const theirs = z.fromJSONSchema(written as never);
      const compare = (values: object): void => {
        compared++;
        const { issues = [] } = validate(values) as { issues?: readonly { message: string }[] };
        if (theirs.safeParse(values).success === (issues.length === 0)) return;
        different.push(`${registry} ${name} ${JSON.stringify(values)}: ${issues[0]?.message ?? 'accepted'}`);
      };
      compare(good);
      compare({ ...good, noSuchOption: 1 });
      for (const key of written.required ?? []) compare({ ...good, [key]: undefined });
      for (const key of Object.keys(written.properties ?? {})) {
        if (mayBeInstance(registry, name, key)) continue;
        for (const value of VALUES) compare({ ...good, [key]: value });
      }
    }
    expect(different).toEqual([]);
    expect(compared).toBeGreaterThan(5000);
  });

  it('can be written down in both drafts', () => {
    const values = [{ milestones: [1] }, { milestones: [1], gamma: 'a' }, {}];
    const old = new Ajv({ strict: false });
    const judge = old.compile(writtenDown('PARAM_SCHEDULERS', 'MultiStepLR', 'draft-07'));
    expect(values.map((one) => judge(one))).toEqual([true, false, false]);
    const betas = old.compile(writtenDown('OPTIMIZERS', 'Adam', 'draft-07'));
    expect([[0.9, 0.99], [0.9], ['a', 'b']].map((one) => betas({ betas: one }))).toEqual([
      true,
      false,
      false,
    ]);
    for (const [registry, name] of PARTS) {
      const text = JSON.stringify(writtenDown(registry, name, 'draft-07'));
      expect(text).not.toMatch(/\$defs|prefixItems/);
    }
    expect(() => writtenDown('OPTIMIZERS', 'Adam', 'draft-7')).toThrow(/E_SCHEMA_TARGET[^]*'draft-07'/);
  });

  it('says where a problem is, also under keys with dots', () => {
    const schema = describedBy('OPTIM_WRAPPERS', 'OptimWrapper');
    expect(schema['~standard'].validate({ clipGrad: { maxNorm: 'x' }, acumulate: 1 })).toEqual({
      issues: [
        { message: expect.stringContaining('Expected a number'), path: ['clipGrad', 'maxNorm'] },
        { message: expect.stringContaining("no option 'acumulate'"), path: ['acumulate'] },
      ],
    });
    expect(schema['~standard'].validate(3)).toHaveProperty('issues');
    expect(partSchema('OPTIMIZERS', 'Nobody')).toBeUndefined();
  });
});

describe('a part of one’s own', () => {
  const schemas: [string, StandardSchema][] = [
    ['zod', z.strictObject({ lr: z.number().positive() })],
    ['valibot', v.strictObject({ lr: v.pipe(v.number(), v.gtValue(0)) })],
    ['arktype', type({ '+': 'reject', lr: 'number > 0' })],
  ];
  class Mine {
    constructor(readonly options: { lr: number }) {}
  }

  it.each(schemas)('may bring a schema of %s, which also holds when it is built', (vendor, schema) => {
    expect(schema['~standard'].vendor).toBe(vendor);
    register(OPTIMIZERS, { name: 'SchemaTest', schema })(class extends Mine {});
    try {
      expect(partSchema('OPTIMIZERS', 'SchemaTest')).toBe(schema);
      const config = { type: 'SchemaTest', lr: -1 };
      expect(checkPart('OPTIMIZERS', { ...config, lr: 1 }, 'optimizer')).toEqual([]);
      const problems = checkPart('OPTIMIZERS', { ...config, more: 1 }, 'optimizer');
      expect(problems).toHaveLength(2);
      expect(problems.map(({ parts }) => parts.received)).toContain('optimizer.lr = -1');
      expect(() => OPTIMIZERS.build(config)).toThrow(
        /\[E_CONFIG_VALUE\] The value of SchemaTest\.lr|lr = -1/,
      );
      expect((OPTIMIZERS.build({ ...config, lr: 1 }) as Mine).options).toEqual({ lr: 1 });
    } finally {
      OPTIMIZERS.remove('SchemaTest');
    }
  });
});
