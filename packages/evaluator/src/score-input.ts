import { EngineError, isHostArray, show, type HostArray } from '@engine/core';
import { tf, toTensor, type Tensor } from '@engine/tensor';

/** Numbers on the device or on the host. */
export type Numbers = Tensor | HostArray | ArrayLike<number>;

/** Predictions of a batch in one piece. */
export interface ScoreBatch {
  /** One score per class, [N, K]; logits or probabilities. */
  scores: Tensor | HostArray;
  /** True classes, [N]. */
  gtLabels: Numbers;
}

/** The prediction of one sample. `scores` and `gtLabels` are the names in what DumpResults makes of a {@link ScoreBatch}. */
export interface ScoreSample {
  /** One score per class, [K]. */
  predScores: Numbers;
  gtLabel: number;
}

/** The scores of one sample on the host, and its class. */
export interface ScoreRow {
  scores: ArrayLike<number>;
  label: number;
}

/**
 * Reads predictions of either form; a batch is read from the device once.
 * @param owner metric, for messages
 * @throws E_METRIC_INPUT for anything else
 */
export async function readScores(owner: string, dataSamples: unknown): Promise<ScoreRow[]> {
  if (isScoreBatch(dataSamples)) return readTable(owner, dataSamples.scores, dataSamples.gtLabels);
  if (!Array.isArray(dataSamples)) throw scoreError(owner, dataSamples);
  return Promise.all(
    dataSamples.map(async (sample: unknown) => {
      const { predScores, gtLabel, scores, gtLabels } = (sample ?? {}) as Partial<ScoreSample & ScoreBatch>;
      const label = gtLabel ?? gtLabels;
      const given = predScores ?? scores;
      if (typeof given !== 'object' || typeof label !== 'number') throw scoreError(owner, dataSamples);
      return { scores: await readNumbers(given), label };
    }),
  );
}

/** @throws E_METRIC_LABEL for a label that is no class */
export function checkLabel(label: number, classes: number): void {
  if (Number.isInteger(label) && label >= 0 && label < classes) return;
  throw new EngineError({
    code: 'E_METRIC_LABEL',
    what: 'A label is no class of the predictions.',
    received: String(label),
    expected: `a whole number from 0 to ${classes - 1}`,
    fix: 'check the number of classes of the model against the data set',
  });
}

/** Numbers on the host, in one flat list. */
export async function readNumbers(value: Numbers): Promise<ArrayLike<number>> {
  if (value instanceof tf.Tensor) return value.data();
  return isHostArray(value) ? (value.data as Float32Array) : value;
}

/** The class with the highest score, the first among equals; NaN counts as highest, so that it is never right by accident. */
export function argMax(scores: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < scores.length; k++) if (!(scores[k]! <= scores[best]!)) best = k;
  return best;
}

/** @throws E_METRIC_INPUT */
export function inputError(owner: string, received: unknown, expected: string): EngineError {
  return new EngineError({
    code: 'E_METRIC_INPUT',
    what: `${owner} cannot use these predictions.`,
    received: show(received),
    expected,
    fix: "return one of these from the model's forward in mode 'predict'",
  });
}

function scoreError(owner: string, received: unknown): EngineError {
  return inputError(
    owner,
    received,
    '{ scores: [N, K], gtLabels: [N] }, or a list of { predScores: [K], gtLabel }',
  );
}

/** Scores and labels side by side, [N, K + 1], so that the device is read once. */
async function readTable(owner: string, scores: Tensor | HostArray, labels: Numbers): Promise<ScoreRow[]> {
  const [rows = 0, classes = 0] = scores.shape;
  if (scores.shape.length !== 2) throw scoreError(owner, { scores: `shape [${scores.shape.join(', ')}]` });
  const count = labels instanceof tf.Tensor || isHostArray(labels) ? size(labels.shape) : labels.length;
  if (count !== rows) throw scoreError(owner, { scores: `${rows} rows`, gtLabels: `${count} labels` });
  const table = tf.tidy(() => {
    const column = tf.reshape(tf.cast(asTensor(labels), 'float32'), [rows, 1]);
    return tf.concat([tf.cast(asTensor(scores), 'float32'), column], 1);
  });
  try {
    const data = (await table.data()) as Float32Array;
    return Array.from({ length: rows }, (_, i) => {
      const at = i * (classes + 1);
      return { scores: data.subarray(at, at + classes), label: data[at + classes]! };
    });
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

function isScoreBatch(value: unknown): value is ScoreBatch {
  if (typeof value !== 'object' || value === null) return false;
  const { scores, gtLabels } = value as Partial<ScoreBatch>;
  return (scores instanceof tf.Tensor || isHostArray(scores)) && gtLabels !== undefined && gtLabels !== null;
}
