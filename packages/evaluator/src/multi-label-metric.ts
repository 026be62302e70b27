import { badValue, METRICS, register } from '@engine/core';
import { BaseMetric, type MetricOptions, type Metrics } from './base-metric.js';
import { readMultiLabels, type MultiLabelRow } from './multi-label-input.js';
import { checkItems, emptyCounts, precisionRecall, type Average, type Item } from './precision-recall.js';

export interface MultiLabelMetricOptions extends MetricOptions {
  /** A class counts as predicted when its score is at least this; 0.5 unless `topk` is given. */
  thr?: number | null;
  /** The k highest scores count as predicted; those of them that reach `thr`, when both are given. */
  topk?: number;
  items?: readonly Item[];
  average?: Average;
}

export interface AveragePrecisionOptions extends MetricOptions {
  /** The mean over classes (`macro`, unless said), or a list (null). */
  average?: 'macro' | null;
}

declare module '@engine/core' {
  interface MetricTypes {
    MultiLabelMetric: MultiLabelMetricOptions;
    AveragePrecision: AveragePrecisionOptions;
  }
}

/**
 * Precision, recall and F1, in percent, of a classifier whose samples may belong to several classes (MMPretrain's names):
 * `multi-label/precision`, with `_thr-0.30` for another threshold than 0.5 and `_top3` for the highest scores.
 *
 * Takes `{ scores: [N, K], gtLabels: [N, K] }` with labels 1, 0 and -1 (not counted), or a list of
 * `{ predScores: [K], gtScore: [K] }` or `{ predScores: [K], gtLabel: [classes] }`.
 * @throws E_CONFIG_VALUE; from `process` E_METRIC_INPUT
 */
@register(METRICS)
export class MultiLabelMetric extends BaseMetric<MultiLabelRow> {
  static override readonly defaultPrefix: string = 'multi-label';
  private readonly thr: number | undefined;
  private readonly topk: number | undefined;
  private readonly items: readonly Item[];
  private readonly average: Average;

  constructor(options: MultiLabelMetricOptions = {}) {
    super(options, ['thr', 'topk', 'items', 'average']);
    const { thr, topk, items = ['precision', 'recall', 'f1-score'], average = 'macro' } = options;
    checkItems('MultiLabelMetric', items, average);
    if (thr !== undefined && thr !== null && typeof thr !== 'number') {
      throw badValue('MultiLabelMetric.thr', thr, 'a number');
    }
    if (topk !== undefined && !(Number.isInteger(topk) && topk > 0)) {
      throw badValue('MultiLabelMetric.topk', topk, 'a whole number above 0');
    }
    this.thr = thr ?? (topk === undefined ? 0.5 : undefined);
    this.topk = topk;
    this.items = items;
    this.average = average;
  }

  async process(_dataBatch: unknown, dataSamples: unknown): Promise<void> {
    this.results.push(...(await readMultiLabels('MultiLabelMetric', dataSamples)));
  }

  computeMetrics(results: MultiLabelRow[]): Metrics {
    const counts = emptyCounts(results[0]?.scores.length ?? 0);
    for (const { scores, targets } of results) {
      const positive = this.positives(scores);
      targets.forEach((target, k) => {
        if (target < 0) return;
        if (target === 1) counts.actual[k]!++;
        if (!positive[k]) return;
        counts.predicted[k]!++;
        if (target === 1) counts.hits[k]!++;
      });
    }
    const threshold = this.thr === undefined || this.thr === 0.5 ? '' : `_thr-${this.thr.toFixed(2)}`;
    const suffix = threshold + (this.topk === undefined ? '' : `_top${this.topk}`);
    return precisionRecall(counts, this.items, this.average, suffix);
  }

  private positives(scores: readonly number[]): boolean[] {
    const { thr, topk } = this;
    const among = scores.map(() => topk === undefined);
    if (topk !== undefined) {
      const order = scores.map((_, k) => k).sort((a, b) => scores[b]! - scores[a]! || a - b);
      for (const k of order.slice(0, topk)) among[k] = true;
    }
    return scores.map((score, k) => among[k]! && (thr === undefined || score >= thr));
  }
}

/**
 * Mean of the precisions at each sample of a class, in the order of falling scores, in percent: `multi-label/mAP`, or
 * `multi-label/AP_classwise` (MMPretrain's AveragePrecision). Takes what {@link MultiLabelMetric} takes.
 * @throws E_CONFIG_VALUE; from `process` E_METRIC_INPUT
 */
@register(METRICS)
export class AveragePrecision extends BaseMetric<MultiLabelRow> {
  static override readonly defaultPrefix: string = 'multi-label';
  private readonly average: 'macro' | null;

  constructor(options: AveragePrecisionOptions = {}) {
    super(options, ['average']);
    const { average = 'macro' } = options;
    if (average !== 'macro' && average !== null) {
      throw badValue('AveragePrecision.average', average, "'macro' or null");
    }
    this.average = average;
  }

  async process(_dataBatch: unknown, dataSamples: unknown): Promise<void> {
    this.results.push(...(await readMultiLabels('AveragePrecision', dataSamples)));
  }

  computeMetrics(results: MultiLabelRow[]): Metrics {
    const classes = results[0]?.scores.length ?? 0;
    const values = Array.from({ length: classes }, (_, k) => 100 * averagePrecision(results, k));
    if (this.average === null) return { AP_classwise: values };
    return { mAP: values.reduce((a, b) => a + b, 0) / classes };
  }
}

function averagePrecision(rows: readonly MultiLabelRow[], k: number): number {
  const counted = rows.filter(({ targets }) => targets[k]! >= 0);
  const sorted = counted
    .map(({ scores, targets }, i) => ({ score: scores[k]!, target: targets[k]!, i }))
    .sort((a, b) => b.score - a.score || a.i - b.i);
  let hits = 0;
  let sum = 0;
  sorted.forEach(({ target }, i) => {
    if (target === 1) sum += ++hits / (i + 1);
  });
  return hits === 0 ? 0 : sum / hits;
}
