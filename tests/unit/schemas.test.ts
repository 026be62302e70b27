import { checkConfig, Config, jsonSchema, ROOT_REGISTRIES } from '@engine/core';
import { findProblems, validateConfig, type RunnerOptions } from '@engine/runner';
import '@engine/backend-torch';
import '@engine/backend-wasm';
import '@engine/optim-8bit';
import '@engine/optim-dadaptation';
import '@engine/optim-extra';
import '@engine/optim-lion';
import '@engine/optim-sophia';
import '@engine/storage-s3';
import '@engine/vision';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { tinyConfig } from '../e2e/harness.js';

const GOOD = tinyConfig() as unknown as RunnerOptions;

const BAD = `
workDir: w
model:
  type: vision.ImageClassifier
  backbone: { type: vision.ResNet, dept: 20, depth: '20', numClasses: 10 }
trainDataloader:
  batchSize: a
  dataset:
    type: vision.GeneratedImages
    numSamples: 8
    pipeline: [{ type: vision.RandomCrp }]
  sampler: { type: DefaultSampler, shufle: true }
trainCfg: { maxEpochs: 1, foo: 3 }
optimWrapper:
  optimizer: { type: SGD, lr: fast, momentun: 1 }
  clipGrad: { maxNorm: x }
paramScheduler:
  - { type: MultiStepLR, gamma: 0.1 }
defaultHooks:
  checkpoint: { type: CheckpointHook, intervall: 2 }
randomness: { seeed: 1 }
`;

/** Config path of each problem, in the order of the config. */
const paths = (problems: readonly Error[]): string[] =>
  problems.map(({ message }) => /received {2}(?:no )?([\w.]+)/.exec(message)![1]!);

describe('a config is checked whole before anything is built', () => {
  it('finds nothing wrong with a good one', () => {
    expect(findProblems(GOOD)).toEqual([]);
  });

  it('finds every mistake at every depth, each with its line and what was meant', async () => {
    const config = await Config.fromString(BAD, 'yaml');
    const problems = findProblems({ ...(config.values as unknown as RunnerOptions), cfg: config });
    expect(paths(problems)).toEqual([
      'model.backbone.dept',
      'model.backbone.depth',
      'trainDataloader.batchSize',
      'trainDataloader.dataset.pipeline.0.type',
      'trainDataloader.sampler.shufle',
      'trainCfg.foo',
      'optimWrapper.optimizer.lr',
      'optimWrapper.optimizer.momentun',
      'optimWrapper.clipGrad.maxNorm',
      'paramScheduler.0.milestones',
      'defaultHooks.checkpoint.intervall',
      'randomness.seeed',
    ]);
    expect(problems.map(({ parts }) => parts.didYouMean).filter(Boolean)).toEqual([
      'depth',
      'vision.RandomCrop',
      'shuffle',
      'momentum',
      'interval',
      'seed',
    ]);
  });

  it('throws them in one error, a single one as it is', async () => {
    const many = { ...GOOD, device: 3, foo: 1 } as unknown as RunnerOptions;
    await expect(validateConfig(many)).rejects.toMatchObject({
      code: 'E_CONFIG_PROBLEMS',
      exitCode: 2,
      problems: [{ code: 'E_CONFIG_VALUE' }, { code: 'E_CONFIG_UNKNOWN_KEY' }],
    });
    await expect(validateConfig({ ...GOOD, device: 3 as never })).rejects.toMatchObject({
      code: 'E_CONFIG_VALUE',
    });
  });

  it('takes instances, classes and functions on trust', () => {
    class Mine {}
    const values = {
      ...GOOD,
      model: { type: Mine, any: 1 },
      customHooks: [{ afterRun: () => {} }, new Mine()],
    };
    expect(findProblems(values as never)).toEqual([]);
  });

  it('checks the parts of several optimizer wrappers', () => {
    const optimWrapper = {
      generator: { optimizer: { type: 'Adam', lr: 1e-4 } },
      critic: { optimizer: { type: 'Adam', lr: 'x' } },
    };
    expect(paths(checkConfig({ ...GOOD, optimWrapper }))).toEqual(['optimWrapper.critic.optimizer.lr']);
  });
});

describe('schemas', () => {
  it('exist for every registered part, and for no other', () => {
    const defs = jsonSchema().$defs as Record<
      string,
      { anyOf: { properties: { type: { const?: string } } }[] }
    >;
    const unclaimed: string[] = [];
    for (const [registry, parts] of Object.entries(ROOT_REGISTRIES)) {
      if (registry === 'CONFIG_READERS') continue;
      const declared = new Set(defs[registry]?.anyOf.map((one) => one.properties.type.const));
      const names = new Set(
        parts.list().map(({ scope, name }) => (scope === 'engine' ? name : `${scope}.${name}`)),
      );
      for (const name of names) if (!declared.has(name)) unclaimed.push(`${registry} ${name}: no schema`);
      for (const name of declared) {
        if (name !== undefined && !names.has(name)) unclaimed.push(`${registry} ${name}: not registered`);
      }
    }
    expect(unclaimed).toEqual([]);
  });
});

describe('the JSON Schema for editors', () => {
  const validate = new Ajv2020({ strict: false }).compile(jsonSchema());

  it('accepts good configs, and files that inherit', () => {
    expect(validate(GOOD) || validate.errors).toBe(true);
    expect(validate({ _base_: './base.yaml', optimWrapper: { optimizer: { lr: 1 } } })).toBe(true);
  });

  it.each([
    ['an unknown top-level key', { foo: 1 }],
    ['an unknown type', { optimWrapper: { optimizer: { type: 'SDG', lr: 1 } } }],
    ['an unknown option', { optimWrapper: { optimizer: { type: 'SGD', lr: 1, momentun: 1 } } }],
    ['an option of another type', { optimWrapper: { optimizer: { type: 'SGD', lr: 'fast' } } }],
    ['a missing option', { paramScheduler: [{ type: 'MultiStepLR' }] }],
    ['a wrong option deep inside', { model: { type: 'vision.ResNet', depth: 21 } }],
    ['an unknown key of a loop', { trainCfg: { maxEpoch: 1 } }],
  ])('rejects %s', (_, change) => {
    expect(validate({ ...GOOD, ...change })).toBe(false);
  });

  it('has the docs as descriptions', () => {
    const { OPTIMIZERS: optimizers } = jsonSchema().$defs as Record<
      string,
      { anyOf: { properties: object }[] }
    >;
    const text = JSON.stringify(optimizers);
    expect(text).toMatch(/"momentum":\{"description":"/);
  });
});
