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

/** One iteration: beforeTrainIter, the step, afterTrainIter. */
export async function trainIteration(
  run: Run,
  batchIdx: number,
  dataBatch: unknown,
  onStepped: () => void,
): Promise<void> {
  let pending = run.emit('beforeTrainIter', { batchIdx, dataBatch });
  if (pending) await pending;
  const result = run.model.trainStep(dataBatch, run.optimWrapper);
  const outputs = result instanceof Promise ? await result : result;
  onStepped();
  try {
    pending = run.emit('afterTrainIter', { batchIdx, dataBatch, outputs });
    if (pending) await pending;
  } finally {
    disposeLogVars(outputs);
  }
}
