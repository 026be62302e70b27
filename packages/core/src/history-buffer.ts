import { badValue, checkKeys } from './check-keys.js';
import { EngineError, show } from './errors.js';
import { isLazyScalar, type LazyScalar } from './lazy-scalar.js';
import { shared } from './shared.js';
import { listNames, nearest } from './suggest.js';

export interface HistoryBufferOptions {
  /** First values; with `counts` of the same length, or 1 each. */
  values?: readonly number[];
  counts?: readonly number[];
  /** Newest values that are kept; 1 000 000. */
  maxLength?: number;
  /** Values that may wait unread; 256. When there are more, the older half is read. */
  maxPending?: number;
}

/** A buffer as plain JSON: the newest values with their counts. NaN and infinities are their names. */
export interface HistoryBufferState {
  values: (number | string)[];
  counts: number[];
  /** What statistics over everything need of the values before those. */
  older?: { length: number; sum: number | string; count: number; min: number | string; max: number | string };
  /** How many of the values the widest window asked for needs. */
  reach?: number;
}

/** Values that are no longer there one by one. The sum runs from the first to the last, so that it can be gone on with. */
interface Fold {
  length: number;
  sum: number;
  count: number;
  min: number;
  max: number;
}

const NOTHING: Readonly<Fold> = { length: 0, sum: 0, count: 0, min: Infinity, max: -Infinity };

/** A statistic of a buffer; arguments come from the caller of {@link HistoryBuffer.statistics}. */
export type HistoryStatistic = (buffer: HistoryBuffer, ...args: number[]) => number;

interface Pending {
  /** Number of values that were recorded before this one. */
  position: number;
  scalar: LazyScalar;
}

const FIRST_CAPACITY = 64;
/** Windows up to this are not remembered: every checkpoint holds more. */
const SMALL_WINDOW = 64;

/** Custom statistics by name, for all buffers: log processors find them by the name in their config. */
const custom = shared('statistics', () => new Map<string, HistoryStatistic>());
const BUILT_IN = ['mean', 'max', 'min', 'current'] as const;

/**
 * The history of one scalar: values with counts, newest `maxLength` kept, statistics over windows of the newest ones.
 * When `count` > 1 the value is a sum over that many items, so that `mean` is `sum(values) / sum(counts)`.
 *
 * Values may be lazy (still on a device). They are read when a statistic needs them, never by `update`, and disposed
 * once read or forgotten. Memory grows with use and is never copied per update.
 */
export class HistoryBuffer {
  readonly maxLength: number;
  private readonly maxPending: number;
  private values: Float64Array;
  private counts: Float64Array;
  /** Values recorded in all; the newest is number `total - 1` and stands at `(total - 1) % capacity` once full. */
  private total = 0;
  private pending: Pending[] = [];
  /** Values of the run that was resumed which its checkpoint had only as a whole. */
  private older: Readonly<Fold> = NOTHING;
  /** {@link older} and the values before the position `to`, kept so that each is added up once. */
  private folded: { to: number; fold: Fold } = { to: 0, fold: { ...NOTHING } };
  /** Where the widest window began that was asked for when `total` was `at`: what a checkpoint must reach back to. */
  private asked: { at: number; from: number } | undefined;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: HistoryBufferOptions = {}) {
    checkKeys('HistoryBuffer', options, ['values', 'counts', 'maxLength', 'maxPending']);
    const { values = [], counts, maxLength = 1_000_000, maxPending = 256 } = options;
    if (!Number.isInteger(maxLength) || maxLength < 1) {
      throw badValue('HistoryBuffer.maxLength', maxLength, 'an integer of 1 or more');
    }
    if (!Number.isInteger(maxPending) || maxPending < 1) {
      throw badValue('HistoryBuffer.maxPending', maxPending, 'an integer of 1 or more');
    }
    if (counts && counts.length !== values.length) {
      throw badValue('HistoryBuffer.counts', counts.length, `as many counts as values, ${values.length}`);
    }
    this.maxLength = maxLength;
    this.maxPending = maxPending;
    const capacity = Math.min(maxLength, Math.max(FIRST_CAPACITY, values.length));
    this.values = new Float64Array(capacity);
    this.counts = new Float64Array(capacity);
    values.forEach((value, i) => this.update(value, counts?.[i] ?? 1));
  }

  /** Number of values kept. */
  get length(): number {
    return Math.min(this.total, this.maxLength);
  }

  /** Number of lazy values that have not been read yet. */
  get pendingCount(): number {
    return this.pending.length;
  }

  /** Copies of all kept values and counts, oldest first. Reads every lazy value. */
  get history(): { values: Float64Array; counts: Float64Array } {
    return this.window();
  }

  /**
   * Records a value.
   * @param value a number, or a lazy one, which the buffer then owns
   * @param count number of items that the value sums up
   * @throws E_HISTORY_VALUE for anything else
   */
  update(value: number | LazyScalar, count = 1): void {
    const lazy = typeof value !== 'number';
    if ((lazy && !isLazyScalar(value)) || typeof count !== 'number') {
      throw new EngineError({
        code: 'E_HISTORY_VALUE',
        what: 'A history keeps numbers only.',
        received: `value ${show(value)}, count ${show(count)}`,
        expected: 'a number or a lazy scalar, and a number as its count',
      });
    }
    if (this.total >= this.values.length && this.values.length < this.maxLength) this.grow();
    const slot = this.total % this.values.length;
    this.values[slot] = lazy ? NaN : value;
    this.counts[slot] = count;
    if (lazy) this.pending.push({ position: this.total, scalar: value });
    this.total++;
    if (this.pending.length === 0) return;
    while (this.pending[0] && this.pending[0].position < this.total - this.maxLength) {
      this.pending.shift()!.scalar.dispose();
    }
    if (this.pending.length > this.maxPending) {
      this.read(this.pending.splice(0, Math.ceil(this.pending.length / 2)));
    }
  }

  /** `sum(values) / sum(counts)` over the newest `windowSize` values; over all unless said. */
  mean(windowSize?: number): number {
    let { sum, count } = this.before(windowSize);
    this.forEach(windowSize, 'mean', (value, n) => {
      sum += value;
      count += n;
    });
    return sum / count;
  }

  /** The largest of the newest `windowSize` values; of all unless said. */
  max(windowSize?: number): number {
    let best = this.before(windowSize).max;
    this.forEach(windowSize, 'max', (value) => (best = Math.max(best, value)));
    return best;
  }

  /** The smallest of the newest `windowSize` values; of all unless said. */
  min(windowSize?: number): number {
    let best = this.before(windowSize).min;
    this.forEach(windowSize, 'min', (value) => (best = Math.min(best, value)));
    return best;
  }

  /**
   * The newest value.
   * @throws E_HISTORY_EMPTY when there is none
   */
  current(): number {
    let last = NaN;
    this.forEach(1, 'current', (value) => (last = value));
    return last;
  }

  /**
   * A statistic by name: `mean`, `max`, `min`, `current` or a registered one.
   * @throws E_HISTORY_STATISTIC for an unknown name
   */
  statistics(name: string, ...args: number[]): number {
    if (name === 'current') return this.current();
    if (name === 'mean' || name === 'max' || name === 'min') return this[name](args[0]);
    const method = custom.get(name);
    if (method) return method(this, ...args);
    const known = [...BUILT_IN, ...custom.keys()];
    throw new EngineError({
      code: 'E_HISTORY_STATISTIC',
      what: `A history has no statistic '${name}'.`,
      received: show(name),
      expected: `one of ${listNames(known)}`,
      didYouMean: nearest(name, known),
      fix: 'register it with HistoryBuffer.registerStatistics(name, method)',
      exitCode: 2,
    });
  }

  /**
   * Adds a statistic under a name, for all buffers of the process.
   * @throws E_HISTORY_STATISTIC_TAKEN when another method has that name
   */
  static registerStatistics(name: string, method: HistoryStatistic): HistoryStatistic {
    const taken =
      (BUILT_IN as readonly string[]).includes(name) || (custom.has(name) && custom.get(name) !== method);
    if (taken) {
      throw new EngineError({
        code: 'E_HISTORY_STATISTIC_TAKEN',
        what: `A history already has a statistic '${name}'.`,
        received: show(method),
        fix: 'choose another name',
      });
    }
    custom.set(name, method);
    return method;
  }

  static hasStatistic(name: string): boolean {
    return (BUILT_IN as readonly string[]).includes(name) || custom.has(name);
  }

  /** Reads and disposes every lazy value. */
  flush(): void {
    this.read(this.pending.splice(0));
  }

  /** Forgets and disposes every lazy value without reading it; they count as NaN. */
  dispose(): void {
    for (const { scalar } of this.pending.splice(0)) scalar.dispose();
  }

  /**
   * The newest `limit` values as plain JSON, and the rest as sums: `mean`, `min` and `max` of everything, and of windows up
   * to `limit`, are the same to the last bit after {@link loadStateDict}, also when further values have come. So are those
   * of a wider window once it has been asked for, such as one that began with an epoch: its values are kept too.
   * @param limit all unless said
   */
  stateDict(limit = Infinity): HistoryBufferState {
    const reach = this.asked ? Math.min(this.length, this.total - this.asked.from) : 0;
    const kept = limit === 0 ? 0 : Math.min(this.length, Math.max(limit, reach));
    const { values, counts } = this.window(kept);
    const state: HistoryBufferState = { values: Array.from(values, encode), counts: Array.from(counts) };
    if (kept === 0) return state;
    if (reach > 0) state.reach = reach;
    const { length, sum, count, min, max } = this.foldTo(this.total - kept);
    if (length > 0) state.older = { length, sum: encode(sum), count, min: encode(min), max: encode(max) };
    return state;
  }

  /** Replaces what the buffer holds. */
  loadStateDict(state: HistoryBufferState): void {
    this.dispose();
    this.total = 0;
    const { older, reach = 0 } = state;
    this.asked = reach > 0 ? { at: -1, from: state.values.length - reach } : undefined;
    this.older = older
      ? {
          length: older.length,
          sum: Number(older.sum),
          count: older.count,
          min: Number(older.min),
          max: Number(older.max),
        }
      : NOTHING;
    this.folded = { to: 0, fold: { ...this.older } };
    state.values.forEach((value, i) => this.update(Number(value), state.counts[i] ?? 1));
  }

  /** What statistics over the newest `size` values begin with: the older ones, when the window reaches all of them. */
  private before(size: number | undefined): Readonly<Fold> {
    // A window over everything needs no values one by one.
    const everything = this.older.length === 0 ? this.length : this.length + 1;
    if (size !== undefined && size > SMALL_WINDOW && size < everything) {
      const from = this.total - size;
      if (this.asked?.at === this.total) this.asked.from = Math.min(this.asked.from, from);
      else this.asked = { at: this.total, from };
    }
    const { length } = this.older;
    if (length === 0 || length + this.total > this.maxLength) return NOTHING;
    return size === undefined || size >= length + this.total ? this.older : NOTHING;
  }

  /** All values before a position, the older ones first. Nothing once the oldest have fallen out. */
  private foldTo(to: number): Readonly<Fold> {
    if (this.length < this.total || this.older.length + this.total > this.maxLength) return NOTHING;
    if (to < this.folded.to) this.folded = { to: 0, fold: { ...this.older } };
    if (to > this.folded.to) this.readFrom(this.folded.to);
    const { fold } = this.folded;
    for (; this.folded.to < to; this.folded.to++) {
      const value = this.values[this.folded.to]!;
      fold.length++;
      fold.sum += value;
      fold.count += this.counts[this.folded.to]!;
      fold.min = Math.min(fold.min, value);
      fold.max = Math.max(fold.max, value);
    }
    return fold;
  }

  private window(size?: number): { values: Float64Array; counts: Float64Array } {
    const n = Math.min(size ?? this.length, this.length);
    const values = new Float64Array(n);
    const counts = new Float64Array(n);
    if (n === 0) return { values, counts };
    let i = 0;
    this.forEach(n, 'history', (value, count) => {
      values[i] = value;
      counts[i++] = count;
    });
    return { values, counts };
  }

  /** Visits the newest `size` values, oldest first, after reading the lazy ones among them. */
  private forEach(
    size: number | undefined,
    statistic: string,
    visit: (value: number, count: number) => void,
  ): void {
    if (this.total === 0) {
      throw new EngineError({
        code: 'E_HISTORY_EMPTY',
        what: `An empty history has no '${statistic}'.`,
        fix: 'update it first',
      });
    }
    if (size !== undefined && !(size >= 1)) throw badValue('windowSize', size, 'a number of 1 or more');
    const first = this.total - Math.min(size ?? this.length, this.length);
    this.readFrom(first);
    for (let position = first; position < this.total; position++) {
      const slot = position % this.values.length;
      visit(this.values[slot]!, this.counts[slot]!);
    }
  }

  private readFrom(position: number): void {
    let start = this.pending.length;
    while (start > 0 && this.pending[start - 1]!.position >= position) start--;
    if (start < this.pending.length) this.read(this.pending.splice(start));
  }

  private read(pending: readonly Pending[]): void {
    for (const { position, scalar } of pending) {
      this.values[position % this.values.length] = scalar.read();
      scalar.dispose();
    }
  }

  /** Only called while nothing has been overwritten yet, so positions and slots are still the same numbers. */
  private grow(): void {
    const capacity = Math.min(this.maxLength, this.values.length * 2);
    const values = new Float64Array(capacity);
    const counts = new Float64Array(capacity);
    values.set(this.values);
    counts.set(this.counts);
    this.values = values;
    this.counts = counts;
  }
}

function encode(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
