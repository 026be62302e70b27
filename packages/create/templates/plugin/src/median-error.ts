import { METRICS, register } from '@engine/core';
import { BaseMetric, type MetricOptions } from '@engine/evaluator';

declare module '@engine/core' {
  interface MetricTypes {
    MedianError: MetricOptions;
  }
}

/** What the metric takes of a sample. */
export interface Estimate {
  predicted: number;
  actual: number;
}

/** Median distance of predicted numbers from the actual ones: `error/median`. */
@register(METRICS)
export class MedianError extends BaseMetric<number> {
  static override readonly defaultPrefix = 'error';

  process(_batch: unknown, samples: readonly Estimate[]): void {
    this.results.push(...samples.map(({ predicted, actual }) => Math.abs(predicted - actual)));
  }

  computeMetrics(distances: number[]) {
    const sorted = [...distances].sort((a, b) => a - b);
    const middle = sorted.length / 2;
    return { median: (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2 };
  }
}
