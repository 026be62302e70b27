import { badValue, METRICS, register } from '@engine/core';
import { BaseMetric, type MetricOptions, type Metrics } from './base-metric.js';
import { checkItems, emptyCounts, precisionRecall, type Average, type Item } from './precision-recall.js';
import { argMax, checkLabel, readScores } from './score-input.js';

export interface SingleLabelMetricOptions extends MetricOptions {
  /** Scores that a prediction must exceed to count; null for none. One or several; none unless said. */
  thrs?: number | null | readonly (number | null)[];
  /** What to report; precision, recall and f1-score unless said. */
  items?: readonly Item[];
  /** Mean over classes (`macro`, unless said), all decisions together (`micro`), or a list over classes (null). */
  average?: Average;
}

declare module '@engine/core' {
  interface MetricTypes {
    SingleLabelMetric: SingleLabelMetricOptions;
  }
}

interface Result {
  classes: number;
  label: number;
  predicted: number;
  score: number;
}

/**
 * Precision, recall and F1 of a classifier with one class per sample, in percent, and the number of samples (MMPretrain's
 * names): `single-label/precision`, …; `_thr-0.50` is added to the names where there are several thresholds.
 *
 * Takes `{ scores: [N, K], gtLabels: [N] }`, or a list of `{ predScores: [K], gtLabel }`. Counts are whole numbers, so
 * the values do not depend on the batches.
 * @throws E_CONFIG_VALUE; from `process` E_METRIC_INPUT, E_METRIC_LABEL
 */
@register(METRICS)
export class SingleLabelMetric extends BaseMetric<Result> {
  static override readonly defaultPrefix: string = 'single-label';
  private readonly thrs: readonly (number | null)[];
  private readonly items: readonly Item[];
  private readonly average: Average;

  constructor(options: SingleLabelMetricOptions = {}) {
    super(options, ['thrs', 'items', 'average']);
    const { thrs = null, items = ['precision', 'recall', 'f1-score'], average = 'macro' } = options;
    checkItems('SingleLabelMetric', items, average);
    this.thrs = Array.isArray(thrs) ? (thrs as (number | null)[]) : [thrs as number | null];
    if (this.thrs.length === 0 || !this.thrs.every((thr) => thr === null || typeof thr === 'number')) {
      throw badValue('SingleLabelMetric.thrs', thrs, 'a number, null, or a list of them');
    }
    this.items = items;
    this.average = average;
  }

  async process(_dataBatch: unknown, dataSamples: unknown): Promise<void> {
    for (const { scores, label } of await readScores('SingleLabelMetric', dataSamples)) {
      checkLabel(label, scores.length);
      const predicted = argMax(scores);
      this.results.push({ classes: scores.length, label, predicted, score: scores[predicted]! });
    }
  }

  computeMetrics(results: Result[]): Metrics {
    const classes = results[0]?.classes ?? 0;
    const found: Metrics = {};
    for (const thr of this.thrs) {
      const counts = emptyCounts(classes);
      for (const { label, predicted, score } of results) {
        counts.actual[label]!++;
        if (thr !== null && !(score > thr)) continue;
        counts.predicted[predicted]!++;
        if (predicted === label) counts.hits[label]!++;
      }
      const suffix = this.thrs.length === 1 ? '' : thr === null ? '_no-thr' : `_thr-${thr.toFixed(2)}`;
      Object.assign(found, precisionRecall(counts, this.items, this.average, suffix));
    }
    return found;
  }
}
