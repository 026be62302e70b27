import { checkKeys, LOOPS, register } from '@engine/core';
import type { Evaluator } from '@engine/evaluator';
import type { Metrics } from '../events.js';
import type { AnyDataLoader, Run } from '../run.js';
import { evaluateLoader } from './evaluation.js';
import type { EvalLoop } from './loop.js';
import { requireBatches } from './require-batches.js';

/** Validation takes no options of its own yet. */
export type ValLoopOptions = Record<never, never>;

/** Runs the model over the validation data and reports the metrics. */
@register(LOOPS)
export class ValLoop implements EvalLoop {
  constructor(
    private readonly owner: Run,
    readonly dataloader: AnyDataLoader,
    readonly evaluator: Evaluator,
    options: ValLoopOptions = {},
  ) {
    checkKeys('ValLoop', options, [], 'valCfg');
    requireBatches('valDataloader', dataloader);
  }

  run(onEvaluated?: () => void): Promise<Metrics> {
    return evaluateLoader(this.owner, 'val', this.dataloader, this.evaluator, onEvaluated);
  }
}

declare module '@engine/core' {
  interface LoopTypes {
    ValLoop: ValLoopOptions;
  }
}
