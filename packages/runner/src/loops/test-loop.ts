import { badValue, checkKeys, LOOPS, register } from '@engine/core';
import type { Evaluator } from '@engine/evaluator';
import type { AutocastDtype } from '@engine/tensor';
import type { Metrics } from '../events.js';
import type { AnyDataLoader, Run } from '../run.js';
import { evaluateLoader, evaluationDtype } from './evaluation.js';
import type { EvalLoop } from './loop.js';
import { requireBatches } from './require-batches.js';

export interface TestLoopOptions {
  /** Compute the losses too, in a second forward pass in mode 'loss', and report their means with `test_loss`; false. */
  withLoss?: boolean;
  /** Evaluate with mixed precision, in the type that the backend prefers; false. */
  fp16?: boolean;
}

/** Runs the model over the test data and reports the metrics. */
@register(LOOPS)
export class TestLoop implements EvalLoop {
  private readonly withLoss: boolean;
  private readonly dtype: AutocastDtype;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE; E_AUTOCAST_DTYPE when the backend has only float32 */
  constructor(
    private readonly owner: Run,
    readonly dataloader: AnyDataLoader,
    readonly evaluator: Evaluator,
    options: TestLoopOptions = {},
  ) {
    checkKeys('TestLoop', options, ['withLoss', 'fp16'], 'testCfg');
    this.withLoss = options.withLoss ?? false;
    if (typeof this.withLoss !== 'boolean')
      throw badValue('testCfg.withLoss', this.withLoss, 'true or false');
    this.dtype = evaluationDtype('testCfg.fp16', options.fp16);
    requireBatches('testDataloader', dataloader);
  }

  run(onEvaluated?: () => void): Promise<Metrics> {
    return evaluateLoader(this.owner, 'test', this.dataloader, this.evaluator, {
      withLoss: this.withLoss,
      dtype: this.dtype,
      onEvaluated,
    });
  }
}

declare module '@engine/core' {
  interface LoopTypes {
    TestLoop: TestLoopOptions;
  }
}
