import { EngineError } from '@engine/core';

/** A Python dict while a pickle is being read; the reader turns it into a plain object or a `Map` at the end. */
export class PickleDict extends Map<unknown, unknown> {}

/** A class or function that a pickle names, and what calling it gives. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly call: (args: readonly unknown[]) => unknown,
  ) {}
}

/**
 * Stands for an object of a class that is not built here, where the caller asked for that: its class, what it was made
 * from and the state it was given. Nothing of the class is run.
 */
export class PickleObject {
  /** The state set after construction: usually the attributes by name. */
  state: unknown;
  /** Items of a subclass of list. */
  readonly list: unknown[] = [];
  /** Items of a subclass of dict. */
  readonly entries = new PickleDict();

  constructor(
    /** Full Python name: `mmengine.logging.history_buffer.HistoryBuffer`. */
    readonly className: string,
    readonly args: readonly unknown[],
  ) {}
}

/** E_PICKLE_CORRUPT in the house grammar. */
export function pickleCorrupt(file: string | undefined, why: string, received?: string): EngineError {
  return new EngineError({
    code: 'E_PICKLE_CORRUPT',
    what: `${file === undefined ? 'The pickle' : `The pickle in '${file}'`} cannot be read: ${why}.`,
    received,
    fix: 'get the file again',
  });
}

/** Refusal of a class or function that is on no list of harmless ones. */
export function pickleRefused(file: string | undefined, name: string): EngineError {
  return new EngineError({
    code: 'E_PICKLE_GLOBAL',
    what: `${file === undefined ? 'The pickle' : `The pickle in '${file}'`} asks for '${name}', which is not built here.`,
    received: name,
    expected: 'tensors, arrays, dicts, lists, tuples, sets, strings and numbers',
    fix: "save weights only (a state dict), or pass unknown: 'placeholder' to keep such objects as data without running anything",
  });
}

const MAX_DEPTH = 200;

/**
 * Finished values: dicts become plain objects where all keys are strings, else Maps. Shared parts stay shared.
 * @param leaf what becomes of an object that is no container
 * @throws E_PICKLE_CORRUPT for nesting deeper than 200
 */
export function finishPickle(
  value: unknown,
  file: string | undefined,
  leaf: (item: object) => unknown = (item) => item,
): unknown {
  const done = new Map<object, unknown>();
  const finish = (item: unknown, depth: number): unknown => {
    if (typeof item !== 'object' || item === null) return item;
    if (item instanceof PickleGlobal) return item.name;
    const composite =
      item instanceof PickleDict ||
      item instanceof PickleObject ||
      item instanceof Set ||
      Array.isArray(item);
    if (done.has(item)) return done.get(item);
    if (!composite) {
      const made = leaf(item);
      done.set(item, made);
      return made;
    }
    if (depth > MAX_DEPTH) throw pickleCorrupt(file, `it nests deeper than ${MAX_DEPTH}`);
    const next = (part: unknown): unknown => finish(part, depth + 1);
    if (item instanceof PickleDict) return finishDict(item, done, next);
    if (item instanceof PickleObject) {
      const copy = new PickleObject(item.className, item.args.map(next));
      done.set(item, copy);
      copy.state = next(item.state);
      for (const part of item.list) copy.list.push(next(part));
      for (const [key, part] of item.entries) copy.entries.set(next(key), next(part));
      return copy;
    }
    if (item instanceof Set) {
      const copy = new Set<unknown>();
      done.set(item, copy);
      for (const part of item) copy.add(next(part));
      return copy;
    }
    const copy: unknown[] = [];
    done.set(item, copy);
    for (const part of item as unknown[]) copy.push(next(part));
    return copy;
  };
  return finish(value, 0);
}

function finishDict(dict: PickleDict, done: Map<object, unknown>, next: (part: unknown) => unknown): unknown {
  if ([...dict.keys()].every((key) => typeof key === 'string')) {
    const plain: Record<string, unknown> = {};
    done.set(dict, plain);
    for (const [key, part] of dict) {
      // A key such as '__proto__' must become data, never the prototype.
      Object.defineProperty(plain, key as string, {
        value: next(part),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return plain;
  }
  const map = new Map<unknown, unknown>();
  done.set(dict, map);
  for (const [key, part] of dict) map.set(next(key), next(part));
  return map;
}
