import { disposeTree } from '@engine/tensor';
import { firstBatches } from '../build/limits.js';
import type { Run } from '../run.js';
import { takeLosses } from './loss-means.js';

/**
 * Validates a few batches without hooks, so that a mistake in validation shows before the first epoch and not after it.
 * Nothing is recorded, and the model's state is not changed.
 */
export async function checkValidation(run: Run, batches: number): Promise<void> {
  const { valLoop, model } = run;
  if (!valLoop || batches === 0) return;
  const { evaluator, dataloader } = valLoop;
  let seen = 0;
  model.eval();
  for await (const dataBatch of firstBatches(dataloader, batches).iterate(0)) {
    const outputs = await model.valStep(dataBatch);
    try {
      await evaluator.process(takeLosses(outputs).predictions, dataBatch);
    } finally {
      disposeTree(outputs);
    }
    seen++;
  }
  await evaluator.evaluate(dataloader.dataset.length);
  model.train();
  run.logger.info(`Validation was tried on ${seen} batches before training: it works.`);
}
