import { hostArray } from '@engine/core';
import type { BaseMetric } from '@engine/evaluator';
import { tf, toTensor } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { build, mean, measure, N, steady, stream, uniform, type Batch } from './steady.js';

describe('IoUMetric and Dice', () => {
  const [H, W, C] = [3, 5, 3];
  const pixels = (): number[] => Array.from({ length: H * W }, () => stream.int(C));
  const truth = Array.from({ length: N }, () => pixels().map((label) => (uniform() < 0.1 ? 255 : label)));
  const guess = truth.map((map) =>
    map.map((label) => (label === 255 || uniform() < 0.4 ? stream.int(C) : label)),
  );
  const tensor = (maps: number[][]): unknown =>
    toTensor(hostArray(Int32Array.from(maps.flat()), [maps.length, H, W]));
  const batch: Batch = (from, to) => ({
    predSemSeg: tensor(guess.slice(from, to)),
    gtSemSeg: tensor(truth.slice(from, to)),
  });
  const flat = truth
    .flat()
    .map((label, i) => [label, guess.flat()[i]!] as const)
    .filter(([label]) => label !== 255);
  const area = (test: (label: number, predicted: number) => boolean): number =>
    flat.filter(([label, predicted]) => test(label, predicted)).length;
  const classes = [0, 1, 2];
  const hit = (k: number): number => area((l, p) => l === k && p === k);
  const either = (k: number): number => area((l, p) => l === k || p === k);
  const real = (k: number): number => area((l) => l === k);
  const found = (k: number): number => area((_, p) => p === k);

  it('count pixels over the whole data set', async () => {
    const values = await steady(
      () =>
        build('IoUMetric', {
          numClasses: C,
          iouMetrics: ['mIoU', 'mDice', 'mFscore'],
          classwise: true,
          beta: 2,
        }),
      batch,
    );
    const close = (name: string, expected: number): void =>
      expect(values[`seg/${name}`]).toBeCloseTo(expected, 9);
    close('aAcc', (100 * classes.reduce((a, k) => a + hit(k), 0)) / flat.length);
    close('mIoU', mean(classes.map((k) => (100 * hit(k)) / either(k))));
    close('mAcc', mean(classes.map((k) => (100 * hit(k)) / real(k))));
    close('mDice', mean(classes.map((k) => (200 * hit(k)) / (real(k) + found(k)))));
    close('mPrecision', mean(classes.map((k) => (100 * hit(k)) / found(k))));
    close('mRecall', mean(classes.map((k) => (100 * hit(k)) / real(k))));
    // F with beta 2 from its definition by errors: 5·TP / (5·TP + 4·FN + FP).
    const f2 = (k: number): number =>
      (500 * hit(k)) / (5 * hit(k) + 4 * (real(k) - hit(k)) + found(k) - hit(k));
    close('mFscore', mean(classes.map(f2)));
    expect(values['seg/IoU_classwise']).toHaveLength(C);
    const dice = await steady(() => build('Dice', { numClasses: C }), batch);
    expect(dice['seg/mDice']).toBe(values['seg/mDice']);
  });

  it('takes scores of classes, samples in a list, and classes from the data set', async () => {
    const whole = await measure(() => build('IoUMetric', { numClasses: C }), batch, [N]);
    const scored: Batch = (from, to) => ({
      predSemSeg: tf.tidy(() => tf.oneHot(tensor(guess.slice(from, to)) as never, C)),
      gtSemSeg: tensor(truth.slice(from, to)),
    });
    expect(await steady(() => build('IoUMetric'), scored)).toEqual(whole);
    const listed: Batch = (from, to) =>
      guess.slice(from, to).map((map, i) => ({
        predSemSeg: hostArray(Int32Array.from(map), [H, W]),
        gtSemSeg: hostArray(Int32Array.from(truth[from + i]!), [H, W]),
      }));
    const named = (): BaseMetric => {
      const metric = build('IoUMetric');
      metric.datasetMeta = { classes: ['a', 'b', 'c'] };
      return metric;
    };
    expect(await steady(named, listed)).toEqual(whole);
    await expect(measure(() => build('IoUMetric'), listed, [N])).rejects.toThrow(/E_METRIC_CLASSES/);
    await expect(measure(() => build('IoUMetric', { numClasses: 2 }), listed, [N])).rejects.toThrow(
      /E_METRIC_LABEL/,
    );
  });

  it('leaves classes that never occur out of means, or counts them as told', async () => {
    const whole = await measure(() => build('IoUMetric', { numClasses: C }), batch, [N]);
    const more = await measure(() => build('IoUMetric', { numClasses: C + 1 }), batch, [N]);
    expect(more).toEqual(whole);
    const zero = await measure(() => build('IoUMetric', { numClasses: C + 1, nanToNum: 0 }), batch, [N]);
    expect(zero['seg/mIoU']).toBeCloseTo(((whole['seg/mIoU'] as number) * C) / (C + 1), 9);
  });
});

describe('RegressionMetric', () => {
  const targets = Array.from({ length: N }, () => [0, 1].map(() => Math.fround(uniform())));
  const preds = targets.map((row) => row.map((value) => Math.fround(2 * value + 0.3 * uniform())));
  const batch: Batch = (from, to) => ({
    preds: tf.tensor2d(preds.slice(from, to)),
    targets: tf.tensor2d(targets.slice(from, to)),
  });

  it('gives errors, R² and correlation', async () => {
    const found = await steady(() => build('RegressionMetric'), batch);
    const errors = preds.flatMap((row, i) => row.map((value, k) => value - targets[i]![k]!));
    const mse = mean(errors.map((error) => error ** 2));
    expect(found['regression/mse']).toBeCloseTo(mse, 9);
    expect(found['regression/rmse']).toBeCloseTo(Math.sqrt(mse), 9);
    expect(found['regression/mae']).toBeCloseTo(mean(errors.map(Math.abs)), 9);
    const output = (k: number): { r2: number; pearson: number } => {
      const [y, p] = [targets.map((row) => row[k]!), preds.map((row) => row[k]!)];
      // From moments, not from centred sums: another way to the same number.
      const variance = (v: number[]): number => mean(v.map((x) => x * x)) - mean(v) ** 2;
      const covariance = mean(y.map((x, i) => x * p[i]!)) - mean(y) * mean(p);
      const residual = mean(y.map((x, i) => (x - p[i]!) ** 2));
      return {
        r2: 1 - residual / variance(y),
        pearson: covariance / Math.sqrt(variance(y) * variance(p)),
      };
    };
    expect(found['regression/r2']).toBeCloseTo(mean([output(0).r2, output(1).r2]), 8);
    expect(found['regression/pearson']).toBeCloseTo(mean([output(0).pearson, output(1).pearson]), 8);
  });

  it('takes plain numbers, and one output', async () => {
    const single: Batch = (from, to) =>
      preds.slice(from, to).map((row, i) => ({ pred: row[0], target: targets[from + i]![0] }));
    const flat: Batch = (from, to) => ({
      preds: tf.tensor1d(preds.slice(from, to).map((row) => row[0]!)),
      targets: tf.tensor1d(targets.slice(from, to).map((row) => row[0]!)),
    });
    expect(await steady(() => build('RegressionMetric'), single)).toEqual(
      await steady(() => build('RegressionMetric'), flat),
    );
    const constant = build('RegressionMetric', { items: ['r2'] });
    await constant.process(undefined, { preds: [3, 3], targets: [3, 3] });
    expect(await constant.evaluate(2)).toEqual({ 'regression/r2': 1 });
    await constant.process(undefined, { preds: [3, 4], targets: [3, 3] });
    expect(await constant.evaluate(2)).toEqual({ 'regression/r2': 0 });
    await expect(constant.process(undefined, { preds: [1], targets: [1, 2] })).rejects.toThrow(
      /E_METRIC_INPUT/,
    );
  });
});
