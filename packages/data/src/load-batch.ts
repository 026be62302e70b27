import { EngineError, isEngineError } from '@engine/core';
import type { Dataset } from './dataset.js';
import { StreamContext, type SampleContext } from './sample-context.js';

/** The samples of one batch. */
export interface BatchPlan {
  readonly indices: readonly number[];
  /** Epoch of all samples, or of each one. */
  readonly epochs: number | readonly number[];
}

/** Makes the context of a sample. */
export type ContextFactory = (seed: number, epoch: number, index: number) => SampleContext;

function sampleFailure(dataset: Dataset, index: number, error: unknown): unknown {
  if (isEngineError(error)) return error;
  return new EngineError({
    code: 'E_DATA_SAMPLE',
    what: `${dataset.constructor.name || 'The dataset'} failed on sample ${index}.`,
    received: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    fix: `call dataset.getItem(${index}) by itself to see it fail`,
    cause: error,
  });
}

const plainContext: ContextFactory = (seed, epoch, index) => new StreamContext(seed, epoch, index);

/**
 * Loads the samples of a batch: a list, or a promise of one where the dataset is asynchronous.
 * @throws E_DATA_SAMPLE (or the house error underneath) naming the sample
 */
export function loadSamples(
  dataset: Dataset,
  plan: BatchPlan,
  seed: number,
  context: ContextFactory = plainContext,
): unknown[] | Promise<unknown[]> {
  const { indices, epochs } = plan;
  const samples: unknown[] = new Array(indices.length);
  let pending = false;
  let i = 0;
  try {
    for (; i < indices.length; i++) {
      const index = indices[i]!;
      const epoch = typeof epochs === 'number' ? epochs : epochs[i]!;
      const sample = dataset.getItem(index, context(seed, epoch, index));
      if (sample instanceof Promise) pending = true;
      samples[i] = sample;
    }
  } catch (error) {
    for (const sample of samples) if (sample instanceof Promise) sample.catch(() => undefined);
    throw sampleFailure(dataset, indices[i]!, error);
  }
  return pending ? settle(dataset, indices, samples) : samples;
}

function settle(dataset: Dataset, indices: readonly number[], samples: unknown[]): Promise<unknown[]> {
  return Promise.all(
    samples.map((sample, i) =>
      sample instanceof Promise
        ? sample.catch((error: unknown) => {
            throw sampleFailure(dataset, indices[i]!, error);
          })
        : sample,
    ),
  );
}
