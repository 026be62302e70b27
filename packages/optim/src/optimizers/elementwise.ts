import { updateElements, type Element, type ElementRule, type Tensor } from '@engine/tensor';
import type { UpdateBatch } from '../optimizer.js';

/**
 * Updates all parameters of a batch, element by element, by one rule: in one pass over the memory on backends that can
 * (see `updateElements`).
 * @param buffers names of the state that the rule reads or changes; every state must have them
 */
export function updateElementwise<Buffer extends string>(
  batch: UpdateBatch,
  buffers: readonly Buffer[],
  rule: ElementRule<'param' | 'grad' | Buffer>,
): void {
  const fields: Record<string, readonly Tensor[]> = { param: batch.variables, grad: batch.grads };
  for (const name of buffers) fields[name] = batch.states.map((state) => state.buffers[name]!);
  updateElements(fields as Record<'param' | 'grad' | Buffer, readonly Tensor[]>, rule);
}

/** The gradient to descend along: negated to maximise, with the gradient of an L2 penalty. */
export function descentOf(
  { param, grad }: { param: Element; grad: Element },
  weightDecay: number,
  maximize: boolean,
): Element {
  const down = maximize ? grad.neg() : grad;
  return weightDecay ? down.add(param.mul(weightDecay)) : down;
}
