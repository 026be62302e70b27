import { EngineError, listNames } from '@engine/core';

/** Turns the values that the samples of a batch have at one place into one value. */
export type CollateStep = (values: readonly unknown[], path: string) => unknown;

/** How collate functions treat a value: recurse into plain objects and arrays, take all else as it is. */
export function namesKind(value: unknown): 'object' | 'array' | 'leaf' {
  if (typeof value !== 'object' || value === null) return 'leaf';
  if (Array.isArray(value)) return 'array';
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null ? 'object' : 'leaf';
}

export function collateError(path: string, what: string, received: string, expected: string): EngineError {
  return new EngineError({
    code: 'E_DATA_COLLATE',
    what: `The samples of a batch cannot be collated${path ? ` at '${path}'` : ''}: ${what}.`,
    received,
    expected,
    fix: "make the samples alike in the pipeline (RandomCrop, Resize), or use collateFn: 'pseudoCollate'",
  });
}

/** Collates a batch of objects key by key; the first sample says which keys there are. */
export function mapKeys(batch: readonly unknown[], path: string, step: CollateStep): Record<string, unknown> {
  const collated: Record<string, unknown> = {};
  for (const key of Object.keys(batch[0] as object)) {
    const at = path ? `${path}.${key}` : key;
    const values: unknown[] = new Array(batch.length);
    for (let i = 0; i < batch.length; i++) {
      const sample = batch[i] as Record<string, unknown> | null;
      if (typeof sample !== 'object' || sample === null || !(key in sample)) {
        const keys = typeof sample === 'object' && sample !== null ? Object.keys(sample) : [];
        throw collateError(
          at,
          'a sample lacks the key',
          `sample ${i} with the keys ${listNames(keys)}`,
          `the key '${key}'`,
        );
      }
      values[i] = sample[key];
    }
    collated[key] = step(values, at);
  }
  return collated;
}

/** Collates a batch of tuples place by place. */
export function mapElements(batch: readonly unknown[], path: string, step: CollateStep): unknown[] {
  const length = (batch[0] as unknown[]).length;
  for (let i = 1; i < batch.length; i++) {
    const other = batch[i];
    if (!Array.isArray(other) || other.length !== length) {
      throw collateError(
        path,
        'the lists are of unequal length',
        Array.isArray(other) ? `${other.length} elements in sample ${i}` : `no list in sample ${i}`,
        `${length} elements, as in sample 0`,
      );
    }
  }
  return Array.from({ length }, (_, place) =>
    step(
      batch.map((sample) => (sample as unknown[])[place]),
      path ? `${path}.${place}` : String(place),
    ),
  );
}
