import { badValue } from '@engine/core';
import { isTensor, tf, type Reduction, type Tensor } from '@engine/tensor';

import { reduce } from './reduction.js';

export interface CtcLossOptions {
  /** Class that stands for no label; 0 unless said. */
  blank?: number;
  /** 'mean' (of each loss divided by the length of its target) unless said. */
  reduction?: Reduction;
  /** Count sequences that cannot hold their target as 0, with no gradient, instead of infinite; false unless said. */
  zeroInfinity?: boolean;
}

/** Whole numbers, on the host or as an int32 tensor, which is read. */
export type WholeNumbers = readonly number[] | Tensor;

/** One sequence: the number of its steps, and its labels with a blank before, between and after them. */
interface Sequence {
  steps: number;
  states: number[];
}

/**
 * Connectionist temporal classification: the negative log-likelihood of labels summed over all alignments with the steps of
 * a sequence (A. Graves et al. 2006, "Connectionist Temporal Classification", ICML; as PyTorch's `ctc_loss`). The sums run
 * on the host, in double precision and in the logarithm, so the probabilities are read once.
 *
 * The gradient is that with respect to the logarithms themselves. PyTorch's one contains a share of the softmax that is
 * taken for granted below it; behind a `logSoftmax` the two are the same.
 * @param logProbs [T, N, K], logarithms of probabilities, classes last
 * @param targets labels of each sequence [N, S], of which as many count as `targetLengths` says, or all of them in a row
 * @param inputLengths steps of each sequence, at most T
 * @param targetLengths labels of each sequence
 * @returns a scalar, or [N] with reduction 'none'
 * @throws E_CONFIG_VALUE when shapes, lengths, labels or options do not fit
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: WholeNumbers | readonly (readonly number[])[],
  inputLengths: WholeNumbers,
  targetLengths: WholeNumbers,
  { blank = 0, reduction = 'mean', zeroInfinity = false }: CtcLossOptions = {},
): Tensor {
  if (logProbs.rank !== 3) throw badValue('ctcLoss.logProbs.shape', logProbs.shape, '[T, N, K]');
  const classes = logProbs.shape[2]!;
  if (!Number.isInteger(blank) || blank < 0 || blank >= classes)
    throw badValue('ctcLoss.blank', blank, `a class from 0 to ${classes - 1}`);
  const lengths = numbersOf(targetLengths);
  const sequences = sequencesOf(logProbs, rowsOf(targets, lengths), numbersOf(inputLengths), blank);
  return tf.tidy(() => {
    const losses = lossOf(sequences, zeroInfinity)(logProbs);
    if (reduction !== 'mean') return reduce('ctcLoss', losses, reduction);
    return tf.mean(tf.div(losses, tf.tensor1d(lengths.map((length) => Math.max(1, length)))));
  });
}

function lossOf(sequences: readonly Sequence[], zeroInfinity: boolean): (logProbs: Tensor) => Tensor {
  return tf.customGrad((...given) => {
    const logProbs = given[0] as Tensor;
    const [, batch, classes] = logProbs.shape as [number, number, number];
    const values = logProbs.dataSync() as Float32Array;
    const at = (n: number) => (t: number, k: number) => values[(t * batch + n) * classes + k]!;
    const alphas = sequences.map((sequence, n) => forwardSums(sequence, at(n)));
    const losses = sequences.map((sequence, n) => -total(sequence, alphas[n]!));
    const gradFunc = (dy: Tensor): Tensor => {
      const grad = new Float32Array(values.length);
      sequences.forEach((sequence, n) => {
        const loss = losses[n]!;
        if (loss === Infinity && zeroInfinity) return;
        const both = posteriors(sequence, alphas[n]!, at(n), loss);
        both.forEach((row, t) =>
          row.forEach((share, s) => (grad[(t * batch + n) * classes + sequence.states[s]!]! -= share)),
        );
      });
      return tf.mul(tf.tensor(grad, logProbs.shape), tf.reshape(dy, [1, batch, 1]));
    };
    const shown = losses.map((loss) => (loss === Infinity && zeroInfinity ? 0 : loss));
    return { value: tf.tensor1d(shown), gradFunc };
  });
}

type LogProb = (t: number, k: number) => number;

function logAdd(a: number, b: number): number {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/** True where the path may come from two states earlier: over a blank between two different labels. */
const skips = (states: readonly number[], s: number): boolean =>
  s >= 2 && s % 2 === 1 && states[s] !== states[s - 2];

/** Logarithm of the probability of all paths that are in state s after step t. */
function forwardSums({ steps, states }: Sequence, logProb: LogProb): Float64Array[] {
  const rows: Float64Array[] = [];
  for (let t = 0; t < steps; t++) {
    const row = new Float64Array(states.length).fill(-Infinity);
    const before = rows[t - 1];
    states.forEach((state, s) => {
      let sum = before ? before[s]! : s < 2 ? 0 : -Infinity;
      if (before && s >= 1) sum = logAdd(sum, before[s - 1]!);
      if (before && skips(states, s)) sum = logAdd(sum, before[s - 2]!);
      row[s] = sum + logProb(t, state);
    });
    rows.push(row);
  }
  return rows;
}

function total({ steps, states }: Sequence, alphas: readonly Float64Array[]): number {
  // Without a step there is one path, that of no labels.
  if (steps === 0) return states.length === 1 ? 0 : -Infinity;
  const last = alphas[steps - 1]!;
  return states.length === 1 ? last[0]! : logAdd(last[states.length - 1]!, last[states.length - 2]!);
}

/** Probability of being in state s at step t, given the labels. */
function posteriors(
  { steps, states }: Sequence,
  alphas: readonly Float64Array[],
  logProb: LogProb,
  loss: number,
): Float64Array[] {
  const rows: Float64Array[] = new Array<Float64Array>(steps);
  const count = states.length;
  let after: Float64Array | undefined;
  for (let t = steps - 1; t >= 0; t--) {
    // Logarithm of the probability of what follows step t from state s.
    const beta = new Float64Array(count).fill(-Infinity);
    const row = new Float64Array(count);
    for (let s = 0; s < count; s++) {
      let sum = after ? after[s]! + logProb(t + 1, states[s]!) : s >= count - 2 ? 0 : -Infinity;
      if (after && s + 1 < count) sum = logAdd(sum, after[s + 1]! + logProb(t + 1, states[s + 1]!));
      if (after && s + 2 < count && skips(states, s + 2))
        sum = logAdd(sum, after[s + 2]! + logProb(t + 1, states[s + 2]!));
      beta[s] = sum;
      row[s] = Math.exp(alphas[t]![s]! + sum + loss);
    }
    rows[t] = row;
    after = beta;
  }
  return rows;
}

const numbersOf = (given: WholeNumbers): number[] => Array.from(isTensor(given) ? given.dataSync() : given);

function rowsOf(
  targets: WholeNumbers | readonly (readonly number[])[],
  lengths: readonly number[],
): number[][] {
  if (lengths.some((length) => !Number.isInteger(length) || length < 0))
    throw badValue('ctcLoss.targetLengths', lengths, 'whole numbers of labels');
  const rows = isTensor(targets) && targets.rank === 2 ? (targets.arraySync() as number[][]) : targets;
  if (Array.isArray(rows) && Array.isArray(rows[0])) {
    const lists = rows as number[][];
    if (lists.length !== lengths.length || lists.some((row, n) => row.length < lengths[n]!))
      throw badValue('ctcLoss.targets', `${lists.length} lists`, `as many labels as targetLengths says`);
    return lists.map((row, n) => row.slice(0, lengths[n]));
  }
  const labels = numbersOf(rows as WholeNumbers);
  let start = 0;
  const found = lengths.map((length) => labels.slice(start, (start += length)));
  if (start !== labels.length)
    throw badValue('ctcLoss.targets', `${labels.length} labels`, `the ${start} that targetLengths says`);
  return found;
}

function sequencesOf(
  logProbs: Tensor,
  rows: readonly (readonly number[])[],
  inputLengths: readonly number[],
  blank: number,
): Sequence[] {
  const [time, batch, classes] = logProbs.shape as [number, number, number];
  if (rows.length !== batch)
    throw badValue('ctcLoss.targetLengths', `${rows.length} lengths`, `${batch}, one each`);
  if (inputLengths.length !== batch || inputLengths.some((n) => !Number.isInteger(n) || n < 0 || n > time))
    throw badValue('ctcLoss.inputLengths', inputLengths, `${batch} whole numbers from 0 to ${time}`);
  return rows.map((labels, n) => {
    const wrong = labels.find((k) => !Number.isInteger(k) || k < 0 || k >= classes || k === blank);
    if (wrong !== undefined)
      throw badValue(
        'ctcLoss.targets',
        wrong,
        `classes from 0 to ${classes - 1} other than the blank, ${blank}`,
      );
    return { steps: inputLengths[n]!, states: [blank, ...labels.flatMap((label) => [label, blank])] };
  });
}
