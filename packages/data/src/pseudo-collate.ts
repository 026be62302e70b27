import { COLLATE_FUNCTIONS, isHostArray } from '@engine/core';
import { mapElements, mapKeys, namesKind } from './collate-support.js';

/**
 * Collects a batch without stacking: objects become objects of lists, tuples (arrays) become a list per place, and
 * everything else becomes a list with one entry per sample. For samples of unequal shapes.
 *
 * @throws E_DATA_COLLATE when keys or lengths differ between samples
 */
export function pseudoCollate(batch: readonly unknown[]): unknown {
  return collect(batch, '');
}

function collect(batch: readonly unknown[], path: string): unknown {
  const first = batch[0];
  switch (isHostArray(first) ? 'leaf' : namesKind(first)) {
    case 'object':
      return mapKeys(batch, path, collect);
    case 'array':
      return mapElements(batch, path, collect);
    default:
      return [...batch];
  }
}

COLLATE_FUNCTIONS.add('pseudoCollate', pseudoCollate, { aliases: ['pseudo_collate'], from: '@engine/data' });

declare module '@engine/core' {
  interface CollateTypes {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    pseudoCollate: {};
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    pseudo_collate: {};
  }
}
