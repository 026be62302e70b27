import { native, type NativeOp } from './native.js';
import { Storage } from './storage.js';

/** What an operator takes; `null` is None. Numbers that are whole become integer scalars where a scalar is wanted. */
export type Argument =
  | Storage
  | number
  | boolean
  | string
  | null
  | undefined
  | readonly number[]
  | readonly boolean[]
  | readonly (Storage | null)[];

/** Room for arguments and results of one call; the largest are lists of a network's parameters. */
const buffer = new Float64Array(1 << 15);
const ops = new Map<string, NativeOp & { inPlace: boolean }>();
const strings = new Map<string, number>();

/** Results that no tfjs tensor holds: freed when the kernel that made them ends. */
const arena: Storage[] = [];

function find(name: string): NativeOp & { inPlace: boolean } {
  const addon = native();
  if (ops.size === 0) addon.setBuffer(buffer);
  const op = addon.findOp(name.includes('::') ? name : `aten::${name}`);
  // By libtorch's convention the name ends in an underscore: `add_.Tensor`.
  const found = { ...op, inPlace: /[^_]_(\.|$)/.test(name) };
  ops.set(name, found);
  return found;
}

function stringNumber(text: string): number {
  let index = strings.get(text);
  if (index === undefined) strings.set(text, (index = native().intern(text)));
  return index;
}

const LOWER = 97;
const enum Kind {
  tensor = 116,
  tensors = 108,
  optionalTensors = 111,
  int = 105,
  float = 102,
  bool = 98,
  scalar = 115,
  string = 99,
}

function encode(op: NativeOp, args: readonly Argument[], name: string): void {
  let at = 0;
  for (let i = 0; i < args.length; i++) {
    const value = args[i];
    let kind = op.kinds.charCodeAt(i);
    if (kind < LOWER) {
      if (value === null || value === undefined) {
        buffer[at++] = 0;
        continue;
      }
      buffer[at++] = 1;
      kind += 32;
    }
    switch (kind as Kind) {
      case Kind.tensor:
        buffer[at++] = (value as Storage).handle;
        break;
      case Kind.int:
      case Kind.float:
      case Kind.bool:
        buffer[at++] = Number(value);
        break;
      case Kind.scalar:
        buffer[at++] = Number.isSafeInteger(value) ? 1 : 0;
        buffer[at++] = Number(value);
        break;
      case Kind.string:
        buffer[at++] = stringNumber(value as string);
        break;
      default: {
        const list = value as readonly unknown[];
        if (at + list.length + 64 > buffer.length) throw new RangeError(`${name}: too long a list`);
        buffer[at++] = list.length;
        if (kind === (Kind.tensors as number)) {
          for (const item of list) buffer[at++] = (item as Storage).handle;
        } else if (kind === (Kind.optionalTensors as number)) {
          for (const item of list) buffer[at++] = item === null ? -1 : (item as Storage).handle;
        } else {
          for (const item of list) buffer[at++] = Number(item);
        }
      }
    }
  }
}

let cursor = 0;

function takeTensor(): Storage {
  const handle = buffer[cursor]!;
  const scalar = buffer[cursor + 1]!;
  const rank = buffer[cursor + 2]!;
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) shape.push(buffer[cursor + 3 + i]!);
  cursor += 3 + rank;
  const storage = new Storage(handle, scalar, shape);
  if (handle >= 0) arena.push(storage);
  return storage;
}

function start(name: string, args: readonly Argument[]): NativeOp {
  const op = ops.get(name) ?? find(name);
  if (op.inPlace) (args[0] as Storage).dropCast();
  encode(op, args, name);
  cursor = 0;
  return op;
}

/** Calls an operator that returns one tensor; arguments left out at the end have the schema's defaults. */
export function aten(name: string, ...args: Argument[]): Storage {
  const op = start(name, args);
  native().call(op.index, args.length);
  return takeTensor();
}

/** Calls an operator that returns several tensors, or one list of them. An undefined one has the handle -1. */
export function atenAll(name: string, ...args: Argument[]): Storage[] {
  const op = start(name, args);
  native().call(op.index, args.length);
  const results: Storage[] = [];
  if (op.results === 'l') {
    const count = buffer[cursor++]!;
    for (let i = 0; i < count; i++) results.push(takeTensor());
  } else {
    for (let i = 0; i < op.results.length; i++) results.push(takeTensor());
  }
  return results;
}

/** Calls an operator for what it does to its arguments. */
export function atenVoid(name: string, ...args: Argument[]): void {
  const op = start(name, args);
  for (const arg of args) {
    if (arg instanceof Storage) arg.dropCast();
    else if (Array.isArray(arg)) for (const item of arg) if (item instanceof Storage) item.dropCast();
  }
  native().callVoid(op.index, args.length);
}

/** Below this many bytes a copy costs less than holding the memory of an array. */
const WORTH_SHARING = 1 << 16;

/**
 * A new tensor of the values: a copy, or with `share` the array's own memory where that is possible and pays. Nothing
 * writes to shared memory; whoever asks for it must not either while the tensor lives.
 */
export function fromArray(
  values: Float32Array | Int32Array | Uint8Array,
  shape: readonly number[],
  scalar: number,
  share = false,
): Storage {
  const shares = share && values.byteLength >= WORTH_SHARING;
  const storage = new Storage(native().fromArray(values, scalar, shares, ...shape), scalar, [...shape]);
  arena.push(storage);
  return storage;
}

/** The tensor in another element type; itself when it has it. */
export function toScalar(x: Storage, scalar: number): Storage {
  return x.scalar === scalar ? x : aten('to.dtype', x, scalar);
}

/** Runs a kernel's body and frees every tensor it made, except those that tfjs tensors hold by then. */
export function withArena<T>(body: () => T): T {
  const mark = arena.length;
  try {
    return body();
  } finally {
    for (let i = mark; i < arena.length; i++) {
      const storage = arena[i]!;
      if (storage.refCount === 0) storage.free();
    }
    arena.length = mark;
  }
}
