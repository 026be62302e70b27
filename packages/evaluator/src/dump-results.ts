import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { badValue, isHostArray, METRICS, register } from '@engine/core';
import { tf } from '@engine/tensor';
import { BaseMetric, type MetricOptions, type Metrics } from './base-metric.js';

export interface DumpResultsOptions extends MetricOptions {
  /** File to write, `.json`. */
  outFilePath: string;
}

declare module '@engine/core' {
  interface MetricTypes {
    DumpResults: DumpResultsOptions;
  }
}

/**
 * Writes all predictions to a JSON file, a list with one entry per sample, and gives no values. Tensors and arrays
 * become nested lists. Predictions come as a list, one per sample, or as an object of arrays over the samples, which
 * becomes one object of the same names per sample; the metrics of this package read either again.
 * @throws E_CONFIG_VALUE for another ending than `.json`, and from `process` for predictions that are no list
 */
@register(METRICS)
export class DumpResults extends BaseMetric {
  static override readonly defaultPrefix = 'dump';
  private readonly path: string;

  constructor(options: DumpResultsOptions) {
    super(options, ['outFilePath']);
    if (typeof options.outFilePath !== 'string' || !options.outFilePath.endsWith('.json')) {
      throw badValue('DumpResults.outFilePath', options.outFilePath, "a path that ends in '.json'");
    }
    this.path = options.outFilePath;
  }

  async process(_dataBatch: unknown, dataSamples: unknown): Promise<void> {
    const samples = Array.isArray(dataSamples) ? dataSamples : splitBatch(await plain(dataSamples));
    if (!samples)
      throw badValue(
        'DumpResults: predictions',
        dataSamples,
        'a list, one per sample, or an object whose entries all have one element per sample',
      );
    for (const sample of samples) this.results.push(await plain(sample));
  }

  computeMetrics(results: unknown[]): Metrics {
    mkdirSync(dirname(this.path), { recursive: true });
    // Written beside and renamed, so that nobody ever reads half a file.
    const unfinished = `${this.path}.tmp`;
    writeFileSync(unfinished, JSON.stringify(results));
    renameSync(unfinished, this.path);
    return {};
  }
}

/** One object per sample of an object of lists over samples; undefined when it is none. */
function splitBatch(batch: unknown): unknown[] | undefined {
  if (typeof batch !== 'object' || batch === null) return undefined;
  const entries = Object.entries(batch);
  const length = (entries[0]?.[1] as unknown[] | undefined)?.length;
  if (length === undefined || !entries.every(([, list]) => Array.isArray(list) && list.length === length)) {
    return undefined;
  }
  return Array.from({ length }, (_, i) =>
    Object.fromEntries(entries.map(([key, list]) => [key, (list as unknown[])[i]])),
  );
}

async function plain(value: unknown): Promise<unknown> {
  if (value instanceof tf.Tensor) return value.array();
  if (isHostArray(value)) return nested(Array.from(value.data as ArrayLike<number>), value.shape);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? Number(value) : value;
  const entries = Object.entries(value).map(async ([key, inner]) => [key, await plain(inner)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function nested(data: readonly unknown[], shape: readonly number[]): unknown {
  if (shape.length === 0) return data[0];
  if (shape.length === 1) return data;
  const [rows = 0, ...rest] = shape;
  const step = data.length / rows;
  return Array.from({ length: rows }, (_, i) => nested(data.slice(i * step, (i + 1) * step), rest));
}
