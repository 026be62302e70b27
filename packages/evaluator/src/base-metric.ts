import { badValue, checkKeys } from '@engine/core';
import { gatherLocally, type Gather } from './gather.js';
import { warn } from './warn.js';

export interface MetricOptions {
  /** Where results are brought together; only `cpu`. */
  collectDevice?: 'cpu';
  /** First part of the names of its values, `prefix/name`; the class's own unless said. */
  prefix?: string;
}

/** Values by name. */
export type Metrics = Record<string, unknown>;

/**
 * Base of metrics. {@link process} pushes one plain result per sample to `results`; {@link computeMetrics} turns the
 * results of the whole data set, in its order, into values.
 *
 * @typeParam Result plain data: it may travel to another process
 */
export abstract class BaseMetric<Result = unknown> {
  /** Prefix when the options give none. */
  static readonly defaultPrefix: string | undefined = undefined;

  readonly name: string;
  readonly prefix: string | undefined;
  /** What the data set says of itself, such as its classes; set by the evaluator. */
  datasetMeta: Readonly<Record<string, unknown>> | undefined;
  /** How results of several processes come together; set by the evaluator. */
  gather: Gather = gatherLocally;
  protected results: Result[] = [];

  /**
   * @param options the options of the subclass
   * @param ownKeys names of the subclass's own options
   * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE
   */
  constructor(options: MetricOptions = {}, ownKeys: readonly string[] = []) {
    this.name = new.target.name;
    checkKeys(this.name, options, [...ownKeys, 'collectDevice', 'prefix']);
    const { collectDevice = 'cpu', prefix } = options;
    if (collectDevice !== 'cpu') throw badValue(`${this.name}.collectDevice`, collectDevice, "'cpu'");
    this.prefix = prefix ?? new.target.defaultPrefix;
    if (this.prefix === undefined) {
      warn(
        'W_METRIC_PREFIX',
        `${this.name} has no prefix: its values may clash with those of another metric.`,
      );
    }
  }

  /**
   * Takes one batch.
   * @param dataBatch the batch as the loader gave it; may be absent
   * @param dataSamples the model's predictions; tensors in it stay the caller's, who keeps them until this is done
   */
  abstract process(dataBatch: unknown, dataSamples: unknown): void | Promise<void>;

  /** Values of all results; called in one process only. */
  abstract computeMetrics(results: Result[]): Metrics | Promise<Metrics>;

  /**
   * Values over all processes, the same in each; the results are dropped.
   * @param size number of samples in the data set: results beyond it are copies that samplers added
   */
  async evaluate(size: number): Promise<Metrics> {
    const { results } = this;
    this.results = [];
    if (results.length === 0) {
      warn(
        'W_METRIC_EMPTY',
        `${this.name} has no results: was process() called, and does it push to this.results?`,
      );
    }
    const metrics = await this.gather(results, size, (all) => this.computeMetrics(all));
    if (this.prefix === undefined) return metrics;
    return Object.fromEntries(
      Object.entries(metrics).map(([key, value]) => [`${this.prefix}/${key}`, value]),
    );
  }
}
