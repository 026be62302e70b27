import { badValue, EngineError, isHostArray, METRICS, register, type HostArray } from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';
import { BaseMetric, type MetricOptions, type Metrics } from './base-metric.js';
import { inputError, readNumbers, type Numbers } from './score-input.js';

/** Groups of values of {@link IoUMetric}. */
export type IoUKind = 'mIoU' | 'mDice' | 'mFscore';

export interface IoUMetricOptions extends MetricOptions {
  /** Label of pixels that are not counted; 255. */
  ignoreIndex?: number;
  /** `mIoU` (mIoU, mAcc), `mDice` (mDice, mAcc), `mFscore` (mFscore, mPrecision, mRecall); mIoU unless said. */
  iouMetrics?: IoUKind | readonly IoUKind[];
  /** What stands for the value of a class that does not occur; such classes are left out of means unless said. */
  nanToNum?: number;
  /** Weight of recall against precision in the F-score; 1. */
  beta?: number;
  /** Number of classes; that of `datasetMeta.classes`, else of the scores, unless said. */
  numClasses?: number;
  /** Report lists over classes too, `IoU_classwise`, …; false. */
  classwise?: boolean;
}

declare module '@engine/core' {
  interface MetricTypes {
    IoUMetric: IoUMetricOptions;
    Dice: IoUMetricOptions;
  }
}

/** Pixels of one image by class: found rightly, predicted, true. */
interface Areas {
  intersect: number[];
  predicted: number[];
  labelled: number[];
}

const OPTIONS = ['ignoreIndex', 'iouMetrics', 'nanToNum', 'beta', 'numClasses', 'classwise'] as const;
const KINDS: readonly IoUKind[] = ['mIoU', 'mDice', 'mFscore'];

/**
 * Semantic segmentation over all pixels of the data set, in percent, not rounded (MMSegmentation's IoUMetric): `aAcc`,
 * the share of pixels that are right, and means over classes.
 *
 * Takes `{ predSemSeg: [N, H, W] or scores [N, H, W, K], gtSemSeg: [N, H, W] }`, or a list of such without N. Pixels are
 * counted in whole numbers, so the values do not depend on the batches.
 * @throws E_CONFIG_VALUE; from `process` E_METRIC_INPUT, E_METRIC_CLASSES when the number of classes is not known,
 *   E_METRIC_LABEL for a label or prediction that is no class
 */
@register(METRICS)
export class IoUMetric extends BaseMetric<Areas> {
  static override readonly defaultPrefix: string | undefined = 'seg';
  private readonly ignoreIndex: number;
  private readonly kinds: readonly IoUKind[];
  private readonly options: IoUMetricOptions;

  constructor(options: IoUMetricOptions = {}) {
    super(options, OPTIONS);
    const { ignoreIndex = 255, iouMetrics = 'mIoU', beta = 1, numClasses } = options;
    this.kinds = [iouMetrics].flat() as IoUKind[];
    if (this.kinds.length === 0 || !this.kinds.every((kind) => KINDS.includes(kind))) {
      throw badValue(`${this.name}.iouMetrics`, iouMetrics, `one or more of ${KINDS.join(', ')}`);
    }
    if (!(beta > 0)) throw badValue(`${this.name}.beta`, beta, 'a number above 0');
    if (numClasses !== undefined && !(Number.isInteger(numClasses) && numClasses > 0)) {
      throw badValue(`${this.name}.numClasses`, numClasses, 'a whole number above 0');
    }
    this.ignoreIndex = ignoreIndex;
    this.options = options;
  }

  async process(_dataBatch: unknown, dataSamples: unknown): Promise<void> {
    const samples = Array.isArray(dataSamples) ? (dataSamples as unknown[]) : [dataSamples];
    const batched = !Array.isArray(dataSamples);
    for (const sample of samples) {
      const { predSemSeg, gtSemSeg } = (sample ?? {}) as { predSemSeg?: unknown; gtSemSeg?: unknown };
      if (!isArray(predSemSeg) || !isArray(gtSemSeg)) throw this.wrong(dataSamples);
      const [labels, { predicted, classes }] = await Promise.all([
        readNumbers(flat(gtSemSeg)),
        readClasses(predSemSeg, dims(gtSemSeg).length),
      ]);
      if (labels.length !== predicted.length) throw this.wrong(dataSamples);
      const images = batched ? (dims(gtSemSeg)[0] ?? 0) : 1;
      const pixels = labels.length / images;
      for (let i = 0; i < images; i++) {
        this.results.push(this.areas(labels, predicted, i * pixels, pixels, this.countOf(classes)));
      }
    }
  }

  computeMetrics(results: Areas[]): Metrics {
    const classes = results[0]?.intersect.length ?? 0;
    const sum = (key: keyof Areas): number[] =>
      Array.from({ length: classes }, (_, k) => results.reduce((total, areas) => total + areas[key][k]!, 0));
    const [hit, found, real] = [sum('intersect'), sum('predicted'), sum('labelled')];
    const share = (part: (k: number) => number): number[] =>
      hit.map((_, k) => {
        const value = part(k);
        return Number.isNaN(value) ? (this.options.nanToNum ?? NaN) : 100 * value;
      });
    const recall = share((k) => hit[k]! / real[k]!);
    const lists: Record<string, number[]> = {};
    for (const kind of this.kinds) {
      if (kind === 'mIoU') lists.IoU = share((k) => hit[k]! / (found[k]! + real[k]! - hit[k]!));
      if (kind === 'mDice') lists.Dice = share((k) => (2 * hit[k]!) / (found[k]! + real[k]!));
      if (kind !== 'mFscore') lists.Acc = recall;
      else {
        const b = (this.options.beta ?? 1) ** 2;
        lists.Fscore = share((k) => {
          const [precision, sensitivity] = [hit[k]! / found[k]!, hit[k]! / real[k]!];
          return ((1 + b) * precision * sensitivity) / (b * precision + sensitivity);
        });
        lists.Precision = share((k) => hit[k]! / found[k]!);
        lists.Recall = recall;
      }
    }
    const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    const metrics: Metrics = { aAcc: (100 * total(hit)) / total(real) };
    for (const [name, values] of Object.entries(lists)) {
      const known = values.filter((value) => !Number.isNaN(value));
      metrics[`m${name}`] = total(known) / known.length;
      if (this.options.classwise) metrics[`${name}_classwise`] = values;
    }
    return metrics;
  }

  private areas(
    labels: ArrayLike<number>,
    predicted: ArrayLike<number>,
    from: number,
    pixels: number,
    classes: number,
  ): Areas {
    const zeros = (): number[] => new Array<number>(classes).fill(0);
    const areas: Areas = { intersect: zeros(), predicted: zeros(), labelled: zeros() };
    for (let i = from; i < from + pixels; i++) {
      const [label, guess] = [labels[i]!, predicted[i]!];
      if (label === this.ignoreIndex) continue;
      if (!(label in areas.labelled) || !(guess in areas.labelled)) throw noClass(label, guess, classes);
      areas.labelled[label]!++;
      areas.predicted[guess]!++;
      if (label === guess) areas.intersect[label]!++;
    }
    return areas;
  }

  private countOf(scored: number | undefined): number {
    const named = this.datasetMeta?.classes;
    const count = this.options.numClasses ?? (Array.isArray(named) ? named.length : undefined) ?? scored;
    if (count !== undefined) return count;
    throw new EngineError({
      code: 'E_METRIC_CLASSES',
      what: `${this.name} does not know how many classes there are.`,
      expected: 'numClasses, classes in the metainfo of the data set, or predictions as scores',
      fix: `write { type: '${this.name}', numClasses: … }`,
    });
  }

  private wrong(received: unknown): EngineError {
    return inputError(
      this.name,
      received,
      '{ predSemSeg: [N, H, W] or [N, H, W, K], gtSemSeg: [N, H, W] }, or a list of them without N',
    );
  }
}

/** {@link IoUMetric} with Dice coefficients unless `iouMetrics` says otherwise: `mDice`, `mAcc`, `aAcc`. */
@register(METRICS)
export class Dice extends IoUMetric {
  constructor(options: IoUMetricOptions = {}) {
    super({ iouMetrics: 'mDice', ...options });
  }
}

function noClass(label: number, guess: number, classes: number): EngineError {
  return new EngineError({
    code: 'E_METRIC_LABEL',
    what: 'A pixel has a label or a prediction that is no class.',
    received: `label ${label}, prediction ${guess}`,
    expected: `whole numbers from 0 to ${classes - 1}`,
    fix: 'set ignoreIndex to the label of pixels that do not count, or check the number of classes',
  });
}

type Grid = Tensor | HostArray | readonly unknown[];

/** Nested lists are what DumpResults makes of tensors. */
function isArray(value: unknown): value is Grid {
  return value instanceof tf.Tensor || isHostArray(value) || Array.isArray(value);
}

function dims(grid: Grid): readonly number[] {
  if (!Array.isArray(grid)) return (grid as Tensor | HostArray).shape;
  const shape: number[] = [];
  for (let at: unknown = grid; Array.isArray(at); at = at[0]) shape.push(at.length);
  return shape;
}

function flat(grid: Grid): Numbers {
  return Array.isArray(grid) ? (grid.flat(3) as number[]) : (grid as Tensor | HostArray);
}

/** The class of each pixel: given, or the one with the highest score when there is an axis more than the labels have. */
async function readClasses(
  grid: Grid,
  rank: number,
): Promise<{ predicted: ArrayLike<number>; classes?: number | undefined }> {
  const shape = dims(grid);
  const values = await readNumbers(flat(grid));
  if (shape.length === rank) return { predicted: values };
  const classes = shape.at(-1) ?? 1;
  const predicted = new Int32Array(values.length / classes);
  for (let i = 0; i < predicted.length; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (values[i * classes + k]! > values[i * classes + best]!) best = k;
    predicted[i] = best;
  }
  return { predicted, classes };
}
