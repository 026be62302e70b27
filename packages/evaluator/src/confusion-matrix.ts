import { badValue, METRICS, register } from '@engine/core';
import { BaseMetric, type MetricOptions, type Metrics } from './base-metric.js';
import { argMax, checkLabel, readScores } from './score-input.js';

export interface ConfusionMatrixOptions extends MetricOptions {
  /** Divide by the number of samples of the true class, of the predicted class, or of all; counts unless said. */
  normalize?: 'true' | 'pred' | 'all';
}

declare module '@engine/core' {
  interface MetricTypes {
    ConfusionMatrix: ConfusionMatrixOptions;
  }
}

interface Result {
  classes: number;
  label: number;
  predicted: number;
}

/**
 * How often each class was taken for each other one: `confusion_matrix/result`, rows are true classes, columns predicted
 * ones. Takes what `Accuracy` takes.
 * @throws E_CONFIG_VALUE; from `process` E_METRIC_INPUT, E_METRIC_LABEL
 */
@register(METRICS)
export class ConfusionMatrix extends BaseMetric<Result> {
  static override readonly defaultPrefix: string = 'confusion_matrix';
  private readonly normalize: ConfusionMatrixOptions['normalize'];

  constructor(options: ConfusionMatrixOptions = {}) {
    super(options, ['normalize']);
    const { normalize } = options;
    if (normalize !== undefined && !['true', 'pred', 'all'].includes(normalize)) {
      throw badValue('ConfusionMatrix.normalize', normalize, "'true', 'pred' or 'all'");
    }
    this.normalize = normalize;
  }

  async process(_dataBatch: unknown, dataSamples: unknown): Promise<void> {
    for (const { scores, label } of await readScores('ConfusionMatrix', dataSamples)) {
      checkLabel(label, scores.length);
      this.results.push({ classes: scores.length, label, predicted: argMax(scores) });
    }
  }

  computeMetrics(results: Result[]): Metrics {
    const classes = results[0]?.classes ?? 0;
    const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
    for (const { label, predicted } of results) matrix[label]![predicted]!++;
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    const columns = matrix.map((_, k) => sum(matrix.map((row) => row[k]!)));
    const total = (row: readonly number[], k: number): number =>
      this.normalize === 'true' ? sum(row) : this.normalize === 'pred' ? columns[k]! : results.length;
    const result = this.normalize
      ? matrix.map((row) => row.map((count, k) => (count === 0 ? 0 : count / total(row, k))))
      : matrix;
    return { result };
  }
}
