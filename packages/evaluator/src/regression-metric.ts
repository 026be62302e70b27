import { badValue, isHostArray, METRICS, register } from '@engine/core';
import { tf } from '@engine/tensor';
import { BaseMetric, type MetricOptions, type Metrics } from './base-metric.js';
import { inputError, readNumbers, type Numbers } from './score-input.js';

const ITEMS = ['mse', 'rmse', 'mae', 'r2', 'pearson'] as const;

export type RegressionItem = (typeof ITEMS)[number];

export interface RegressionMetricOptions extends MetricOptions {
  /** What to report; all unless said. */
  items?: readonly RegressionItem[];
}

declare module '@engine/core' {
  interface MetricTypes {
    RegressionMetric: RegressionMetricOptions;
  }
}

interface Result {
  preds: number[];
  targets: number[];
}

/**
 * How far predicted numbers are from the true ones: mean squared and absolute error and the root of the former, over all
 * samples and outputs; coefficient of determination R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)² and Pearson's correlation, of each
 * output over all samples, then averaged over outputs. R² of a constant target is 1 when it is met, else 0; its
 * correlation is NaN.
 *
 * Takes `{ preds: [N] or [N, D], targets: the same }`, or a list of `{ pred, target }`, numbers or [D]. Sums run over the
 * samples in the order of the data set, so the values do not depend on the batches.
 * @throws E_CONFIG_VALUE; from `process` E_METRIC_INPUT
 */
@register(METRICS)
export class RegressionMetric extends BaseMetric<Result> {
  static override readonly defaultPrefix: string = 'regression';
  private readonly items: readonly RegressionItem[];

  constructor(options: RegressionMetricOptions = {}) {
    super(options, ['items']);
    const { items = ITEMS } = options;
    if (
      !Array.isArray(items) ||
      items.length === 0 ||
      !items.every((item) => ITEMS.includes(item as never))
    ) {
      throw badValue('RegressionMetric.items', items, `a list of some of ${ITEMS.join(', ')}`);
    }
    this.items = items;
  }

  async process(_dataBatch: unknown, dataSamples: unknown): Promise<void> {
    if (Array.isArray(dataSamples)) {
      for (const sample of dataSamples as unknown[]) {
        const { pred, target, preds, targets } = (sample ?? {}) as Record<string, unknown>;
        const result = { preds: await numbersOf(pred ?? preds), targets: await numbersOf(target ?? targets) };
        if (result.preds.length === 0 || result.preds.length !== result.targets.length)
          throw wrong(dataSamples);
        this.results.push(result);
      }
      return;
    }
    const { preds, targets } = (dataSamples ?? {}) as Record<string, unknown>;
    const [guessed, real] = await Promise.all([numbersOf(preds), numbersOf(targets)]);
    const rows = rowsOf(targets) ?? rowsOf(preds) ?? real.length;
    if (guessed.length === 0 || guessed.length !== real.length || real.length % rows !== 0)
      throw wrong(dataSamples);
    const width = real.length / rows;
    for (let at = 0; at < real.length; at += width) {
      this.results.push({ preds: guessed.slice(at, at + width), targets: real.slice(at, at + width) });
    }
  }

  computeMetrics(results: Result[]): Metrics {
    const outputs = results[0]?.preds.length ?? 0;
    const columns = Array.from({ length: outputs }, (_, k) => columnOf(results, k));
    const mean = (of: (column: Column) => number): number =>
      columns.reduce((a, column) => a + of(column), 0) / outputs;
    const mse = mean(({ squared }) => squared / results.length);
    const values: Record<RegressionItem, number> = {
      mse,
      rmse: Math.sqrt(mse),
      mae: mean(({ absolute }) => absolute / results.length),
      r2: mean(({ squared, spread }) => (spread === 0 ? Number(squared === 0) : 1 - squared / spread)),
      pearson: mean(({ together, spread, predSpread }) => together / Math.sqrt(spread * predSpread)),
    };
    return Object.fromEntries(this.items.map((item) => [item, values[item]]));
  }
}

/** Sums over the samples of one output. */
interface Column {
  squared: number;
  absolute: number;
  /** Σ(y − ȳ)², Σ(ŷ − mean ŷ)² and Σ(y − ȳ)(ŷ − mean ŷ). */
  spread: number;
  predSpread: number;
  together: number;
}

function columnOf(results: readonly Result[], k: number): Column {
  const mean = (key: keyof Result): number =>
    results.reduce((sum, result) => sum + result[key][k]!, 0) / results.length;
  const [predMean, targetMean] = [mean('preds'), mean('targets')];
  const column: Column = { squared: 0, absolute: 0, spread: 0, predSpread: 0, together: 0 };
  for (const { preds, targets } of results) {
    const [pred, target] = [preds[k]!, targets[k]!];
    column.squared += (target - pred) ** 2;
    column.absolute += Math.abs(target - pred);
    column.spread += (target - targetMean) ** 2;
    column.predSpread += (pred - predMean) ** 2;
    column.together += (target - targetMean) * (pred - predMean);
  }
  return column;
}

async function numbersOf(value: unknown): Promise<number[]> {
  if (typeof value === 'number') return [value];
  if (Array.isArray(value)) return value.flat() as number[];
  return typeof value === 'object' && value !== null ? Array.from(await readNumbers(value as Numbers)) : [];
}

function rowsOf(value: unknown): number | undefined {
  if (value instanceof tf.Tensor || isHostArray(value)) return value.shape[0];
  return Array.isArray(value) ? value.length : undefined;
}

function wrong(received: unknown): Error {
  return inputError(
    'RegressionMetric',
    received,
    '{ preds: [N] or [N, D], targets: the same }, or a list of { pred, target }',
  );
}
