import type { SampleContext } from './sample-context.js';

/** One step of a pipeline. */
export interface Transform {
  /**
   * Gets what the step before gave and returns the new sample; null or undefined drops the sample (another one is
   * fetched in its place). It must not write into arrays that it was given: they may be the dataset's own memory.
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  transform(results: any, context: SampleContext): unknown;
}

/** A transform written as a function. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type TransformFunction = (results: any, context: SampleContext) => unknown;
