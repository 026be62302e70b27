import { hostArray } from '@engine/core';
import { Evaluator } from '@engine/evaluator';
import { disposeTree, tf } from '@engine/tensor';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, mean, measure, N, steady, stream, uniform, type Batch } from './steady.js';

const K = 4;
const scores = Array.from({ length: N }, () => Array.from({ length: K }, () => Math.fround(uniform())));
const labels = scores.map((row, i) => (i % 3 === 0 ? stream.int(K) : row.indexOf(Math.max(...row))));
const asBatch: Batch = (from, to) => ({
  scores: tf.tensor2d(scores.slice(from, to)),
  gtLabels: tf.tensor1d(labels.slice(from, to), 'int32'),
});
const asSamples: Batch = (from, to) =>
  scores.slice(from, to).map((row, i) => ({
    predScores: hostArray(Float32Array.from(row), [K]),
    gtLabel: labels[from + i]!,
  }));
const predicted = scores.map((row) => row.indexOf(Math.max(...row)));
const count = (test: (i: number) => boolean): number => scores.filter((_, i) => test(i)).length;

describe('SingleLabelMetric', () => {
  const precision = (k: number, keep: (i: number) => boolean = () => true): number =>
    (100 * count((i) => keep(i) && predicted[i] === k && labels[i] === k)) /
    Math.max(
      1,
      count((i) => keep(i) && predicted[i] === k),
    );
  const recall = (k: number): number =>
    (100 * count((i) => predicted[i] === k && labels[i] === k)) / count((i) => labels[i] === k);
  const classes = [...Array(K).keys()];

  it('gives precision, recall and F1 of each class and their means', async () => {
    const found = await steady(() => build('SingleLabelMetric'), asBatch);
    expect(found).toEqual(await steady(() => build('SingleLabelMetric'), asSamples));
    const f1 = classes.map((k) => (2 * precision(k) * recall(k)) / (precision(k) + recall(k)));
    expect(found['single-label/precision']).toBeCloseTo(mean(classes.map((k) => precision(k))), 9);
    expect(found['single-label/recall']).toBeCloseTo(mean(classes.map(recall)), 9);
    expect(found['single-label/f1-score']).toBeCloseTo(mean(f1), 9);
    const items = ['precision', 'support'];
    const each = await steady(() => build('SingleLabelMetric', { average: null, items }), asBatch);
    (each['single-label/precision_classwise'] as number[]).forEach((value, k) =>
      expect(value).toBeCloseTo(precision(k), 9),
    );
    expect(each['single-label/support_classwise']).toEqual(classes.map((k) => count((i) => labels[i] === k)));
  });

  it('is accuracy when all decisions are counted together', async () => {
    const found = await steady(() => build('SingleLabelMetric', { average: 'micro' }), asBatch);
    const accuracy = (await measure(() => build('Accuracy'), asBatch, [8]))['accuracy/top1'];
    for (const item of ['precision', 'recall', 'f1-score'])
      expect(found[`single-label/${item}_micro`]).toBeCloseTo(accuracy as number, 9);
  });

  it('counts predictions above a threshold only', async () => {
    const thrs = [null, 0.8];
    const found = await steady(() => build('SingleLabelMetric', { thrs, items: ['precision'] }), asBatch);
    const above = (i: number): boolean => Math.max(...scores[i]!) > 0.8;
    expect(found['single-label/precision_no-thr']).toBeCloseTo(mean(classes.map((k) => precision(k))), 9);
    expect(found['single-label/precision_thr-0.80']).toBeCloseTo(
      mean(classes.map((k) => precision(k, above))),
      9,
    );
  });
});

describe('ConfusionMatrix', () => {
  it('counts, and divides by rows, columns or all', async () => {
    const matrix = (await steady(() => build('ConfusionMatrix'), asBatch))[
      'confusion_matrix/result'
    ] as number[][];
    for (let t = 0; t < K; t++) {
      for (let p = 0; p < K; p++)
        expect(matrix[t]![p]).toBe(count((i) => labels[i] === t && predicted[i] === p));
    }
    const sums = async (normalize: string): Promise<number[][]> =>
      (await steady(() => build('ConfusionMatrix', { normalize }), asSamples))[
        'confusion_matrix/result'
      ] as number[][];
    for (const row of await sums('true')) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
    const columns = await sums('pred');
    for (let k = 0; k < K; k++) expect(columns.reduce((a, row) => a + row[k]!, 0)).toBeCloseTo(1, 9);
    expect((await sums('all')).flat().reduce((a, b) => a + b)).toBeCloseTo(1, 9);
  });
});

describe('AUROC', () => {
  /** The share of pairs in the right order, which is the definition. */
  const pairs = (value: (i: number) => number, positive: (i: number) => boolean): number => {
    let right = 0;
    let all = 0;
    for (let i = 0; i < N; i++) {
      for (let j = 0; j < N; j++) {
        if (!positive(i) || positive(j)) continue;
        all++;
        right += value(i) > value(j) ? 1 : value(i) === value(j) ? 0.5 : 0;
      }
    }
    return right / all;
  };

  it('is the share of pairs in the right order, each class against the rest', async () => {
    const areas = [...Array(K).keys()].map((k) =>
      pairs(
        (i) => scores[i]![k]!,
        (i) => labels[i] === k,
      ),
    );
    const each = (await steady(() => build('AUROC', { average: null }), asBatch))['auroc/auroc_classwise'];
    (each as number[]).forEach((area, k) => expect(area).toBeCloseTo(areas[k]!, 12));
    expect((await steady(() => build('AUROC'), asSamples))['auroc/auroc']).toBeCloseTo(mean(areas), 12);
    const weights = areas.map((_, k) => count((i) => labels[i] === k));
    const weighted = areas.reduce((sum, area, k) => sum + area * weights[k]!, 0) / N;
    const found = await steady(() => build('AUROC', { average: 'weighted' }), asBatch);
    expect(found['auroc/auroc']).toBeCloseTo(weighted, 12);
  });

  it('takes one or two scores for a decision, where ties count half', async () => {
    const value = (i: number): number => Math.round(scores[i]![0]! * 4) / 4;
    const truth = (i: number): boolean => labels[i]! >= 2;
    const decision =
      (columns: number): Batch =>
      (from, to) =>
        Array.from({ length: to - from }, (_, i) => ({
          predScores: columns === 1 ? [value(from + i)] : [1 - value(from + i), value(from + i)],
          gtLabel: Number(truth(from + i)),
        }));
    for (const columns of [1, 2]) {
      const found = await steady(() => build('AUROC'), decision(columns));
      expect(found['auroc/auroc']).toBeCloseTo(pairs(value, truth), 12);
    }
    const oneSided: Batch = (from, to) =>
      Array.from({ length: to - from }, () => ({ predScores: [0.5], gtLabel: 1 }));
    expect((await measure(() => build('AUROC'), oneSided, [9]))['auroc/auroc']).toBeNaN();
  });
});

describe('metrics of several labels per sample', () => {
  const targets = scores.map((row) =>
    row.map((score) => (uniform() < 0.1 ? -1 : Number(score + uniform() > 1))),
  );
  const batch: Batch = (from, to) => ({
    scores: tf.tensor2d(scores.slice(from, to)),
    gtLabels: tf.tensor2d(targets.slice(from, to), undefined, 'int32'),
  });
  const samples: Batch = (from, to) =>
    scores.slice(from, to).map((row, i) => ({ predScores: row, gtScore: targets[from + i] }));

  const counted = (positive: (i: number, k: number) => boolean, k: number): number[] => {
    const at = [...Array(N).keys()].filter((i) => targets[i]![k]! >= 0);
    return [
      at.filter((i) => positive(i, k) && targets[i]![k] === 1).length,
      at.filter((i) => positive(i, k)).length,
      at.filter((i) => targets[i]![k] === 1).length,
    ];
  };
  const classes = [...Array(K).keys()];

  it('leave out what is marked -1, by threshold or by the highest scores', async () => {
    const found = await steady(() => build('MultiLabelMetric', { thr: 0.3 }), batch);
    expect(found).toEqual(await steady(() => build('MultiLabelMetric', { thr: 0.3 }), samples));
    const above = classes.map((k) => counted((i, c) => scores[i]![c]! >= 0.3, k));
    expect(found['multi-label/precision_thr-0.30']).toBeCloseTo(
      mean(above.map(([h, p]) => (100 * h!) / p!)),
      9,
    );
    expect(found['multi-label/recall_thr-0.30']).toBeCloseTo(
      mean(above.map(([h, , a]) => (100 * h!) / a!)),
      9,
    );
    const top = await steady(() => build('MultiLabelMetric', { topk: 2, average: 'micro' }), batch);
    const second = scores.map((row) => [...row].sort((a, b) => b - a)[1]!);
    const best = classes.map((k) => counted((i, c) => scores[i]![c]! >= second[i]!, k));
    const sum = (j: number): number => best.reduce((a, row) => a + row[j]!, 0);
    expect(top['multi-label/precision_top2_micro']).toBeCloseTo((100 * sum(0)) / sum(1), 9);
    expect(top['multi-label/recall_top2_micro']).toBeCloseTo((100 * sum(0)) / sum(2), 9);
  });

  it('take the numbers of the classes of a sample', async () => {
    const metric = build('MultiLabelMetric', { average: 'micro' });
    await metric.process(undefined, [{ predScores: [0.9, 0.1, 0.8], gtLabel: [0, 1] }]);
    // Found 0 and 2, true 0 and 1.
    expect(await metric.evaluate(1)).toEqual({
      'multi-label/precision_micro': 50,
      'multi-label/recall_micro': 50,
      'multi-label/f1-score_micro': 50,
    });
    await expect(metric.process(undefined, [{ predScores: [1], gtLabel: [1] }])).rejects.toThrow(
      /E_METRIC_INPUT/,
    );
    await expect(metric.process(undefined, { scores: 1 })).rejects.toThrow(/gtScore/);
  });

  it('average precision is the area in steps of recall', async () => {
    const expected = classes.map((k) => {
      const rows = [...Array(N).keys()].filter((i) => targets[i]![k]! >= 0);
      rows.sort((a, b) => scores[b]![k]! - scores[a]![k]!);
      const positives = rows.filter((i) => targets[i]![k] === 1).length;
      let area = 0;
      for (let n = 1; n <= rows.length; n++) {
        const hits = rows.slice(0, n).filter((i) => targets[i]![k] === 1).length;
        const before = rows.slice(0, n - 1).filter((i) => targets[i]![k] === 1).length;
        area += ((hits - before) / positives) * (hits / n);
      }
      return 100 * area;
    });
    const each = await steady(() => build('AveragePrecision', { average: null }), batch);
    (each['multi-label/AP_classwise'] as number[]).forEach((value, k) =>
      expect(value).toBeCloseTo(expected[k]!, 9),
    );
    expect((await steady(() => build('AveragePrecision'), samples))['multi-label/mAP']).toBeCloseTo(
      mean(expected),
      9,
    );
  });
});

describe('predictions in a file', () => {
  it('give the same values as the predictions themselves', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'metrics-'));
    const file = join(folder, 'results.json');
    const dump = build('DumpResults', { outFilePath: file });
    for (let at = 0; at < N; at += 8) {
      const batch = asBatch(at, at + 8);
      await dump.process(undefined, batch);
      disposeTree(batch);
    }
    expect(await dump.evaluate(N)).toEqual({});
    const read = JSON.parse(readFileSync(file, 'utf8')) as unknown[];
    expect(read).toHaveLength(N);
    rmSync(folder, { recursive: true });
    const metrics = [{ type: 'Accuracy', topk: [1, 3] }, { type: 'SingleLabelMetric' }, { type: 'AUROC' }];
    const offline = await new Evaluator(metrics as never).offlineEvaluate(read, undefined, 7);
    const direct = await Promise.all(
      metrics.map(({ type, ...options }) => measure(() => build(type, options), asBatch, [N])),
    );
    expect(offline).toEqual(Object.assign({}, ...direct));
  });
});

it.each([
  ['SingleLabelMetric', { average: 'mean' }, /average/],
  ['SingleLabelMetric', { items: ['f1'] }, /items/],
  ['SingleLabelMetric', { thrs: [] }, /thrs/],
  ['ConfusionMatrix', { normalize: 'rows' }, /normalize/],
  ['AUROC', { average: 'micro' }, /average/],
  ['MultiLabelMetric', { topk: 0 }, /topk/],
  ['AveragePrecision', { average: 'micro' }, /average/],
  ['IoUMetric', { iouMetrics: 'IoU' }, /iouMetrics/],
  ['IoUMetric', { beta: 0 }, /beta/],
  ['RegressionMetric', { items: [] }, /items/],
  ['Dice', { numClasss: 3 }, /did you mean 'numClasses'/],
])('%s refuses %j', (type, options, message) => {
  expect(() => build(type, options)).toThrow(message);
});

it.each(['SingleLabelMetric', 'ConfusionMatrix', 'AUROC', 'Accuracy'])(
  '%s says which predictions it takes',
  async (type) => {
    const metric = build(type);
    await expect(metric.process(undefined, 3)).rejects.toThrow(/E_METRIC_INPUT/);
    await expect(metric.process(undefined, [{ predScores: [1, 2], gtLabel: 5 }])).rejects.toThrow(
      /E_METRIC_LABEL/,
    );
  },
);
