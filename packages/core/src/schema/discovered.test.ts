import { beforeEach, describe, expect, it } from 'vitest';
import {
  checkPart,
  discoverPlugins,
  forgetDiscoveredPlugins,
  importNeeded,
  jsonSchema,
  OPTIMIZERS,
} from '../index.js';
import { testFolder } from '../test-folder.fixture.js';

const SCHEMA = {
  version: 1,
  $defs: {},
  parts: {
    OPTIMIZERS: {
      ToyOpt: {
        type: 'object',
        properties: { lr: { type: 'number', description: 'step size' } },
        required: ['lr'],
        additionalProperties: false,
      },
    },
  },
};

/** A plugin that describes its options in a file that its manifest names. */
function toy(schema: string) {
  const engine = { apiVersion: 1, schema: './options.json', registers: { OPTIMIZERS: ['ToyOpt'] } };
  return {
    'node_modules/toy/package.json': JSON.stringify({
      name: 'toy',
      type: 'module',
      exports: './a.js',
      engine,
    }),
    'node_modules/toy/options.json': schema,
    'node_modules/toy/a.js':
      "globalThis[Symbol.for('@engine/registries')].roots.get('OPTIMIZERS').add('ToyOpt', class {});",
  };
}

beforeEach(forgetDiscoveredPlugins);

describe('the schema that a manifest names', () => {
  it('is known as soon as the plugin is discovered, and checks parts once they are registered', async () => {
    const folder = testFolder(toy(JSON.stringify(SCHEMA)));
    discoverPlugins(folder());
    const defs = jsonSchema().$defs as Record<string, unknown>;
    expect(JSON.stringify(defs.OPTIMIZERS)).toContain('"description":"step size"');
    expect(OPTIMIZERS.has('ToyOpt')).toBe(false);
    await importNeeded({ type: 'ToyOpt' }, folder());
    expect(checkPart('OPTIMIZERS', { type: 'ToyOpt', lr: 1 }, 'optimizer')).toEqual([]);
    const problems = checkPart('OPTIMIZERS', { type: 'ToyOpt', rl: 1 }, 'optimizer');
    expect(problems.map(({ code, parts }) => `${code} ${parts.received}`)).toEqual([
      'E_CONFIG_UNKNOWN_KEY optimizer.rl = 1',
      'E_CONFIG_MISSING no optimizer.lr',
    ]);
    OPTIMIZERS.remove('ToyOpt');
  });

  it('may be broken for whoever does not use the plugin', () => {
    const folder = testFolder(toy('{'));
    discoverPlugins(folder());
    expect(checkPart('OPTIMIZERS', { type: 'Nobody' })[0]?.code).toBe('E_REGISTRY_UNKNOWN');
    const broken: string[] = [];
    jsonSchema((error) => broken.push(error.code));
    expect(broken).toEqual(['E_SCHEMA_FILE']);
    OPTIMIZERS.add('ToyOpt', class {} as never);
    try {
      expect(() => checkPart('OPTIMIZERS', { type: 'ToyOpt' })).toThrow(/E_SCHEMA_FILE[^]*options\.json/);
    } finally {
      OPTIMIZERS.remove('ToyOpt');
    }
  });
});
