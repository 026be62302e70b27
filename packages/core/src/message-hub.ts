import { badValue, checkKeys } from './check-keys.js';
import { EngineError, show } from './errors.js';
import { HistoryBuffer, type HistoryBufferState } from './history-buffer.js';
import { decodeJson, encodeJson } from './json-value.js';
import { isLazyScalar, type LazyScalar } from './lazy-scalar.js';
import { listNames, nearest } from './suggest.js';

export interface MessageHubOptions {
  /** Newest values per scalar that a checkpoint keeps; 1000. */
  historyInCheckpoint?: number;
  /** Newest values per scalar that are kept in memory; 1 000 000. */
  maxLength?: number;
  /** Lazy values per scalar that may wait unread; 256. */
  maxPending?: number;
  /** Told about state that cannot be saved or loaded; `process.emitWarning` unless said. */
  warn?: (message: string) => void;
}

/** A scalar for {@link MessageHub.updateScalars}: a value, or a sum with the number of items in it. */
export type ScalarUpdate = number | LazyScalar | { value: number | LazyScalar; count?: number };

/** The hub's state as plain JSON. */
export interface MessageHubState {
  logScalars: Record<string, HistoryBufferState>;
  runtimeInfo: Record<string, unknown>;
  resumedKeys: Record<string, boolean>;
}

/**
 * Where the parts of a run leave scalars (`train/loss`) and facts (`epoch`, `iter`) for each other. Updates cost no
 * device synchronisation: lazy scalars are read by whoever asks for a statistic.
 */
export class MessageHub {
  readonly name: string;
  private readonly options: Required<MessageHubOptions>;
  private readonly scalars = new Map<string, HistoryBuffer>();
  private readonly infos = new Map<string, unknown>();
  private readonly resumed = new Map<string, boolean>();

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(name = 'engine', options: MessageHubOptions = {}) {
    checkKeys('MessageHub', options, ['historyInCheckpoint', 'maxLength', 'maxPending', 'warn']);
    const { historyInCheckpoint = 1000, maxLength = 1_000_000, maxPending = 256 } = options;
    if (!Number.isInteger(historyInCheckpoint) || historyInCheckpoint < 0) {
      throw badValue('MessageHub.historyInCheckpoint', historyInCheckpoint, 'an integer of 0 or more');
    }
    this.name = name;
    const warn = options.warn ?? ((message: string) => process.emitWarning(message));
    this.options = { historyInCheckpoint, maxLength, maxPending, warn };
  }

  /** The histories by key. */
  get logScalars(): ReadonlyMap<string, HistoryBuffer> {
    return this.scalars;
  }

  /** The facts by key. */
  get runtimeInfo(): ReadonlyMap<string, unknown> {
    return this.infos;
  }

  /** For each key, whether checkpoints carry it. */
  get resumedKeys(): ReadonlyMap<string, boolean> {
    return this.resumed;
  }

  /**
   * Records a value of a scalar.
   * @param count number of items that the value sums up
   * @param resumed whether checkpoints carry the scalar; cannot change for a key
   * @throws E_HUB_RESUMED when `resumed` differs from the key's first
   */
  updateScalar(key: string, value: number | LazyScalar, count = 1, resumed = true): void {
    this.setResumed(key, resumed);
    let buffer = this.scalars.get(key);
    if (!buffer) {
      const { maxLength, maxPending } = this.options;
      buffer = new HistoryBuffer({ maxLength, maxPending });
      this.scalars.set(key, buffer);
    }
    buffer.update(value, count);
  }

  updateScalars(scalars: Readonly<Record<string, ScalarUpdate>>, resumed = true): void {
    for (const [key, update] of Object.entries(scalars)) {
      if (typeof update === 'number' || isLazyScalar(update)) this.updateScalar(key, update, 1, resumed);
      else if (typeof update === 'object' && update !== null && 'value' in update) {
        this.updateScalar(key, update.value, update.count ?? 1, resumed);
      } else throw badValue(key, update, 'a number, a lazy scalar, or { value, count }');
    }
  }

  /**
   * Records a fact, replacing the last one under that key.
   * @throws E_HUB_RESUMED when `resumed` differs from the key's first
   */
  updateInfo(key: string, value: unknown, resumed = true): void {
    this.setResumed(key, resumed);
    this.infos.set(key, value);
  }

  updateInfoDict(infos: Readonly<Record<string, unknown>>, resumed = true): void {
    for (const [key, value] of Object.entries(infos)) this.updateInfo(key, value, resumed);
  }

  /** Removes a fact and returns it. */
  popInfo<T = unknown>(key: string, otherwise?: T): T | undefined {
    const value = this.infos.has(key) ? (this.infos.get(key) as T) : otherwise;
    this.infos.delete(key);
    return value;
  }

  /** @throws E_HUB_SCALAR when nothing was recorded under that key */
  getScalar(key: string): HistoryBuffer {
    const buffer = this.scalars.get(key);
    if (buffer) return buffer;
    throw new EngineError({
      code: 'E_HUB_SCALAR',
      what: `The message hub has no scalar '${key}'.`,
      received: show(key),
      expected: `one of ${listNames(this.scalars.keys())}`,
      didYouMean: nearest(key, this.scalars.keys()),
      fix: 'record it with updateScalar first, or look at logScalars.has(key)',
    });
  }

  getInfo<T = unknown>(key: string): T | undefined;
  getInfo<T>(key: string, otherwise: T): T;
  getInfo<T>(key: string, otherwise?: T): T | undefined {
    return this.infos.has(key) ? (this.infos.get(key) as T) : otherwise;
  }

  /**
   * What a checkpoint carries: the keys recorded as resumed, each scalar's newest `historyInCheckpoint` values, and the
   * facts that are plain JSON. Other facts are left out with a warning.
   */
  stateDict(): MessageHubState {
    const state: MessageHubState = { logScalars: {}, runtimeInfo: {}, resumedKeys: {} };
    for (const [key, resumed] of this.resumed) {
      if (!resumed) continue;
      state.resumedKeys[key] = true;
      const buffer = this.scalars.get(key);
      if (buffer) state.logScalars[key] = buffer.stateDict(this.options.historyInCheckpoint);
      if (!this.infos.has(key)) continue;
      try {
        state.runtimeInfo[key] = encodeJson(this.infos.get(key));
      } catch (error) {
        this.options.warn(
          `Message hub: '${key}' is not saved in checkpoints, it is not plain JSON: ${(error as Error).message}`,
        );
      }
    }
    return state;
  }

  /**
   * Takes over a state; keys that the state does not have stay.
   * @throws E_HUB_STATE when a part is missing
   */
  loadStateDict(state: MessageHubState): void {
    for (const part of ['logScalars', 'runtimeInfo', 'resumedKeys'] as const) {
      if (typeof state?.[part] === 'object' && state[part] !== null) continue;
      throw new EngineError({
        code: 'E_HUB_STATE',
        what: `The state of a message hub has no '${part}'.`,
        received: show(state),
        expected: 'an object with logScalars, runtimeInfo and resumedKeys, as stateDict() gives',
      });
    }
    for (const [key, saved] of Object.entries(state.logScalars)) {
      if (
        !Object.hasOwn(state.resumedKeys, key) ||
        !Array.isArray(saved?.values) ||
        !Array.isArray(saved.counts)
      ) {
        this.options.warn(`Message hub: the saved scalar '${key}' is not a history and is skipped.`);
        continue;
      }
      const { maxLength, maxPending } = this.options;
      const buffer = new HistoryBuffer({ maxLength, maxPending });
      buffer.loadStateDict(saved);
      this.scalars.get(key)?.dispose();
      this.scalars.set(key, buffer);
      this.resumed.set(key, true);
    }
    for (const [key, value] of Object.entries(state.runtimeInfo)) {
      if (!Object.hasOwn(state.resumedKeys, key)) {
        this.options.warn(`Message hub: the saved fact '${key}' is not marked as resumed and is skipped.`);
        continue;
      }
      this.infos.set(key, decodeJson(value));
      this.resumed.set(key, true);
    }
  }

  /** Gives up the lazy values that nobody has read. */
  dispose(): void {
    for (const buffer of this.scalars.values()) buffer.dispose();
  }

  private setResumed(key: string, resumed: boolean): void {
    const known = this.resumed.get(key);
    if (known === resumed) return;
    if (known !== undefined) {
      throw new EngineError({
        code: 'E_HUB_RESUMED',
        what: `Whether checkpoints carry '${key}' cannot change.`,
        received: `resumed = ${resumed}`,
        expected: `resumed = ${known}, as at its first update`,
        fix: 'use another key, or the same flag everywhere',
      });
    }
    this.resumed.set(key, resumed);
  }
}
