import { badValue, EngineError, isHostArray, METRICS, register, show, type HostArray } from '@engine/core';
import { tf, toTensor, type Tensor } from '@engine/tensor';
import { BaseMetric, type MetricOptions, type Metrics } from './base-metric.js';

export interface AccuracyOptions extends MetricOptions {
  /** A sample counts as right when its class is among the k highest scores; 1. */
  topk?: number | readonly number[];
}

declare module '@engine/core' {
  interface MetricTypes {
    Accuracy: AccuracyOptions;
  }
}

/** Numbers on the device or on the host. */
export type Numbers = Tensor | HostArray | ArrayLike<number>;

/** Predictions of a batch in one piece. */
export interface ScoreBatch {
  /** One score per class, [N, K]; logits or probabilities. */
  scores: Tensor | HostArray;
  /** True classes, [N]. */
  gtLabels: Numbers;
}

/** The prediction of one sample. */
export interface ScoreSample {
  /** One score per class, [K]. */
  predScores: Numbers;
  gtLabel: number;
}

/**
 * Share of samples, in percent, whose true class is among the k highest scores: `accuracy/top1`, `accuracy/top5`, …
 * (MMPretrain's names and unit). Among equal scores the lower class number comes first.
 *
 * Takes a {@link ScoreBatch} or a list of {@link ScoreSample}; a batch is read from the device once.
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
    if (isScoreBatch(dataSamples)) {
      this.count(await readTable(dataSamples.scores, dataSamples.gtLabels));
      return;
    }
    if (!Array.isArray(dataSamples) || !dataSamples.every(isScoreSample)) throw inputError(dataSamples);
    const rows = await Promise.all(dataSamples.map((sample) => readNumbers(sample.predScores)));
    rows.forEach((row, i) => this.results.push(rankOf(row, 0, row.length, dataSamples[i]!.gtLabel)));
  }

  computeMetrics(ranks: number[]): Metrics {
    return Object.fromEntries(
      this.topk.map((k) => [`top${k}`, (100 * ranks.filter((rank) => rank < k).length) / ranks.length]),
    );
  }

  /** @param table rows of K scores and the label */
  private count({ data, classes }: Table): void {
    for (let at = 0; at < data.length; at += classes + 1) {
      this.results.push(rankOf(data, at, classes, data[at + classes]!));
    }
  }
}

interface Table {
  data: ArrayLike<number>;
  classes: number;
}

/** Number of classes that come before the true one in the order of falling scores. */
function rankOf(scores: ArrayLike<number>, at: number, classes: number, label: number): number {
  if (!Number.isInteger(label) || label < 0 || label >= classes) {
    throw new EngineError({
      code: 'E_METRIC_LABEL',
      what: 'A label is no class of the predictions.',
      received: String(label),
      expected: `a whole number from 0 to ${classes - 1}`,
      fix: 'check the number of classes of the model against the data set',
    });
  }
  const own = scores[at + label]!;
  let before = 0;
  for (let k = 0; k < classes; k++) {
    const other = scores[at + k]!;
    // Written so that NaN ranks before every number: a broken prediction is never right by accident.
    if (k !== label && (!(other <= own) || (other === own && k < label))) before++;
  }
  return Number.isNaN(own) ? classes : before;
}

/** Scores and labels side by side, [N, K + 1], so that the device is read once. */
async function readTable(scores: Tensor | HostArray, labels: Numbers): Promise<Table> {
  const [rows = 0, classes = 0] = scores.shape;
  if (scores.shape.length !== 2) throw inputError({ scores: `shape [${scores.shape.join(', ')}]` });
  const count = labels instanceof tf.Tensor || isHostArray(labels) ? size(labels.shape) : labels.length;
  if (count !== rows) throw inputError({ scores: `${rows} rows`, gtLabels: `${count} labels` });
  const table = tf.tidy(() => {
    const column = tf.reshape(tf.cast(asTensor(labels), 'float32'), [rows, 1]);
    return tf.concat([tf.cast(asTensor(scores), 'float32'), column], 1);
  });
  try {
    return { data: await table.data(), classes };
  } finally {
    table.dispose();
  }
}

function size(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function asTensor(value: Numbers): Tensor {
  if (value instanceof tf.Tensor) return value;
  return isHostArray(value) ? toTensor(value) : tf.tensor1d(Array.from(value));
}

async function readNumbers(value: Numbers): Promise<ArrayLike<number>> {
  if (value instanceof tf.Tensor) return value.data();
  return isHostArray(value) ? (value.data as Float32Array) : value;
}

function isScoreBatch(value: unknown): value is ScoreBatch {
  if (typeof value !== 'object' || value === null) return false;
  const { scores, gtLabels } = value as Partial<ScoreBatch>;
  return (scores instanceof tf.Tensor || isHostArray(scores)) && gtLabels !== undefined && gtLabels !== null;
}

function isScoreSample(value: unknown): value is ScoreSample {
  if (typeof value !== 'object' || value === null) return false;
  const { predScores, gtLabel } = value as Partial<ScoreSample>;
  return typeof predScores === 'object' && predScores !== null && typeof gtLabel === 'number';
}

function inputError(received: unknown): EngineError {
  return new EngineError({
    code: 'E_METRIC_INPUT',
    what: 'Accuracy cannot use these predictions.',
    received: show(received),
    expected: '{ scores: [N, K], gtLabels: [N] }, or a list of { predScores: [K], gtLabel }',
    fix: "return one of these from the model's forward in mode 'predict'",
  });
}
