import type { ProcessGroup } from '@engine/dist';
import { isTensor, tensorsIn, tf, type Tensor } from '@engine/tensor';
import type { Metrics } from '../events.js';

/** Losses that a model reports in evaluation: a tensor or a list of them by name. */
export type EvalLosses = Record<string, unknown>;

/**
 * Takes the losses out of what valStep or testStep returned: an entry `losses` of an object, or, as in MMEngine, the last
 * element of a list when it is an object whose only entry is `loss`.
 */
export function takeLosses(outputs: unknown): { predictions: unknown; losses?: EvalLosses } {
  if (Array.isArray(outputs)) {
    const last: unknown = outputs.at(-1);
    if (isRecord(last) && Object.keys(last).length === 1 && 'loss' in last) {
      const { loss } = last;
      return { predictions: outputs.slice(0, -1), losses: isRecord(loss) ? loss : { loss } };
    }
  } else if (isRecord(outputs) && isRecord(outputs.losses)) {
    const { losses, ...predictions } = outputs;
    return { predictions, losses: losses as EvalLosses };
  }
  return { predictions: outputs };
}

/** Means of losses over the batches of an evaluation, by name. */
export class LossMeans {
  private readonly sums = new Map<string, { sum: number; count: number }>();

  /** Adds the mean of each loss in one batch, or for a list the sum of its means. The tensors stay the caller's. */
  async add(losses: EvalLosses): Promise<void> {
    for (const [name, value] of Object.entries(losses)) {
      const tensors = tensorsIn(value);
      if (tensors.length === 0) continue;
      const batch = await readMean(tensors);
      const entry = this.sums.get(name) ?? { sum: 0, count: 0 };
      this.sums.set(name, { sum: entry.sum + batch, count: entry.count + 1 });
    }
  }

  /**
   * The means over the batches of all processes, and as `val_loss` or `test_loss` the sum of those with 'loss' in their
   * names; nothing when no losses were reported anywhere.
   */
  async metrics(mode: 'val' | 'test', group: ProcessGroup): Promise<Metrics> {
    const found: Record<string, number> = {};
    const totals = new Map<string, { sum: number; count: number }>();
    for (const part of await group.allGatherObject([...this.sums])) {
      for (const [name, { sum, count }] of part) {
        const total = totals.get(name) ?? { sum: 0, count: 0 };
        totals.set(name, { sum: total.sum + sum, count: total.count + count });
      }
    }
    for (const [name, { sum, count }] of totals) found[name] = sum / count;
    const counted = Object.keys(found).filter((name) => name.includes('loss'));
    if (counted.length > 0) found[`${mode}_loss`] = counted.reduce((sum, name) => sum + found[name]!, 0);
    return found;
  }
}

async function readMean(tensors: readonly Tensor[]): Promise<number> {
  const scalar = tf.tidy(() => tf.addN(tensors.map((tensor) => tf.mean(tensor))));
  try {
    return (await scalar.data())[0]!;
  } finally {
    scalar.dispose();
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isTensor(value);
}
