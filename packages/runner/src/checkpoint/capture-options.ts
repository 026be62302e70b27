/** What a checkpoint includes beside weights and position. */
export interface CaptureOptions {
  /** Include the optimizer; true. */
  saveOptimizer?: boolean | undefined;
  /** Include the schedulers; true. */
  saveParamScheduler?: boolean | undefined;
}
