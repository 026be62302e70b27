import { badValue, METRICS, register } from '@engine/core';
import { BaseMetric, type MetricOptions, type Metrics } from './base-metric.js';
import { checkLabel, readScores } from './score-input.js';

export interface AccuracyOptions extends MetricOptions {
  /** A sample counts as right when its class is among the k highest scores; 1. */
  topk?: number | readonly number[];
}

declare module '@engine/core' {
  interface MetricTypes {
    Accuracy: AccuracyOptions;
  }
}

/**
 * Share of samples, in percent, whose true class is among the k highest scores: `accuracy/top1`, `accuracy/top5`, …
 * (MMPretrain's names and unit). Among equal scores the lower class number comes first.
 *
 * Takes a `ScoreBatch` or a list of `ScoreSample`; a batch is read from the device once.
 * @throws E_CONFIG_VALUE for a topk that is no whole number above 0; from `process` E_METRIC_INPUT for anything else
 *   than the two forms, E_METRIC_LABEL for a label that is no class
 */
@register(METRICS)
export class Accuracy extends BaseMetric<number> {
  static override readonly defaultPrefix = 'accuracy';
  private readonly topk: readonly number[];

  constructor(options: AccuracyOptions = {}) {
    super(options, ['topk']);
    const { topk = 1 } = options;
    this.topk = typeof topk === 'number' ? [topk] : topk;
    if (
      !Array.isArray(this.topk) ||
      this.topk.length === 0 ||
      !this.topk.every((k) => Number.isInteger(k) && k > 0)
    ) {
      throw badValue('Accuracy.topk', topk, 'a whole number above 0, or a list of them');
    }
  }

  async process(_dataBatch: unknown, dataSamples: unknown): Promise<void> {
    for (const { scores, label } of await readScores('Accuracy', dataSamples))
      this.results.push(rankOf(scores, label));
  }

  computeMetrics(ranks: number[]): Metrics {
    return Object.fromEntries(
      this.topk.map((k) => [`top${k}`, (100 * ranks.filter((rank) => rank < k).length) / ranks.length]),
    );
  }
}

/** Number of classes that come before the true one in the order of falling scores. */
function rankOf(scores: ArrayLike<number>, label: number): number {
  checkLabel(label, scores.length);
  const own = scores[label]!;
  let before = 0;
  for (let k = 0; k < scores.length; k++) {
    const other = scores[k]!;
    // Written so that NaN ranks before every number: a broken prediction is never right by accident.
    if (k !== label && (!(other <= own) || (other === own && k < label))) before++;
  }
  return Number.isNaN(own) ? scores.length : before;
}
