import { PARAM_SCHEDULERS } from '@engine/core';
import { buildParamScheduler, SGD, type ParamSchedulerConfig } from '@engine/optim';
import { tf, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.js';

interface Case {
  name: string;
  schedulers: ({ type: string } & Record<string, unknown>)[];
  lr: number;
  momentum: number;
  epochs: number;
  iters_per_epoch: number;
  metric: number[] | null;
  expected_lr: number[];
  expected_momentum: number[];
}

const { cases } = readGolden<{ cases: Case[] }>('schedulers.json');

function camelCase(options: Record<string, unknown>): ParamSchedulerConfig {
  const camel = (key: string) => key.replace(/^T_/, 't_').replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value])) as ParamSchedulerConfig;
}

describe('schedulers follow the reference at every iteration', () => {
  for (const c of cases) {
    const unknown = c.schedulers.find(({ type }) => !PARAM_SCHEDULERS.has(type));
    if (unknown) {
      it.skip(`${c.name} (no scheduler is registered as '${unknown.type}')`, () => {});
      continue;
    }
    it(c.name, () => {
      const variable = tf.variable(tf.tensor(1));
      const param: ParamRef = {
        name: 'w', leaf: 'w', variable, requiresGrad: true, layout: 'none', ownerKind: 'other',
      };
      const grads = new Map([[variable, tf.tensor(0)]]);
      const optimizer = new SGD([param], { lr: c.lr, momentum: c.momentum });
      const schedulers = buildParamScheduler(optimizer, c.schedulers.map(camelCase), {
        epochLength: c.iters_per_epoch,
        maxEpochs: c.epochs,
        maxIters: c.epochs * c.iters_per_epoch,
      });
      const lr: number[] = [];
      const momentum: number[] = [];
      for (let epoch = 0; epoch < c.epochs; epoch++) {
        for (let i = 0; i < c.iters_per_epoch; i++) {
          lr.push(optimizer.paramGroups[0]!.lr);
          momentum.push(optimizer.paramGroups[0]!.momentum as number);
          optimizer.step(grads);
          for (const scheduler of schedulers) if (!scheduler.byEpoch) scheduler.step();
        }
        for (const scheduler of schedulers) {
          if (scheduler.needsMetrics) scheduler.step({ loss: c.metric![epoch] });
          else if (scheduler.byEpoch) scheduler.step();
        }
      }
      const close = (got: number[], expected: number[], what: string): void => {
        expect(got.length).toBe(expected.length);
        expected.forEach((value, k) => {
          const message = `${what} of iteration ${k}: ${got[k]} for ${value}`;
          expect(Math.abs(got[k]! - value), message).toBeLessThanOrEqual(1e-9 + 1e-5 * Math.abs(value));
        });
      };
      close(lr, c.expected_lr, 'lr');
      close(momentum, c.expected_momentum, 'momentum');
    });
  }
});
