import { checkKeys } from '@engine/core';
import type { Tensor } from '@engine/tensor';
import { EVENTS, type EventName } from './events.js';
import type { EvalIterPayload, EventPayloads, IterPayload, Mode, TrainIterPayload } from './events.js';
import type { Priority } from './priority.js';
import type { AnyDataLoader, Run } from './run.js';

type MaybePromise = void | Promise<void>;

/**
 * A part that observes or changes a run: a class with methods named after the events it cares about (see events.ts).
 * Extending {@link Hook} gives the types; an object with such methods is enough. A method that returns a promise is
 * waited for; one that returns nothing costs no turn of the event loop.
 *
 * A hook with state that a resumed run needs returns it, as plain JSON, from `stateDict`.
 */
export interface HookMethods {
  /** Place among the hooks; NORMAL unless said. */
  priority?: Priority;
  /** Name of the hook's state in checkpoints; the class name unless said. */
  stateKey?: string;
  stateDict?(): unknown;
  loadStateDict?(state: unknown): void;
  /** Tensors that the hook adds to a checkpoint, beside the model's and the optimizer's: memory is made for them. */
  savedTensors?(): Iterable<Tensor>;

  beforeRun?(run: Run): MaybePromise;
  afterLoadCheckpoint?(run: Run, payload: EventPayloads['afterLoadCheckpoint']): MaybePromise;
  beforeTrain?(run: Run): MaybePromise;
  beforeTrainEpoch?(run: Run): MaybePromise;
  beforeTrainIter?(run: Run, payload: EventPayloads['beforeTrainIter']): MaybePromise;
  afterTrainIter?(run: Run, payload: EventPayloads['afterTrainIter']): MaybePromise;
  afterTrainEpoch?(run: Run): MaybePromise;
  beforeVal?(run: Run): MaybePromise;
  beforeValEpoch?(run: Run): MaybePromise;
  beforeValIter?(run: Run, payload: EventPayloads['beforeValIter']): MaybePromise;
  afterValIter?(run: Run, payload: EventPayloads['afterValIter']): MaybePromise;
  afterValEpoch?(run: Run, payload: EventPayloads['afterValEpoch']): MaybePromise;
  afterVal?(run: Run): MaybePromise;
  afterTrain?(run: Run): MaybePromise;
  beforeTest?(run: Run): MaybePromise;
  beforeTestEpoch?(run: Run): MaybePromise;
  beforeTestIter?(run: Run, payload: EventPayloads['beforeTestIter']): MaybePromise;
  afterTestIter?(run: Run, payload: EventPayloads['afterTestIter']): MaybePromise;
  afterTestEpoch?(run: Run, payload: EventPayloads['afterTestEpoch']): MaybePromise;
  afterTest?(run: Run): MaybePromise;
  afterRun?(run: Run): MaybePromise;
  beforeSaveCheckpoint?(run: Run, payload: EventPayloads['beforeSaveCheckpoint']): MaybePromise;

  // For training, validation and testing alike, unless the hook has the method of the mode itself.
  beforeEpoch?(run: Run, mode: Mode): MaybePromise;
  beforeIter?(run: Run, payload: IterPayload, mode: Mode): MaybePromise;
  afterIter?(run: Run, payload: TrainIterPayload | EvalIterPayload, mode: Mode): MaybePromise;
  afterEpoch?(run: Run, mode: Mode): MaybePromise;
}

/** Base class of hooks: override what you need. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export abstract class Hook {
  priority: Priority = 'NORMAL';

  /** A hook without options of its own says so to whoever gives it some; one with options checks them itself. */
  constructor(options: object = {}) {
    checkKeys(new.target.name, options, ['priority']);
  }

  /** In `afterTrainEpoch`: whether the epoch that ends is one of every `n`, counted from `start`. Never for n ≤ 0. */
  everyNEpochs(run: Run, n: number, start = 0): boolean {
    return isEveryNth(run.epoch + 1 - start, n);
  }

  /** In `afterTrainIter`: whether the iteration that ends is one of every `n`, counted from `start`. */
  everyNTrainIters(run: Run, n: number, start = 0): boolean {
    return isEveryNth(run.iter + 1 - start, n);
  }

  /** After an iteration: whether its batch is one of every `n` of this pass over the loader. */
  everyNInnerIters(batchIdx: number, n: number): boolean {
    return isEveryNth(batchIdx + 1, n);
  }

  /** Whether a batch is the last one of its loader. */
  endOfEpoch(dataloader: AnyDataLoader, batchIdx: number): boolean {
    return batchIdx + 1 === dataloader.length;
  }

  /** During an epoch: whether it is the last one to train. */
  isLastTrainEpoch(run: Run): boolean {
    return run.epoch + 1 === run.maxEpochs;
  }

  /** During an iteration: whether it is the last one to train. */
  isLastTrainIter(run: Run): boolean {
    return run.iter + 1 === run.maxIters;
  }

  /** Events that this hook listens to, in the order in which a run meets them. */
  triggeredStages(): EventName[] {
    return EVENTS.filter((event) => handlerOf(this, event) !== undefined);
  }
}

function isEveryNth(done: number, n: number): boolean {
  return n > 0 && done >= 0 && done % n === 0;
}

type Handler = (run: Run, payload?: unknown) => MaybePromise;

const GENERIC = /^(before|after)(Train|Val|Test)(Epoch|Iter)$/;

/** What a hook does at a stage: its method of that name, or the one for all modes. Stages of custom loops count too. */
export function handlerOf(hook: HookMethods, stage: string): Handler | undefined {
  const methods = hook as unknown as Record<string, ((...args: unknown[]) => MaybePromise) | undefined>;
  const own = methods[stage];
  if (typeof own === 'function') return own.bind(hook);
  const parts = GENERIC.exec(stage);
  const generic = parts && methods[`${parts[1]}${parts[3]}`];
  if (typeof generic !== 'function') return undefined;
  const mode = parts![2]!.toLowerCase();
  return parts![3] === 'Epoch'
    ? (run) => generic.call(hook, run, mode)
    : (run, payload) => generic.call(hook, run, payload, mode);
}
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface Hook extends HookMethods {
  priority: Priority;
}
