import { METRICS, RandomStream } from '@engine/core';
import { gatherThrough, LocalGroup } from '@engine/dist';
import { BaseMetric } from '@engine/evaluator';
import { disposeTree, tf } from '@engine/tensor';
import { expect } from 'vitest';

/** Samples of every case. */
export const N = 40;
export const stream = RandomStream.of(11, 'metrics');
export const uniform = (): number => stream.uint32() / 2 ** 32;

export type Values = Record<string, unknown>;
/** Predictions of the samples in a range, in the form that a model gives. */
export type Batch = (from: number, to: number) => unknown;

export function build(type: string, options: object = {}): BaseMetric {
  const metric = METRICS.build<unknown>({ type, ...options } as never);
  expect(metric).toBeInstanceOf(BaseMetric);
  return metric as BaseMetric;
}

/** Values when the data come in batches of these sizes, on this many ranks, as DefaultSampler deals them out. */
export async function measure(
  make: () => BaseMetric,
  batch: Batch,
  sizes: readonly number[],
  ranks = 1,
): Promise<Values> {
  const groups = LocalGroup.create(ranks);
  const all = await Promise.all(
    groups.map(async (group, rank) => {
      const metric = make();
      metric.gather = gatherThrough(group);
      const mine = Array.from({ length: Math.ceil(N / ranks) }, (_, i) => (i * ranks + rank) % N);
      for (let at = 0, i = 0; at < mine.length; i++) {
        const size = Math.min(sizes[i % sizes.length]!, mine.length - at);
        // Ranks hold samples that are no range, so theirs come one by one.
        const ranges = ranks === 1 ? [[at, at + size]] : mine.slice(at, at + size).map((s) => [s, s + 1]);
        for (const [from, to] of ranges) {
          const samples = batch(from!, to!);
          await metric.process(undefined, samples);
          disposeTree(samples);
        }
        at += size;
      }
      return metric.evaluate(N);
    }),
  );
  for (const values of all) expect(values).toEqual(all[0]);
  return all[0]!;
}

/** The values, after checking that they do not depend on batches or ranks by a single bit. */
export async function steady(make: () => BaseMetric, batch: Batch): Promise<Values> {
  const before = tf.memory().numTensors;
  const whole = await measure(make, batch, [N]);
  for (const sizes of [[1], [7], [3, 11, 2]]) expect(await measure(make, batch, sizes)).toEqual(whole);
  for (const ranks of [2, 3]) expect(await measure(make, batch, [5], ranks)).toEqual(whole);
  expect(tf.memory().numTensors).toBe(before);
  return whole;
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
