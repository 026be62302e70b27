import type { LogVars } from '@engine/tensor';
import { isAdopted } from '../reported-scalars.js';
import type { Run } from '../run.js';

/** Frees what a step reported, once every hook has seen it. */
export function disposeLogVars(outputs: LogVars): void {
  for (const key in outputs) {
    const value = outputs[key]!;
    if (typeof value !== 'number' && !isAdopted(value) && !value.isDisposed) value.dispose();
  }
}

/**
 * One iteration: beforeTrainIter, the step, afterTrainIter. Returns a promise only when a hook or the model did: thousands
 * of iterations a second should not pay for turns of the event loop that nobody asked for.
 */
export function trainIteration(
  run: Run,
  batchIdx: number,
  dataBatch: unknown,
  onStepped: () => void,
): void | Promise<void> {
  const pending = run.emit('beforeTrainIter', { batchIdx, dataBatch });
  if (pending) return pending.then(() => step(run, batchIdx, dataBatch, onStepped));
  return step(run, batchIdx, dataBatch, onStepped);
}

function step(run: Run, batchIdx: number, dataBatch: unknown, onStepped: () => void): void | Promise<void> {
  const result: LogVars | Promise<LogVars> = run.model.trainStep(dataBatch, run.optimWrapper);
  if (result instanceof Promise)
    return result.then((outputs) => report(run, batchIdx, dataBatch, outputs, onStepped));
  return report(run, batchIdx, dataBatch, result, onStepped);
}

function report(
  run: Run,
  batchIdx: number,
  dataBatch: unknown,
  outputs: LogVars,
  onStepped: () => void,
): void | Promise<void> {
  onStepped();
  let pending: void | Promise<void>;
  try {
    pending = run.emit('afterTrainIter', { batchIdx, dataBatch, outputs });
  } catch (error) {
    disposeLogVars(outputs);
    throw error;
  }
  if (pending) return pending.finally(() => disposeLogVars(outputs));
  disposeLogVars(outputs);
}
