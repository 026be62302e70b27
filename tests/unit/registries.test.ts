import { BACKENDS, METRICS, OPTIMIZERS, ROOT_REGISTRIES, STRATEGIES } from '@engine/core';
import { SingleProcessGroup } from '@engine/dist';
import type { BaseMetric } from '@engine/evaluator';
import type { Optimizer } from '@engine/optim';
import { tf, type ComputeBackend } from '@engine/tensor';
import {
  computeBackendSuite,
  datasetSuite,
  metricSuite,
  optimizerSuite,
  processGroupSuite,
} from '@engine/testing';
import { GeneratedImages } from '@engine/vision';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MINIMAL } from './runner/hook-options.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Everything that registers parts, imported; the suites and the commands register none. */
const packages = ['packages', 'plugins'].flatMap((kind) =>
  readdirSync(join(ROOT, kind)).flatMap((folder) => {
    const { name, engine } = JSON.parse(readFileSync(join(ROOT, kind, folder, 'package.json'), 'utf8')) as {
      name: string;
      engine?: unknown;
    };
    return engine === undefined ? [] : [name];
  }),
);
for (const name of packages) await import(/* @vite-ignore */ name);
await tf.setBackend('cpu');

/** Options that an optimizer cannot do without. */
const OPTIMIZER_OPTIONS = (name: string): object =>
  name === 'LBFGS'
    ? { lr: 0.1, maxIter: 2 }
    : /^(?:bnb_)?(?:SGD|LARS)/.test(name)
      ? { lr: 0.1, momentum: 0.9 }
      : {};

for (const { name } of OPTIMIZERS.list()) {
  optimizerSuite({
    name,
    create: (params) =>
      OPTIMIZERS.build<Optimizer>({ type: name, ...OPTIMIZER_OPTIONS(name) }, { args: [params] }),
  });
}
for (const name of ['cpu', 'wasm'])
  computeBackendSuite({ name, create: () => BACKENDS.build<ComputeBackend>({ type: name } as never) });
processGroupSuite({ name: 'single', create: () => [new SingleProcessGroup()] });
const SAMPLES = [0, 1, 2, 2, 1, 0, 1, 2].map((gtLabel, i) => ({
  gtLabel,
  predScores: [0.1 * i, 0.35, 0.65 - 0.1 * i],
}));
const BY_SCORES: Record<string, object> = {
  Accuracy: { topk: [1, 2] },
  AUROC: {},
  ConfusionMatrix: {},
  SingleLabelMetric: {},
};
for (const [name, options] of Object.entries(BY_SCORES)) {
  metricSuite({
    name,
    create: () => METRICS.build<BaseMetric>({ type: name, ...options }),
    samples: SAMPLES,
  });
}
datasetSuite({
  name: 'vision.GeneratedImages',
  create: () => new GeneratedImages({ numSamples: 9, imageSize: 8 }),
});

/**
 * Which names of each kind of part a suite has been run on. Those of the lists above are run here; others by the test
 * file that the name is given to, which must call the suite or be a suite of its own.
 */
const CLAIMS: Record<string, Record<string, string>> = {
  OPTIMIZERS: here(OPTIMIZERS.list().map(({ name }) => name)),
  BACKENDS: { ...here(['cpu', 'wasm']), torch: 'tests/e2e/torch.test.ts' },
  PROCESS_GROUPS: here(['single']),
  HOOKS: claimedBy('tests/unit/runner/hook-conformance.test.ts', Object.keys(MINIMAL)),
  METRICS: {
    ...here(Object.keys(BY_SCORES)),
    ...claimedBy('packages/evaluator/src/evaluator.test.ts', [
      'AveragePrecision',
      'Dice',
      'DumpResults',
      'IoUMetric',
      'MultiLabelMetric',
      'RegressionMetric',
    ]),
  },
  DATASETS: {
    ...here(['vision.GeneratedImages']),
    ...claimedBy('plugins/vision/src/datasets/cifar.test.ts', ['vision.CIFAR10', 'vision.CIFAR100']),
    BaseDataset: 'packages/data/src/base-dataset.test.ts',
    ...claimedBy('packages/data/src/dataset-wrappers.test.ts', [
      'ClassBalancedDataset',
      'ConcatDataset',
      'RepeatDataset',
    ]),
  },
  VISBACKENDS: suiteCalls('visBackendSuite'),
  STORAGE_BACKENDS: {
    LmdbBackend: 'tests/golden/lmdb.test.ts',
    ...suiteCalls('storage(?:Backend|Reader)Suite'),
  },
  STRATEGIES: {},
};

function claimedBy(file: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, file]));
}

function here(names: readonly string[]): Record<string, string> {
  return claimedBy('tests/unit/registries.test.ts', names);
}

/** Names that the tests of packages and plugins hand to a suite. */
function suiteCalls(suite: string): Record<string, string> {
  const call = new RegExp(`${suite}\\(\\{\\s*name: '([\\w.]+)'`, 'g');
  const files = ['packages', 'plugins'].flatMap((kind) =>
    readdirSync(join(ROOT, kind)).flatMap((folder) =>
      readdirSync(join(ROOT, kind, folder, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.test.ts'))
        .map((file) => `${kind}/${folder}/src/${file}`),
    ),
  );
  return Object.fromEntries(
    files.flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(call)].map(([, name]) => [name!, file]),
    ),
  );
}

/** Registered names of a kind that no suite has claimed. */
function unclaimed(kind: keyof typeof ROOT_REGISTRIES): string[] {
  const root = ROOT_REGISTRIES[kind];
  return root
    .list()
    .map(({ name, scope }) => (scope === root.scope || name.includes('.') ? name : `${scope}.${name}`))
    .filter((name) => !(name in CLAIMS[kind]!));
}

describe('every registered part', () => {
  it.each(Object.keys(CLAIMS))('of %s is claimed by a suite', (kind) => {
    expect(unclaimed(kind as keyof typeof ROOT_REGISTRIES)).toEqual([]);
    for (const [name, file] of Object.entries(CLAIMS[kind]!))
      expect(existsSync(join(ROOT, file)), `${file}, which claims ${name}`).toBe(true);
  });

  it('is noticed when no suite has claimed it', () => {
    STRATEGIES.add('NobodysStrategy', class NobodysStrategy {});
    expect(unclaimed('STRATEGIES')).toEqual(['NobodysStrategy']);
    STRATEGIES.remove('NobodysStrategy');
  });
});
