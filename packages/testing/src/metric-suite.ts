import type { BaseMetric } from '@engine/evaluator';
import { expect } from 'vitest';
import { describeChecks, type ConformanceCheck } from './conformance.js';

export interface MetricSuiteOptions {
  /** Name of the class, for the test's title. */
  name: string;
  create(): BaseMetric;
  /** Predictions of a whole data set, one after the other; at least four. */
  samples: readonly unknown[];
  /** A batch of predictions as the model gives it, made of some of {@link samples}; the list itself unless said. */
  batch?(samples: readonly unknown[]): unknown;
}

/** What every metric must do, one check at a time; {@link metricSuite} makes tests of them. */
export function metricChecks({
  create,
  samples,
  batch = (some) => some,
}: MetricSuiteOptions): ConformanceCheck[] {
  const evaluate = async (metric: BaseMetric, splits: readonly (readonly unknown[])[]) => {
    for (const split of splits) await metric.process(undefined, batch(split));
    return metric.evaluate(samples.length);
  };
  const inBatchesOf = (size: number): unknown[][] =>
    Array.from({ length: Math.ceil(samples.length / size) }, (_, i) =>
      samples.slice(i * size, (i + 1) * size),
    );
  return [
    {
      title: 'gives at least one value',
      run: async () => {
        expect(samples.length).toBeGreaterThanOrEqual(4);
        const values = await evaluate(create(), [samples]);
        expect(Object.keys(values)).not.toEqual([]);
      },
    },
    {
      title: 'gives the same values however the data are split into batches',
      run: async () => {
        const whole = await evaluate(create(), [samples]);
        expect(await evaluate(create(), inBatchesOf(1))).toEqual(whole);
        expect(await evaluate(create(), inBatchesOf(3))).toEqual(whole);
      },
    },
    {
      title: 'forgets its results once they are evaluated',
      run: async () => {
        const metric = create();
        const first = await evaluate(metric, [samples]);
        expect(await evaluate(metric, [samples])).toEqual(first);
      },
    },
    {
      title: 'drops the copies that samplers add at the end',
      run: async () => {
        const whole = await evaluate(create(), [samples]);
        expect(await evaluate(create(), [samples, samples.slice(0, 2)])).toEqual(whole);
      },
    },
    {
      title: 'collects plain data, which can travel to another process',
      run: async () => {
        const metric = create();
        let collected: readonly unknown[] = [];
        metric.gather = async (results, size, compute) => {
          collected = results;
          return compute(structuredClone(results).slice(0, size));
        };
        const values = await evaluate(metric, [samples]);
        expect(collected).not.toEqual([]);
        expect(values).toEqual(await evaluate(create(), [samples]));
      },
    },
  ];
}

/** What every metric must do. Call it at the top level of a test file. */
export function metricSuite(options: MetricSuiteOptions): void {
  describeChecks(`${options.name} as a metric`, metricChecks(options));
}
