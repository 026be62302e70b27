import { badValue } from '@engine/core';
import type { AnyDataLoader } from '../run.js';

/**
 * Refuses a loader that would give nothing: a run over no data would end well without having done anything.
 * @param path where the loader stands in the config
 */
export function requireBatches(path: string, dataloader: AnyDataLoader): void {
  if (dataloader.length > 0) return;
  const { batchSize } = dataloader;
  throw badValue(
    path,
    `${dataloader.dataset.length} samples in batches of ${batchSize ?? 'unknown size'}: no batch`,
    'at least one batch',
    'check the dataset, or make batchSize smaller or dropLast false',
  );
}
