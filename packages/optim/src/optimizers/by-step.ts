import type { UpdateBatch } from '../optimizer.js';
import type { ParamState } from '../param-state.js';

/** A batch whose parameters have all been updated equally often. */
export interface StepBatch extends UpdateBatch {
  /** Number of this update, from 1. */
  step: number;
}

/** Splits a batch by a key of the state; nearly always into one part. */
export function byState(batch: UpdateBatch, keyOf: (state: ParamState) => unknown): UpdateBatch[] {
  const keys = batch.states.map(keyOf);
  if (keys.every((key) => key === keys[0])) return [batch];
  return [...new Set(keys)].map((key) => {
    const picked = keys.flatMap((other, i) => (other === key ? [i] : []));
    return {
      group: batch.group,
      params: picked.map((i) => batch.params[i]!),
      variables: picked.map((i) => batch.variables[i]!),
      grads: picked.map((i) => batch.grads[i]!),
      states: picked.map((i) => batch.states[i]!),
    };
  });
}

/** Splits a batch by the number of the update, for rules with bias correction. */
export function byStep(batch: UpdateBatch): StepBatch[] {
  return byState(batch, (state) => state.step).map((part) => ({ ...part, step: part.states[0]!.step }));
}
