import { badValue } from '@engine/core';

/** What can be told of classes; each in percent but `support`, which is a number of samples. */
export const ITEMS = ['precision', 'recall', 'f1-score', 'support'] as const;
export type Item = (typeof ITEMS)[number];

/** How classes become one number: the mean over classes, all decisions in one pot, or not at all. */
export type Average = 'macro' | 'micro' | null;

/** Decisions counted by class. */
export interface ClassCounts {
  /** Rightly found. */
  hits: Float64Array;
  /** Predicted. */
  predicted: Float64Array;
  /** True. */
  actual: Float64Array;
}

export function emptyCounts(classes: number): ClassCounts {
  const zeros = (): Float64Array => new Float64Array(classes);
  return { hits: zeros(), predicted: zeros(), actual: zeros() };
}

/**
 * Values of `items` by their names in MMPretrain: plain for macro, `…_micro`, and `…_classwise` lists without an average.
 * A class that was never predicted has precision 0, one that never occurs recall 0.
 */
export function precisionRecall(
  { hits, predicted, actual }: ClassCounts,
  items: readonly Item[],
  average: Average,
  suffix = '',
): Record<string, number | number[]> {
  const pot = (counts: Float64Array): number[] =>
    average === 'micro' ? [counts.reduce((a, b) => a + b, 0)] : Array.from(counts);
  const [hit, found, real] = [pot(hits), pot(predicted), pot(actual)];
  const precision = hit.map((n, k) => (100 * n) / Math.max(found[k]!, 1));
  const recall = hit.map((n, k) => (100 * n) / Math.max(real[k]!, 1));
  const f1 = precision.map((p, k) => (p + recall[k]! > 0 ? (2 * p * recall[k]!) / (p + recall[k]!) : 0));
  const lists = { precision, recall, 'f1-score': f1, support: real };
  const ending = average === null ? '_classwise' : average === 'micro' ? '_micro' : '';
  return Object.fromEntries(
    items.map((item) => {
      const list = lists[item];
      const sum = list.reduce((a, b) => a + b, 0);
      const value = average === null ? list : item === 'support' ? sum : sum / list.length;
      return [`${item}${suffix}${ending}`, value];
    }),
  );
}

/** @throws E_CONFIG_VALUE */
export function checkItems(owner: string, items: readonly Item[], average: Average): void {
  if (!Array.isArray(items) || items.length === 0 || !items.every((item) => ITEMS.includes(item as Item))) {
    throw badValue(`${owner}.items`, items, `a list of some of ${ITEMS.join(', ')}`);
  }
  if (average !== 'macro' && average !== 'micro' && average !== null) {
    throw badValue(`${owner}.average`, average, "'macro', 'micro' or null");
  }
}
