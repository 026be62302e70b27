import { checkKeys, LOOPS, register } from '@engine/core';
import type { Evaluator } from '@engine/evaluator';
import type { Metrics } from '../events.js';
import type { AnyDataLoader, Run } from '../run.js';
import { evaluateLoader } from './evaluation.js';
import type { EvalLoop } from './loop.js';
import { requireBatches } from './require-batches.js';

/** Testing takes no options of its own yet. */
export type TestLoopOptions = Record<never, never>;

/** Runs the model over the test data and reports the metrics. */
@register(LOOPS)
export class TestLoop implements EvalLoop {
  constructor(
    private readonly owner: Run,
    readonly dataloader: AnyDataLoader,
    readonly evaluator: Evaluator,
    options: TestLoopOptions = {},
  ) {
    checkKeys('TestLoop', options, [], 'testCfg');
    requireBatches('testDataloader', dataloader);
  }

  run(onEvaluated?: () => void): Promise<Metrics> {
    return evaluateLoader(this.owner, 'test', this.dataloader, this.evaluator, onEvaluated);
  }
}

declare module '@engine/core' {
  interface LoopTypes {
    TestLoop: TestLoopOptions;
  }
}
