import { badValue, checkKeys, LOOPS, register } from '@engine/core';
import type { Evaluator } from '@engine/evaluator';
import type { Metrics } from '../events.js';
import type { AnyDataLoader, Run } from '../run.js';
import { evaluateLoader } from './evaluation.js';
import type { EvalLoop } from './loop.js';
import { requireBatches } from './require-batches.js';

export interface ValLoopOptions {
  /** Compute the losses too, in a second forward pass in mode 'loss', and report their means with `val_loss`; false. */
  withLoss?: boolean;
}

/** Runs the model over the validation data and reports the metrics. */
@register(LOOPS)
export class ValLoop implements EvalLoop {
  private readonly withLoss: boolean;

  constructor(
    private readonly owner: Run,
    readonly dataloader: AnyDataLoader,
    readonly evaluator: Evaluator,
    options: ValLoopOptions = {},
  ) {
    checkKeys('ValLoop', options, ['withLoss'], 'valCfg');
    this.withLoss = options.withLoss ?? false;
    if (typeof this.withLoss !== 'boolean') throw badValue('valCfg.withLoss', this.withLoss, 'true or false');
    requireBatches('valDataloader', dataloader);
  }

  run(onEvaluated?: () => void): Promise<Metrics> {
    return evaluateLoader(this.owner, 'val', this.dataloader, this.evaluator, {
      withLoss: this.withLoss,
      onEvaluated,
    });
  }
}

declare module '@engine/core' {
  interface LoopTypes {
    ValLoop: ValLoopOptions;
  }
}
