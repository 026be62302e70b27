import { buildOptimWrapper, buildParamScheduler, type OptimWrapperConfig, type ParamSchedulerConfig } from '@engine/optim';
import { copyTensor, tf, type ParamRef } from '@engine/tensor';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Made by tools/mmengine_schedulers.py. */
interface Case {
  name: string;
  schedulers: ({ type: string } & Record<string, unknown>)[];
  epochs: number;
  per_epoch: number;
  base_lr: number;
  lr: number[];
  /** Null for Adam, whose first beta takes its place. */
  momentum: number | null;
  beta: number | null;
  metric?: number[];
  /** In every iteration, of each group; last of the base group where there are several. */
  expected_lr: number[][];
  expected_momentum: number[];
}

const { cases } = JSON.parse(
  readFileSync(new URL('./mmengine/schedulers.json', import.meta.url), 'utf8'),
) as { cases: Case[] };

function camelCase(options: Record<string, unknown>): ParamSchedulerConfig {
  const camel = (key: string) => key.replace(/^T_/, 't_').replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value])) as ParamSchedulerConfig;
}

/** A wrapper with one parameter in a group of its own for each rate. */
function wrapperOf(c: Case) {
  const params = c.lr.map((_, i): ParamRef => ({
    name: `p${i}.weight`,
    leaf: 'weight',
    variable: tf.variable(tf.tensor([0])),
    requiresGrad: true,
    layout: 'none',
    ownerKind: 'other',
  }));
  const optimizer =
    c.momentum === null
      ? { type: 'Adam', lr: c.base_lr, betas: [c.beta, 0.99] }
      : { type: 'SGD', lr: c.base_lr, momentum: c.momentum };
  const customKeys = Object.fromEntries(c.lr.map((lr, i) => [`p${i}`, { lrMult: lr / c.base_lr }]));
  const config = { optimizer, ...(c.lr.length > 1 ? { paramwiseCfg: { customKeys } } : {}) };
  const wrapper = buildOptimWrapper({ paramRefs: () => params }, config as unknown as OptimWrapperConfig);
  if (c.lr.length === 1) wrapper.paramGroups[0]!.lr = c.lr[0]!;
  return { wrapper, params };
}

const close = (got: number, expected: number, what: string): void =>
  expect(Math.abs(got - expected), `${what}: ${got} for ${expected}`).toBeLessThanOrEqual(
    1e-9 + 1e-6 * Math.abs(expected),
  );

const build = (wrapper: ReturnType<typeof wrapperOf>['wrapper'], c: Case) =>
  buildParamScheduler(wrapper, c.schedulers.map(camelCase), {
    epochLength: c.per_epoch,
    maxEpochs: c.epochs,
    maxIters: c.epochs * c.per_epoch,
  });

/** @param stop the iteration after which everything is built anew and takes the state over */
function follow(c: Case, stop = -1): void {
  let { wrapper, params } = wrapperOf(c);
  let schedulers = build(wrapper, c);
  const free = (): void => {
    wrapper.dispose();
    for (const { variable } of params) variable.dispose();
  };
  const resume = (): void => {
    const state = JSON.parse(JSON.stringify(schedulers.map((scheduler) => scheduler.stateDict())));
    const { tensors, json } = wrapper.stateDict();
    const copies = Object.entries(tensors).map(([name, tensor]) => [name, copyTensor(tensor)] as const);
    free();
    ({ wrapper, params } = wrapperOf(c));
    schedulers = build(wrapper, c);
    wrapper.loadStateDict({ tensors: Object.fromEntries(copies), json: JSON.parse(JSON.stringify(json)) });
    schedulers.forEach((scheduler, i) => scheduler.loadStateDict(state[i]));
    for (const [, copy] of copies) copy.dispose();
  };
  for (let epoch = 0, iter = 0; epoch < c.epochs; epoch++) {
    for (let i = 0; i < c.per_epoch; i++, iter++) {
      const groups = wrapper.paramGroups;
      const expected = c.expected_lr[iter]!;
      expect(groups).toHaveLength(expected.length);
      expected.forEach((value, k) => close(groups[k]!.lr, value, `lr of group ${k} in iteration ${iter}`));
      const { momentum, betas } = groups[0] as unknown as { momentum: number; betas?: number[] };
      close(betas ? betas[0]! : momentum, c.expected_momentum[iter]!, `momentum in iteration ${iter}`);
      tf.tidy(() => wrapper.optimizer.step(new Map(params.map(({ variable }) => [variable, tf.tensor([0])]))));
      for (const scheduler of schedulers) scheduler.afterIteration();
      if (iter === stop) resume();
    }
    for (const scheduler of schedulers) if (scheduler.byEpoch) scheduler.step();
    for (const scheduler of schedulers) {
      if (scheduler.needsMetrics) scheduler.step({ loss: c.metric![epoch] });
    }
  }
  free();
}

describe('schedulers follow MMEngine with settings drawn at random', () => {
  it.each(cases)('$name', (c) => follow(c));
  it.each(cases)('$name, resumed in the middle', (c) => follow(c, Math.floor((c.epochs * c.per_epoch) / 2) - 1));
});
