import { HistoryBuffer } from '@engine/core';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.js';

interface HistoryCase {
  source?: string;
  values: number[];
  counts: number[];
  expected: Record<string, number>;
}

const golden = readGolden<HistoryCase & { cases?: unknown[] }>('history_buffer.json');
const cases = [golden, ...(golden.cases ?? [])].filter(
  (item): item is HistoryCase => typeof item === 'object' && item !== null && 'values' in item,
);

/** The buffer length is part of the source's description: `HistoryBuffer(max_length=20)`. */
function maxLengthOf(item: HistoryCase): number | undefined {
  const found = /max_length\s*=\s*(\d+)/.exec(item.source ?? golden.source ?? '');
  return found ? Number(found[1]) : undefined;
}

describe.skipIf(cases.length === 0 || !golden.values)('history buffer statistics match MMEngine', () => {
  cases.forEach((item, i) => {
    const maxLength = maxLengthOf(item);
    for (const [name, expected] of Object.entries(item.expected)) {
      for (const lazy of [false, true]) {
        it(`case ${i}: ${name}${lazy ? ' of lazy values' : ''}`, () => {
          const buffer = new HistoryBuffer(maxLength === undefined ? {} : { maxLength });
          item.values.forEach((value, k) => {
            buffer.update(lazy ? { read: () => value, dispose: () => undefined } : value, item.counts[k]);
          });
          const [method, window] = name.split('_') as [string, string | undefined];
          const args = window === undefined || window === 'all' ? [] : [Number(window)];
          const error = Math.abs(buffer.statistics(method, ...args) - expected);
          expect(error).toBeLessThanOrEqual(1e-6 + 1e-5 * Math.abs(expected));
        });
      }
    }
  });
});
