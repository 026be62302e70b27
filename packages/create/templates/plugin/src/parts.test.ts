import { METRICS, OPTIMIZERS } from '@engine/core';
import { metricSuite, optimizerSuite } from '@engine/testing';
import { expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { MedianError, Signum } from './index.js';

optimizerSuite({ name: 'Signum', create: (params) => new Signum(params, { lr: 0.01 }) });

metricSuite({
  name: 'MedianError',
  create: () => new MedianError(),
  samples: [3, 1, 4, 1, 5].map((actual, i) => ({ predicted: i, actual })),
});

it('the manifest names what is registered', () => {
  const { registers } = manifest.engine;
  expect(registers.OPTIMIZERS.filter((name) => !OPTIMIZERS.has(name))).toEqual([]);
  expect(registers.METRICS.filter((name) => !METRICS.has(name))).toEqual([]);
});

it('MedianError is the middle one', () => {
  expect(new MedianError().computeMetrics([9, 1, 2])).toEqual({ median: 2 });
  expect(new MedianError().computeMetrics([9, 1, 2, 4])).toEqual({ median: 3 });
});
