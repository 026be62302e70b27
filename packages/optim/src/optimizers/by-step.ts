import type { UpdateBatch } from '../optimizer.js';

/** A batch whose parameters have all been updated equally often. */
export interface StepBatch extends UpdateBatch {
  /** Number of this update, from 1. */
  step: number;
}

/** Splits a batch by the number of the update, for rules with bias correction; nearly always one part. */
export function byStep(batch: UpdateBatch): StepBatch[] {
  const first = batch.states[0]!.step;
  if (batch.states.every((state) => state.step === first)) return [{ ...batch, step: first }];
  const steps = [...new Set(batch.states.map((state) => state.step))];
  return steps.map((step) => {
    const picked = batch.states.flatMap((state, i) => (state.step === step ? [i] : []));
    return {
      step,
      group: batch.group,
      params: picked.map((i) => batch.params[i]!),
      variables: picked.map((i) => batch.variables[i]!),
      grads: picked.map((i) => batch.grads[i]!),
      states: picked.map((i) => batch.states[i]!),
    };
  });
}
