import { isHostArray } from '@engine/core';
import { tf } from '@engine/tensor';
import { inputError, readNumbers, type Numbers } from './score-input.js';

/** One sample that may belong to several classes. */
export interface MultiLabelRow {
  /** One score per class. */
  scores: number[];
  /** For each class 1 (belongs), 0 (does not) or -1 (not to be counted). */
  targets: number[];
}

/**
 * Reads `{ scores: [N, K], gtLabels: [N, K] }` of 1, 0 and -1, or a list of `{ predScores: [K], gtScore: [K] }` or
 * `{ predScores: [K], gtLabel: [class, …] }`.
 * @throws E_METRIC_INPUT for anything else
 */
export async function readMultiLabels(owner: string, dataSamples: unknown): Promise<MultiLabelRow[]> {
  if (Array.isArray(dataSamples)) {
    return Promise.all(dataSamples.map((sample) => readSample(owner, sample, dataSamples)));
  }
  const { scores, gtLabels } = (dataSamples ?? {}) as { scores?: unknown; gtLabels?: unknown };
  if (!hasTable(scores) || !hasTable(gtLabels) || String(scores.shape) !== String(gtLabels.shape)) {
    throw wrong(owner, dataSamples);
  }
  const [rows = 0, classes = 0] = scores.shape;
  const [all, targets] = await Promise.all([readNumbers(scores), readNumbers(gtLabels)]);
  const row = (data: ArrayLike<number>, i: number): number[] =>
    Array.from({ length: classes }, (_, k) => data[i * classes + k]!);
  return Array.from({ length: rows }, (_, i) => ({ scores: row(all, i), targets: row(targets, i) }));
}

async function readSample(owner: string, sample: unknown, all: unknown): Promise<MultiLabelRow> {
  const given = (sample ?? {}) as Record<string, Numbers | undefined>;
  const predicted = given.predScores ?? given.scores;
  const truth = given.gtScore ?? given.gtLabels;
  if (typeof predicted !== 'object') throw wrong(owner, all);
  const scores = Array.from(await readNumbers(predicted));
  if (typeof truth === 'object') {
    const targets = Array.from(await readNumbers(truth));
    if (targets.length !== scores.length) throw wrong(owner, all);
    return { scores, targets };
  }
  if (typeof given.gtLabel !== 'object') throw wrong(owner, all);
  const targets = scores.map(() => 0);
  for (const label of Array.from(await readNumbers(given.gtLabel))) {
    if (!(label in targets)) throw wrong(owner, all);
    targets[label] = 1;
  }
  return { scores, targets };
}

function hasTable(value: unknown): value is Numbers & { shape: readonly number[] } {
  return (value instanceof tf.Tensor || isHostArray(value)) && value.shape.length === 2;
}

function wrong(owner: string, received: unknown): Error {
  return inputError(
    owner,
    received,
    '{ scores: [N, K], gtLabels: [N, K] }, or a list of { predScores: [K], gtScore: [K] } or { predScores: [K], gtLabel: [classes] }',
  );
}
