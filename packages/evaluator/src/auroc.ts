import { badValue, METRICS, register } from '@engine/core';
import { BaseMetric, type MetricOptions, type Metrics } from './base-metric.js';
import { checkLabel, readScores } from './score-input.js';

export interface AUROCOptions extends MetricOptions {
  /**
   * With more than two classes, each against the rest: the mean over classes (`macro`, unless said), weighted by how often
   * they occur (`weighted`), or a list (null).
   */
  average?: 'macro' | 'weighted' | null;
}

declare module '@engine/core' {
  interface MetricTypes {
    AUROC: AUROCOptions;
  }
}

interface Result {
  scores: number[];
  label: number;
}

/**
 * Area under the ROC curve, from 0 to 1: the probability that a sample of the class scores higher than one that is not,
 * where equal scores count half (Mann & Whitney 1947; the trapezoidal rule gives the same). `auroc/auroc`, or
 * `auroc/auroc_classwise` without an average. A class that all samples or none belong to has NaN, and is left out of
 * averages.
 *
 * Takes what `Accuracy` takes. With one or two scores per sample the last one is that of class 1.
 * @throws E_CONFIG_VALUE; from `process` E_METRIC_INPUT, E_METRIC_LABEL
 */
@register(METRICS)
export class AUROC extends BaseMetric<Result> {
  static override readonly defaultPrefix: string = 'auroc';
  private readonly average: 'macro' | 'weighted' | null;

  constructor(options: AUROCOptions = {}) {
    super(options, ['average']);
    const { average = 'macro' } = options;
    if (average !== 'macro' && average !== 'weighted' && average !== null) {
      throw badValue('AUROC.average', average, "'macro', 'weighted' or null");
    }
    this.average = average;
  }

  async process(_dataBatch: unknown, dataSamples: unknown): Promise<void> {
    for (const { scores, label } of await readScores('AUROC', dataSamples)) {
      checkLabel(label, Math.max(2, scores.length));
      this.results.push({ scores: Array.from(scores), label });
    }
  }

  computeMetrics(results: Result[]): Metrics {
    const classes = results[0]?.scores.length ?? 0;
    if (classes <= 2) {
      const scores = results.map((result) => result.scores[classes - 1]!);
      return {
        auroc: areaUnderRoc(
          scores,
          results.map(({ label }) => label === 1),
        ),
      };
    }
    const areas = Array.from({ length: classes }, (_, k) =>
      areaUnderRoc(
        results.map(({ scores }) => scores[k]!),
        results.map(({ label }) => label === k),
      ),
    );
    if (this.average === null) return { auroc_classwise: areas };
    let sum = 0;
    let weights = 0;
    areas.forEach((area, k) => {
      if (Number.isNaN(area)) return;
      const weight = this.average === 'macro' ? 1 : results.filter(({ label }) => label === k).length;
      sum += weight * area;
      weights += weight;
    });
    return { auroc: sum / weights };
  }
}

/** Area under the ROC curve of one decision; NaN when all samples are on one side. Does not depend on their order. */
export function areaUnderRoc(scores: readonly number[], positive: readonly boolean[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let positives = 0;
  // Sums of ranks are multiples of one half, so they are exact.
  let ranks = 0;
  for (let i = 0; i < order.length;) {
    let end = i;
    while (end < order.length && scores[order[end]!] === scores[order[i]!]) end++;
    // NaN equals nothing, itself included.
    if (end === i) return NaN;
    const rank = (i + 1 + end) / 2;
    for (; i < end; i++) {
      if (!positive[order[i]!]) continue;
      positives++;
      ranks += rank;
    }
  }
  const negatives = scores.length - positives;
  return (ranks - (positives * (positives + 1)) / 2) / (positives * negatives);
}
