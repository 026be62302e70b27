import { register } from '@engine/core';
import { BaseMetric, type MetricOptions } from '@engine/evaluator';
import type { Tensor1D, Tensor2D } from '@engine/tensor';
import { METRICS } from './registry.js';

declare module '@engine/core' {
  interface MetricTypes {
    'outsider.ErrorRate': MetricOptions;
  }
}

/** Share of the samples whose most probable class is wrong, 0 to 1: `stripes/errorRate`. */
@register(METRICS, { from: 'outsider' })
export class ErrorRate extends BaseMetric<boolean> {
  static override readonly defaultPrefix = 'stripes';

  async process(_batch: unknown, { scores, gtLabels }: { scores: Tensor2D; gtLabels: Tensor1D }) {
    const [rows, labels] = await Promise.all([scores.array(), gtLabels.array()]);
    this.results.push(...rows.map((row, i) => row.indexOf(Math.max(...row)) !== labels[i]));
  }

  computeMetrics(wrong: boolean[]) {
    return { errorRate: wrong.filter(Boolean).length / wrong.length };
  }
}
