import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostArray, METRICS, RandomStream } from '@engine/core';
import { tf } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import {
  Accuracy,
  BaseMetric,
  buildEvaluator,
  DumpResults,
  Evaluator,
  getMetricValue,
  type Gather,
  type MetricOptions,
  type Metrics,
} from './index.js';

/** Runs a program after which as many tensors exist as before. */
async function leavesNothing(program: () => Promise<void>): Promise<void> {
  const before = tf.memory().numTensors;
  await program();
  expect(tf.memory().numTensors).toBe(before);
}

/** Sums numbers, and remembers what it was given. */
class Sum extends BaseMetric<number> {
  seen: number[] = [];

  constructor(options: MetricOptions = {}) {
    super({ prefix: 'sum', ...options });
  }

  process(_batch: unknown, samples: number[]): void {
    this.results.push(...samples);
  }

  computeMetrics(results: number[]): Metrics {
    this.seen = results;
    return { total: results.reduce((a, b) => a + b, 0) };
  }
}

/** Scores of N samples over K classes with labels, and the top-k accuracy found by sorting. */
function predictions(
  n: number,
  classes: number,
): { scores: number[][]; labels: number[]; topk(k: number): number } {
  const random = RandomStream.of(5, 'scores');
  const scores = Array.from({ length: n }, () =>
    Array.from({ length: classes }, () => Math.fround(random.normal())),
  );
  const labels = Array.from({ length: n }, () => random.int(classes));
  const topk = (k: number): number => {
    const right = scores.filter((row, i) => {
      const best = [...row.keys()].sort((a, b) => row[b]! - row[a]!).slice(0, k);
      return best.includes(labels[i]!);
    });
    return (100 * right.length) / n;
  };
  return { scores, labels, topk };
}

describe('Accuracy', () => {
  const { scores, labels, topk } = predictions(37, 8);
  const expected = { 'accuracy/top1': topk(1), 'accuracy/top3': topk(3) };

  it.each([1, 5, 16, 37])('is the same in batches of %i', async (batch) => {
    await leavesNothing(async () => {
      const metric = new Accuracy({ topk: [1, 3] });
      for (let i = 0; i < labels.length; i += batch) {
        const table = tf.tensor2d(scores.slice(i, i + batch));
        const truth = tf.tensor1d(labels.slice(i, i + batch), 'int32');
        await metric.process(undefined, { scores: table, gtLabels: truth });
        table.dispose();
        truth.dispose();
      }
      expect(await metric.evaluate(labels.length)).toEqual(expected);
    });
    expect(expected['accuracy/top1']).toBeGreaterThan(0);
    expect(expected['accuracy/top3']).toBeGreaterThan(expected['accuracy/top1']);
  });

  it('takes host arrays and lists of samples', async () => {
    const metric = new Accuracy({ topk: [1, 3] });
    const flat = hostArray(Float32Array.from(scores.slice(0, 20).flat()), [20, 8]);
    await metric.process(undefined, { scores: flat, gtLabels: labels.slice(0, 20) });
    const rest = scores.slice(20).map((row, i) => ({ predScores: row, gtLabel: labels[20 + i]! }));
    await metric.process(undefined, rest);
    expect(await metric.evaluate(37)).toEqual(expected);
  });

  it('reads the device once for a batch', async () => {
    const metric = new Accuracy();
    const table = tf.tensor2d(scores);
    const truth = tf.tensor1d(labels, 'int32');
    const backend = tf.backend();
    const read = backend.read.bind(backend);
    let reads = 0;
    backend.read = (id) => {
      reads++;
      return read(id);
    };
    try {
      await metric.process(undefined, { scores: table, gtLabels: truth });
    } finally {
      backend.read = read;
    }
    expect(reads).toBe(1);
    tf.dispose([table, truth]);
  });

  it('counts ties for the lower class and NaN for nobody', async () => {
    const metric = new Accuracy();
    await metric.process(undefined, [
      { predScores: [1, 1, 0], gtLabel: 0 },
      { predScores: [1, 1, 0], gtLabel: 1 },
      { predScores: [NaN, NaN, NaN], gtLabel: 0 },
      { predScores: [NaN, 2, 0], gtLabel: 1 },
    ]);
    expect(await metric.evaluate(4)).toEqual({ 'accuracy/top1': 25 });
  });

  it('drops what goes beyond the size, and starts anew after evaluate', async () => {
    const metric = new Accuracy({ prefix: 'p' });
    const right = { predScores: [0, 1], gtLabel: 1 };
    const wrong = { predScores: [1, 0], gtLabel: 1 };
    await metric.process(undefined, [right, wrong, right]);
    expect(await metric.evaluate(2)).toEqual({ 'p/top1': 50 });
    await metric.process(undefined, [right]);
    expect(await metric.evaluate(1)).toEqual({ 'p/top1': 100 });
  });

  it('refuses what it cannot use', async () => {
    expect(() => new Accuracy({ topk: 0 })).toThrow(/E_CONFIG_VALUE[^]*Accuracy\.topk/);
    expect(() => METRICS.build({ type: 'Accuracy', topK: 1 })).toThrow(
      /E_CONFIG_UNKNOWN_KEY[^]*did you mean 'topk'/,
    );
    const metric = new Accuracy();
    await expect(metric.process(undefined, { logits: 1 })).rejects.toThrow(/E_METRIC_INPUT/);
    await expect(metric.process(undefined, [{ predScores: [0, 1], gtLabel: 2 }])).rejects.toThrow(
      /E_METRIC_LABEL/,
    );
    const table = tf.zeros([2, 3]);
    await expect(metric.process(undefined, { scores: table, gtLabels: [1] })).rejects.toThrow(
      /E_METRIC_INPUT/,
    );
    table.dispose();
  });
});

describe('BaseMetric', () => {
  it('warns without a prefix and without results', async () => {
    const seen: string[] = [];
    const listen = (warning: Error & { code?: string }): void => void seen.push(warning.code ?? '');
    process.on('warning', listen);
    class Bare extends Sum {
      constructor() {
        super({ prefix: undefined } as MetricOptions);
      }
    }
    const metric = new Bare();
    expect(await metric.evaluate(0)).toEqual({ total: 0 });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(seen).toEqual(['W_METRIC_PREFIX', 'W_METRIC_EMPTY']);
  });

  it('hands the results of two ranks over in the order of the data, cut to its size', async () => {
    const ranks = [new Sum(), new Sum()];
    ranks[0]!.process(undefined, [0, 2, 4]);
    ranks[1]!.process(undefined, [1, 3, 0]);
    const given: unknown[][] = [];
    let meet: () => void = () => {};
    const both = new Promise<void>((resolve) => (meet = resolve));
    let outcome: Promise<unknown> | undefined;
    const gather: Gather = async (results, size, compute) => {
      if (given.push([...results]) === 2) meet();
      await both;
      const mixed = given[0]!.flatMap((item, i) => [item, given[1]![i]]).slice(0, size);
      outcome ??= Promise.resolve(compute(mixed as never));
      return outcome as never;
    };
    for (const metric of ranks) metric.gather = gather;
    const values = await Promise.all(ranks.map((metric) => metric.evaluate(5)));
    expect(values).toEqual([{ 'sum/total': 10 }, { 'sum/total': 10 }]);
    expect(ranks[0]!.seen).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('Evaluator', () => {
  it('merges the values of its metrics', async () => {
    const evaluator = buildEvaluator([new Sum(), new Sum({ prefix: 'again' })]);
    evaluator.datasetMeta = { classes: ['a'] };
    await evaluator.process([1, 2]);
    expect(evaluator.metrics[1]!.datasetMeta).toEqual({ classes: ['a'] });
    expect(await evaluator.evaluate(2)).toEqual({ 'sum/total': 3, 'again/total': 3 });
  });

  it('refuses two values of one name', async () => {
    const evaluator = new Evaluator([new Sum(), new Sum()]);
    await evaluator.process([1]);
    await expect(evaluator.evaluate(1)).rejects.toThrow(/E_EVALUATOR_NAME[^]*'sum\/total'/);
  });

  it('is built from one metric, from a list, and as an evaluator', () => {
    expect(buildEvaluator({ type: 'Accuracy', topk: [1, 5] }).metrics[0]).toBeInstanceOf(Accuracy);
    expect(buildEvaluator([{ type: 'Accuracy' }, { type: Sum }]).metrics).toHaveLength(2);
    expect(buildEvaluator({ type: 'Evaluator', metrics: { type: 'Accuracy' } }).metrics).toHaveLength(1);
    expect(() => buildEvaluator(3 as never)).toThrow(/E_CONFIG_VALUE/);
    expect(() => buildEvaluator({ type: 'Acuracy' } as never)).toThrow(
      /E_REGISTRY_UNKNOWN[^]*did you mean 'Accuracy'/,
    );
  });

  it('evaluates predictions made before, in chunks', async () => {
    const metric = new Sum();
    const evaluator = new Evaluator(metric);
    expect(await evaluator.offlineEvaluate([1, 2, 3, 4, 5], undefined, 2)).toEqual({ 'sum/total': 15 });
    expect(metric.seen).toEqual([1, 2, 3, 4, 5]);
    await expect(evaluator.offlineEvaluate([1], [1, 2])).rejects.toThrow(/E_EVALUATOR_LENGTH/);
  });
});

describe('DumpResults', () => {
  it('writes predictions as plain JSON', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dump-'));
    const path = join(folder, 'deep', 'predictions.json');
    try {
      const metric = new DumpResults({ outFilePath: path });
      const box = tf.tensor2d([
        [1, 2],
        [3, 4],
      ]);
      await metric.process(undefined, [
        { box, name: 'a' },
        { mask: hostArray(Uint8Array.of(1, 0, 0, 1), [2, 2]), id: 7n },
      ]);
      box.dispose();
      expect(await metric.evaluate(2)).toEqual({});
      expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual([
        {
          box: [
            [1, 2],
            [3, 4],
          ],
          name: 'a',
        },
        {
          mask: [
            [1, 0],
            [0, 1],
          ],
          id: 7,
        },
      ]);
      expect(() => new DumpResults({ outFilePath: 'x.pkl' })).toThrow(/E_CONFIG_VALUE[^]*\.json/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('getMetricValue', () => {
  it('finds full names and last parts that are unique', () => {
    const metrics = { 'accuracy/top1': 1, 'val/top5': 2, 'test/top5': 3 };
    expect(getMetricValue('accuracy/top1', metrics)).toBe(1);
    expect(getMetricValue('top1', metrics)).toBe(1);
    expect(() => getMetricValue('top5', metrics)).toThrow(/E_METRIC_NAME[^]*several/);
    expect(() => getMetricValue('accuracy/top2', metrics)).toThrow(/did you mean 'accuracy\/top1'/);
  });
});
