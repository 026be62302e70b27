import { checkKeys, HOOKS, register } from '@engine/core';
import { tf } from '@engine/tensor';
import { Hook } from '../hook.js';

export interface EmptyCacheHookOptions {
  /** Before each epoch, of training and evaluation; false. */
  beforeEpoch?: boolean;
  /** After each epoch; true. */
  afterEpoch?: boolean;
  /** After each iteration; false. */
  afterIter?: boolean;
  priority?: number | string;
}

/**
 * Asks the compute backend to give memory that it holds in reserve back to the system. Does nothing on a backend
 * without a method `emptyCache`.
 */
@register(HOOKS)
export class EmptyCacheHook extends Hook {
  private readonly when: Required<Omit<EmptyCacheHookOptions, 'priority'>>;

  constructor(options: EmptyCacheHookOptions = {}) {
    super();
    checkKeys('EmptyCacheHook', options, ['beforeEpoch', 'afterEpoch', 'afterIter', 'priority']);
    const { beforeEpoch = false, afterEpoch = true, afterIter = false } = options;
    this.when = { beforeEpoch, afterEpoch, afterIter };
  }

  override beforeTrainEpoch(): void {
    if (this.when.beforeEpoch) emptyCache();
  }
  override beforeValEpoch(): void {
    if (this.when.beforeEpoch) emptyCache();
  }
  override beforeTestEpoch(): void {
    if (this.when.beforeEpoch) emptyCache();
  }
  override afterTrainIter(): void {
    if (this.when.afterIter) emptyCache();
  }
  override afterValIter(): void {
    if (this.when.afterIter) emptyCache();
  }
  override afterTestIter(): void {
    if (this.when.afterIter) emptyCache();
  }
  override afterTrainEpoch(): void {
    if (this.when.afterEpoch) emptyCache();
  }
  override afterValEpoch(): void {
    if (this.when.afterEpoch) emptyCache();
  }
  override afterTestEpoch(): void {
    if (this.when.afterEpoch) emptyCache();
  }
}

function emptyCache(): void {
  (tf.backend() as { emptyCache?: () => void }).emptyCache?.();
}

declare module '@engine/core' {
  interface HookTypes {
    EmptyCacheHook: EmptyCacheHookOptions;
  }
}
