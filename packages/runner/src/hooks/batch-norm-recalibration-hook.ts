import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import { assign, type BaseModel, type Module } from '@engine/nn';
import { disposeTree, noGrad, tf, type Tensor, type Variable } from '@engine/tensor';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface BatchNormRecalibrationHookOptions {
  /** Batches of training data to estimate from; 200, or all there are. */
  numBatches?: number;
  /** Before each validation; true. */
  beforeVal?: boolean;
  /** At the end of training, unless that has just been done; true. */
  atEnd?: boolean;
  priority?: number | string;
}

/** A normalisation layer that keeps running statistics. */
interface TrackingNorm extends Module {
  runningMean: Variable;
  runningVar: Variable;
  momentum: number | null;
}

/**
 * Estimates the running statistics of batch normalisation anew with the weights as they are, instead of as a moving
 * average over weights that have changed since: over a number of batches, mean = E[batch mean] and
 * variance = E[batch variance + batch mean²] − mean² (Precise BN; Y. Wu, J. Johnson 2021, arXiv:2105.07576, section 3).
 * Training itself does not read these statistics, so it is not changed.
 */
@register(HOOKS)
export class BatchNormRecalibrationHook extends Hook {
  /** After EMAHook, so that validation with averaged weights has statistics of these. */
  override priority = 'LOW' as const;
  private readonly numBatches: number;
  private readonly beforeValidation: boolean;
  private readonly atEnd: boolean;
  private doneAt = -1;

  constructor(options: BatchNormRecalibrationHookOptions = {}) {
    super();
    checkKeys('BatchNormRecalibrationHook', options, ['numBatches', 'beforeVal', 'atEnd', 'priority']);
    this.numBatches = options.numBatches ?? 200;
    if (!Number.isInteger(this.numBatches) || this.numBatches < 1) {
      const expected = 'a whole number of batches above 0';
      throw badValue('BatchNormRecalibrationHook.numBatches', options.numBatches, expected);
    }
    this.beforeValidation = options.beforeVal ?? true;
    this.atEnd = options.atEnd ?? true;
  }

  override async beforeValEpoch(run: Run): Promise<void> {
    if (this.beforeValidation && run.trainLoop) await this.recalibrate(run);
  }

  override async afterTrain(run: Run): Promise<void> {
    if (this.atEnd && this.doneAt !== run.iter) await this.recalibrate(run);
  }

  private async recalibrate(run: Run): Promise<void> {
    this.doneAt = run.iter;
    await recalibrateBatchNorm(run.model, run.trainLoop!.dataloader.iterate(0), this.numBatches);
  }
}

/**
 * Estimates running statistics from the first `numBatches` batches, see {@link BatchNormRecalibrationHook}. Everything
 * but the statistics is as before, counters of batches and of random layers included.
 * @returns number of batches used
 */
export async function recalibrateBatchNorm(
  model: BaseModel,
  batches: AsyncIterable<unknown>,
  numBatches: number,
): Promise<number> {
  const norms = model.namedModules().flatMap(([, module]) => (tracks(module) ? [module] : []));
  if (norms.length === 0) return 0;
  const modes = model.namedModules().map(([, module]) => [module, module.training] as const);
  const momenta = norms.map((norm) => norm.momentum);
  const counters = model.namedBuffers().filter(([name]) => name.endsWith('num_batches_tracked'));
  const counts = counters.map(([, counter]) => counter.dataSync()[0]!);
  const sums = norms.map((norm) => new Sums(norm));
  let seen = 0;
  try {
    model.eval();
    for (const norm of norms) {
      norm.training = true;
      // With a momentum of 1 the running statistics are those of the batch.
      norm.momentum = 1;
    }
    for await (const batch of batches) {
      disposeTree(model.valStep(batch));
      for (const sum of sums) sum.add();
      if (++seen === numBatches) break;
    }
    if (seen > 0) for (const sum of sums) sum.finish(seen);
  } finally {
    for (const sum of sums) sum.dispose();
    norms.forEach((norm, i) => (norm.momentum = momenta[i]!));
    for (const [module, training] of modes) module.training = training;
    // Asking for the buffers writes the batches that were counted meanwhile; then they are taken back.
    model.namedBuffers();
    counters.forEach(([, counter], i) => assign(counter, tf.scalar(counts[i]!, 'int32')));
  }
  return seen;
}

/** Sums over batches of one layer's mean, and of its variance plus squared mean. */
class Sums {
  private first: Tensor;
  private second: Tensor;

  constructor(private readonly norm: TrackingNorm) {
    this.first = tf.keep(tf.zerosLike(norm.runningMean));
    this.second = tf.keep(tf.zerosLike(norm.runningMean));
  }

  add(): void {
    const { runningMean: mean, runningVar: variance } = this.norm;
    const [first, second] = noGrad(() =>
      tf.tidy(() => [tf.add(this.first, mean), tf.add(this.second, tf.add(variance, tf.square(mean)))]),
    );
    this.dispose();
    this.first = tf.keep(first!);
    this.second = tf.keep(second!);
  }

  finish(batches: number): void {
    noGrad(() =>
      tf.tidy(() => {
        const mean = tf.div(this.first, batches);
        this.norm.runningMean.assign(mean);
        this.norm.runningVar.assign(tf.sub(tf.div(this.second, batches), tf.square(mean)));
      }),
    );
  }

  dispose(): void {
    this.first.dispose();
    this.second.dispose();
  }
}

function tracks(module: Module): module is TrackingNorm {
  const { runningMean, runningVar, momentum } = module as unknown as Partial<TrackingNorm>;
  const hasStatistics = runningMean instanceof tf.Variable && runningVar instanceof tf.Variable;
  return module.kind === 'norm' && hasStatistics && momentum !== undefined;
}

declare module '@engine/core' {
  interface HookTypes {
    BatchNormRecalibrationHook: BatchNormRecalibrationHookOptions;
  }
}
