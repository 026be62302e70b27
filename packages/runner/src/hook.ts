import { checkKeys } from '@engine/core';
import type { EventPayloads } from './events.js';
import type { Priority } from './priority.js';
import type { Run } from './run.js';

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
}

/** Base class of hooks: override what you need. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export abstract class Hook {
  priority: Priority = 'NORMAL';

  /** A hook without options of its own says so to whoever gives it some; one with options checks them itself. */
  constructor(options: object = {}) {
    checkKeys(new.target.name, options, ['priority']);
  }
}
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface Hook extends HookMethods {
  priority: Priority;
}
