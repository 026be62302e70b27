import { deserialize, serialize } from 'node:v8';
import { badValue, EngineError } from '@engine/core';

/** One annotation: where a sample is and what is known about it. */
export type DataInfo = Record<string, unknown>;

/** Holds the items of a dataset. A dataset with a denser form of its own (pixels in one array) brings its own store. */
export interface ItemStore {
  readonly length: number;
  /** A fresh copy of the item at `index`, from 0 to length - 1. */
  get(index: number): DataInfo;
  /** A store of the items at these places, in this order; leaves this one as it is. */
  select(indices: readonly number[]): ItemStore;
  /** What another thread needs to hold the same items: structured-cloneable, shared memory where possible. */
  share(): unknown;
}

/** Items as live objects; each `get` copies one, so that a pipeline cannot change what it was given. */
export class ListStore implements ItemStore {
  private readonly items: readonly DataInfo[];

  constructor(items: readonly DataInfo[]) {
    this.items = items;
  }

  get length(): number {
    return this.items.length;
  }

  get(index: number): DataInfo {
    return structuredClone(this.items[index]!);
  }

  select(indices: readonly number[]): ListStore {
    return new ListStore(indices.map((index) => this.items[index]!));
  }

  share(): readonly DataInfo[] {
    return this.items;
  }

  static of(shared: unknown): ListStore {
    return new ListStore(shared as readonly DataInfo[]);
  }
}

interface SharedItems {
  bytes: SharedArrayBuffer;
  ends: SharedArrayBuffer;
}

/** Items serialised one behind the other into one SharedArrayBuffer, so that all worker threads read one copy. */
export class SerializedStore implements ItemStore {
  private readonly bytes: Uint8Array;
  /** Where each item ends; it begins where the one before ends. */
  private readonly ends: Float64Array;

  constructor({ bytes, ends }: SharedItems) {
    this.bytes = new Uint8Array(bytes);
    this.ends = new Float64Array(ends);
  }

  static of(shared: unknown): SerializedStore {
    return new SerializedStore(shared as SharedItems);
  }

  static from(items: readonly DataInfo[]): SerializedStore {
    return SerializedStore.pack(items.map((item) => new Uint8Array(serialize(item))));
  }

  private static pack(chunks: readonly Uint8Array[]): SerializedStore {
    const ends = new SharedArrayBuffer(chunks.length * Float64Array.BYTES_PER_ELEMENT);
    const table = new Float64Array(ends);
    let end = 0;
    for (let i = 0; i < chunks.length; i++) table[i] = end += chunks[i]!.length;
    const bytes = new SharedArrayBuffer(end);
    const target = new Uint8Array(bytes);
    for (let i = 0; i < chunks.length; i++) target.set(chunks[i]!, i === 0 ? 0 : table[i - 1]!);
    return new SerializedStore({ bytes, ends });
  }

  get length(): number {
    return this.ends.length;
  }

  get(index: number): DataInfo {
    // A copy, since deserialised typed arrays are views of the bytes they were read from.
    return deserialize(this.chunk(index).slice()) as DataInfo;
  }

  select(indices: readonly number[]): SerializedStore {
    return SerializedStore.pack(indices.map((index) => this.chunk(index)));
  }

  share(): SharedItems {
    return {
      bytes: this.bytes.buffer as unknown as SharedArrayBuffer,
      ends: this.ends.buffer as unknown as SharedArrayBuffer,
    };
  }

  private chunk(index: number): Uint8Array {
    return this.bytes.subarray(index === 0 ? 0 : this.ends[index - 1]!, this.ends[index]!);
  }
}

/** Which items of a dataset: the first n, the last n for a negative number, or exactly these (negative from the end). */
export type Indices = number | readonly number[];

/**
 * {@link Indices} as places from 0 to length - 1.
 * @throws E_CONFIG_VALUE for anything but integers, E_DATA_INDEX for a place outside the dataset
 */
export function resolveIndices(owner: string, indices: Indices, length: number): number[] {
  if (typeof indices === 'number') {
    if (!Number.isSafeInteger(indices))
      throw badValue(`${owner}.indices`, indices, 'an integer or a list of integers');
    const count = Math.min(Math.abs(indices), length);
    const first = indices < 0 ? length - count : 0;
    return Array.from({ length: count }, (_, i) => first + i);
  }
  if (!Array.isArray(indices))
    throw badValue(`${owner}.indices`, indices, 'an integer or a list of integers');
  return indices.map((index: unknown) => {
    if (!Number.isSafeInteger(index))
      throw badValue(`${owner}.indices`, index, 'an integer or a list of integers');
    return resolveIndex(owner, index as number, length);
  });
}

/** An index from -length to length - 1 as one from 0. */
export function resolveIndex(owner: string, index: number, length: number): number {
  const at = index < 0 ? index + length : index;
  if (!Number.isSafeInteger(at) || at < 0 || at >= length) {
    throw new EngineError({
      code: 'E_DATA_INDEX',
      what: `${owner} has no item ${index}.`,
      received: `index ${index}`,
      expected: length === 0 ? 'nothing: the dataset is empty' : `an index from ${-length} to ${length - 1}`,
    });
  }
  return at;
}
