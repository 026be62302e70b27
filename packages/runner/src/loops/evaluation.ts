import { badValue } from '@engine/core';
import type { Evaluator } from '@engine/evaluator';
import { autocast, disposeTree, requireAutocast, type AutocastDtype } from '@engine/tensor';
import type { Metrics } from '../events.js';
import type { AnyDataLoader, Run } from '../run.js';
import { LossMeans, takeLosses } from './loss-means.js';
import { StoppableBatches } from './stoppable-batches.js';
import { Breather } from './yielding.js';

/** The two evaluations differ in the names of their events and in the step they call. */
const STAGES = {
  val: {
    before: 'beforeVal',
    beforeEpoch: 'beforeValEpoch',
    beforeIter: 'beforeValIter',
    afterIter: 'afterValIter',
    afterEpoch: 'afterValEpoch',
    after: 'afterVal',
    step: 'valStep',
  },
  test: {
    before: 'beforeTest',
    beforeEpoch: 'beforeTestEpoch',
    beforeIter: 'beforeTestIter',
    afterIter: 'afterTestIter',
    afterEpoch: 'afterTestEpoch',
    after: 'afterTest',
    step: 'testStep',
  },
} as const;

export interface EvaluationOptions {
  withLoss?: boolean;
  /** `float32`, for no autocast, unless said. */
  dtype?: AutocastDtype;
  onEvaluated?: (() => void) | undefined;
}

/**
 * What the option `fp16` of an evaluation loop stands for.
 * @throws E_CONFIG_VALUE when it is no boolean, E_AUTOCAST_DTYPE when the backend has only float32
 */
export function evaluationDtype(path: string, fp16: boolean | undefined): AutocastDtype {
  if (fp16 !== undefined && typeof fp16 !== 'boolean') throw badValue(path, fp16, 'true or false');
  return fp16 ? requireAutocast(path) : 'float32';
}

/**
 * One pass over a loader in evaluation mode: predictions go to the evaluator batch by batch, metrics come back.
 * Losses among the outputs are averaged over the batches and join the metrics; `withLoss` computes them in a second
 * forward pass of mode 'loss'. Stops early, without metrics and without their events, when the run is asked to stop.
 */
export async function evaluateLoader(
  run: Run,
  mode: keyof typeof STAGES,
  dataloader: AnyDataLoader,
  evaluator: Evaluator,
  { withLoss = false, dtype = 'float32', onEvaluated }: EvaluationOptions = {},
): Promise<Metrics> {
  const stage = STAGES[mode];
  const breather = new Breather();
  await run.emit(stage.before);
  await run.emit(stage.beforeEpoch);
  run.model.eval();
  const means = new LossMeans();
  const inContext = <T>(step: () => T): T => (dtype === 'float32' ? step() : autocast(dtype, step));
  let batchIdx = 0;
  const batches = new StoppableBatches(run, dataloader.iterate(0));
  for await (const dataBatch of batches) {
    let pending = run.emit(stage.beforeIter, { batchIdx, dataBatch });
    if (pending) await pending;
    const outputs = await inContext(() => run.model[stage.step](dataBatch));
    try {
      const { predictions, losses } = takeLosses(outputs);
      if (losses) await means.add(losses);
      await evaluator.process(predictions, dataBatch);
      pending = run.emit(stage.afterIter, { batchIdx, dataBatch, outputs: predictions });
      if (pending) await pending;
    } finally {
      disposeTree(outputs);
    }
    if (withLoss)
      await addLosses(
        inContext(() => run.model.lossStep(dataBatch)),
        means,
      );
    batchIdx++;
    if (run.stopReason) return {};
    const pause = breather.due();
    if (pause) await pause;
  }
  if (batches.stopped) return {};
  const metrics = await evaluator.evaluate(dataloader.dataset.length);
  Object.assign(metrics, await means.metrics(mode, run.processGroup));
  onEvaluated?.();
  await run.emit(stage.afterEpoch, { metrics });
  await run.emit(stage.after);
  return metrics;
}

async function addLosses(losses: Parameters<LossMeans['add']>[0], means: LossMeans): Promise<void> {
  try {
    await means.add(losses);
  } finally {
    disposeTree(losses);
  }
}
