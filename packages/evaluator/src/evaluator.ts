import {
  badValue,
  checkKeys,
  EngineError,
  EVALUATOR,
  isComponentConfig,
  METRICS,
  register,
} from '@engine/core';
import type { ConfigOf, MetricTypes } from '@engine/core';
import { BaseMetric, type Metrics } from './base-metric.js';
import { gatherLocally, type Gather } from './gather.js';

/** A metric, or the config of one. */
export type MetricInput = BaseMetric | ConfigOf<MetricTypes>;

declare module '@engine/core' {
  interface EvaluatorTypes {
    Evaluator: { metrics: MetricInput | readonly MetricInput[] };
  }
}

/** Feeds predictions to several metrics and merges their values. */
@register(EVALUATOR)
export class Evaluator {
  readonly metrics: readonly BaseMetric[];
  private meta: Readonly<Record<string, unknown>> | undefined;
  private gatherer: Gather = gatherLocally;

  /**
   * @param metrics one metric or several, built or as configs
   * @throws E_CONFIG_UNKNOWN_KEY: there are no options; E_CONFIG_VALUE for something that is no metric
   */
  constructor(metrics: MetricInput | readonly MetricInput[], options: object = {}) {
    checkKeys('Evaluator', options, []);
    const list = Array.isArray(metrics) ? (metrics as readonly MetricInput[]) : [metrics as MetricInput];
    this.metrics = list.map((metric, i) => {
      if (metric instanceof BaseMetric) return metric;
      const path = `metrics[${i}]`;
      if (!isComponentConfig(metric)) throw badValue(path, metric, "a metric such as { type: 'Accuracy' }");
      const built = METRICS.build<unknown>(metric, { path });
      if (!(built instanceof BaseMetric)) throw badValue(path, metric, 'a class that extends BaseMetric');
      return built;
    });
  }

  /** What the data set says of itself; handed on to every metric. */
  get datasetMeta(): Readonly<Record<string, unknown>> | undefined {
    return this.meta;
  }

  set datasetMeta(meta: Readonly<Record<string, unknown>> | undefined) {
    this.meta = meta;
    for (const metric of this.metrics) metric.datasetMeta = meta;
  }

  /** How results of several processes come together; handed on to every metric. */
  get gather(): Gather {
    return this.gatherer;
  }

  set gather(gather: Gather) {
    this.gatherer = gather;
    for (const metric of this.metrics) metric.gather = gather;
  }

  /**
   * Hands one batch to every metric. Tensors stay the caller's, who keeps them until the promise resolves.
   * @param dataSamples the model's predictions
   * @param dataBatch the batch as the loader gave it
   */
  async process(dataSamples: unknown, dataBatch?: unknown): Promise<void> {
    for (const metric of this.metrics) await metric.process(dataBatch, dataSamples);
  }

  /**
   * Values of all metrics over the whole data set.
   * @param size number of samples in the data set
   * @throws E_EVALUATOR_NAME when two metrics use one name
   */
  async evaluate(size: number): Promise<Metrics> {
    const merged: Metrics = {};
    for (const metric of this.metrics) {
      for (const [name, value] of Object.entries(await metric.evaluate(size))) {
        if (Object.hasOwn(merged, name)) {
          throw new EngineError({
            code: 'E_EVALUATOR_NAME',
            what: `Two metrics give a value called '${name}'.`,
            received: `${metric.name} and one before it`,
            expected: 'names that differ',
            fix: `set the prefix option of one of them, for instance prefix: '${metric.name.toLowerCase()}2'`,
          });
        }
        merged[name] = value;
      }
    }
    return merged;
  }

  /**
   * Values of predictions that were made before.
   * @param dataSamples one prediction per sample
   * @param data the samples themselves, as many
   * @param chunkSize samples handed to the metrics at once; 1
   * @throws E_EVALUATOR_LENGTH when there are more or fewer samples than predictions
   */
  async offlineEvaluate(
    dataSamples: readonly unknown[],
    data?: readonly unknown[],
    chunkSize = 1,
  ): Promise<Metrics> {
    if (!Number.isInteger(chunkSize) || chunkSize < 1)
      throw badValue('chunkSize', chunkSize, 'a whole number above 0');
    if (data && data.length !== dataSamples.length) {
      throw new EngineError({
        code: 'E_EVALUATOR_LENGTH',
        what: 'Predictions and samples do not fit together.',
        received: `${dataSamples.length} predictions, ${data.length} samples`,
        expected: 'one prediction for each sample',
      });
    }
    for (let i = 0; i < dataSamples.length; i += chunkSize) {
      await this.process(dataSamples.slice(i, i + chunkSize), data?.slice(i, i + chunkSize));
    }
    return this.evaluate(dataSamples.length);
  }
}
