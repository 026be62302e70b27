import { ByteReader, narrow } from './byte-reader.js';
import { unescape, unquote } from './python-strings.js';
import {
  finishPickle,
  pickleCorrupt,
  PickleDict,
  PickleGlobal,
  PickleObject,
  pickleRefused,
} from './pickle-values.js';

export interface ReadPickleOptions {
  /** Name of the file, for error messages. */
  file?: string | undefined;
  /** Where the pickle begins. Default 0. */
  offset?: number | undefined;
  /**
   * What to do with a class or function on no list: `error` refuses the file, `placeholder` keeps the object's data as
   * a `PickleObject`. Default `error`.
   */
  unknown?: 'error' | 'placeholder' | undefined;
  /** The harmless classes and functions beside those of plain Python, by full name. */
  globals?: ((name: string) => PickleGlobal | undefined) | undefined;
  /** The object behind a persistent id, which is a tuple or a string; without it such ids are refused. */
  persistent?: ((id: unknown) => unknown) | undefined;
}

const dictOf = (pairs: unknown): PickleDict => {
  if (pairs instanceof PickleDict) return new PickleDict(pairs);
  const all = Array.isArray(pairs) ? pairs : [];
  return new PickleDict(all.filter(Array.isArray).map((pair): [unknown, unknown] => [pair[0], pair[1]]));
};
const listOf = (items: unknown): unknown[] =>
  Array.isArray(items) || items instanceof Set ? [...(items as Iterable<unknown>)] : [];

/** Plain Python: containers and the encoding of bytes in protocol 2. */
const PLAIN: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  'collections.OrderedDict': ([pairs]) => dictOf(pairs),
  'collections.defaultdict': ([, pairs]) => dictOf(pairs),
  'builtins.dict': ([pairs]) => dictOf(pairs),
  'builtins.list': ([items]) => listOf(items),
  'builtins.tuple': ([items]) => listOf(items),
  'builtins.set': ([items]) => new Set(listOf(items)),
  'builtins.frozenset': ([items]) => new Set(listOf(items)),
  'builtins.int': ([value]) => (typeof value === 'number' || typeof value === 'bigint' ? value : 0),
  'builtins.float': ([value]) => (typeof value === 'number' ? value : 0),
  'builtins.str': ([value]) => (typeof value === 'string' ? value : ''),
  'builtins.bool': ([value]) => value === true,
  'builtins.bytearray': ([value]) => (value instanceof Uint8Array ? value.slice() : new Uint8Array()),
  'builtins.bytes': ([value]) => (value instanceof Uint8Array ? value : new Uint8Array()),
  'copyreg._reconstructor': ([type]) => (type instanceof PickleGlobal ? type.call([]) : undefined),
  '_codecs.encode': ([text, encoding]) =>
    new Uint8Array(
      Buffer.from(String(text), encoding === 'latin1' || encoding === 'latin-1' ? 'latin1' : 'utf8'),
    ),
};

/** Copies that calls may make for each byte of the file: a tiny file must not ask for a huge list over and over. */
const COPIES_PER_BYTE = 64;

/**
 * Reads one pickle of protocol 0 to 5 (https://docs.python.org/3/library/pickletools.html) without running anything: a
 * class or function may only be one of a short list of containers, or of `globals`.
 *
 * dict → plain object, or `Map` where a key is no string; list and tuple → array; set → `Set`; bytes → `Uint8Array`;
 * None → null; int → number, or bigint where a number cannot hold it.
 *
 * @returns the value, and the offset behind the pickle
 * @throws E_PICKLE_GLOBAL naming the class or function refused; E_PICKLE_CORRUPT
 */
export function readPickle(
  bytes: Uint8Array,
  options: ReadPickleOptions = {},
): { value: unknown; end: number } {
  const { value, end } = runPickle(bytes, options);
  return { value: finishPickle(value, options.file), end };
}

/** As {@link readPickle}, the containers unfinished: for formats whose data stand behind the pickle. */
export function runPickle(bytes: Uint8Array, options: ReadPickleOptions): { value: unknown; end: number } {
  const machine = new Machine(bytes, options);
  const value = machine.run();
  return { value, end: machine.reader.at };
}

class Machine {
  readonly reader: ByteReader;
  private stack: unknown[] = [];
  private readonly marks: unknown[][] = [];
  private readonly memo = new Map<number, unknown>();
  private copied = 0;

  constructor(
    bytes: Uint8Array,
    private readonly options: ReadPickleOptions,
  ) {
    this.reader = new ByteReader(bytes, options.offset ?? 0, options.file);
  }

  run(): unknown {
    for (;;) {
      const op = this.reader.u8();
      if (op === 0x2e) return this.pop();
      this.step(op);
    }
  }

  private step(op: number): void {
    const { reader } = this;
    switch (String.fromCharCode(op)) {
      // Frames and the protocol's number say nothing about the value.
      case '\x80':
        return void reader.u8();
      case '\x95':
        return void reader.u64();
      case '(':
        this.marks.push(this.stack);
        this.stack = [];
        return;
      case '0':
        if (this.stack.length > 0) this.stack.pop();
        else this.popMark();
        return;
      case '1':
        return void this.popMark();
      case '2':
        return this.push(this.top());
      case 'N':
        return this.push(null);
      case '\x88':
        return this.push(true);
      case '\x89':
        return this.push(false);
      case 'I':
        return this.push(this.decimal(reader.line()));
      case 'L':
        return this.push(this.decimal(reader.line().replace(/L$/, '')));
      case 'J':
        return this.push(reader.i32());
      case 'K':
        return this.push(reader.u8());
      case 'M':
        return this.push(reader.u16());
      case '\x8a':
        return this.push(reader.long(reader.u8()));
      case '\x8b':
        return this.push(reader.long(reader.u32()));
      case 'F':
        return this.push(Number(reader.line()));
      case 'G':
        return this.push(reader.f64());
      default:
        return this.stepText(op);
    }
  }

  private stepText(op: number): void {
    const { reader } = this;
    switch (String.fromCharCode(op)) {
      case 'S':
        return this.push(unquote(reader.line()));
      case 'T':
        return this.push(Buffer.from(reader.take(reader.u32())).toString('latin1'));
      case 'U':
        return this.push(Buffer.from(reader.take(reader.u8())).toString('latin1'));
      case 'V':
        return this.push(unescape(reader.line()));
      case 'X':
        return this.push(reader.text(reader.u32()));
      case '\x8c':
        return this.push(reader.text(reader.u8()));
      case '\x8d':
        return this.push(reader.text(reader.u64()));
      case 'B':
        return this.push(reader.take(reader.u32()).slice());
      case 'C':
        return this.push(reader.take(reader.u8()).slice());
      case '\x8e':
      case '\x96':
        return this.push(reader.take(reader.u64()).slice());
      default:
        return this.stepContainer(op);
    }
  }

  private stepContainer(op: number): void {
    switch (String.fromCharCode(op)) {
      case ']':
        return this.push([]);
      case ')':
        return this.push([]);
      case '}':
        return this.push(new PickleDict());
      case '\x8f':
        return this.push(new Set());
      case 'l':
      case 't':
        return this.push(this.popMark());
      case '\x91':
        return this.push(new Set(this.popMark()));
      case 'd':
        return this.push(this.setItems(new PickleDict(), this.popMark()));
      case '\x85':
        return this.push(this.popMany(1));
      case '\x86':
        return this.push(this.popMany(2));
      case '\x87':
        return this.push(this.popMany(3));
      case 'a':
        return this.append(this.popMany(1));
      case 'e':
        return this.append(this.popMark());
      case 's':
        return void this.setItems(undefined, this.popMany(2));
      case 'u':
        return void this.setItems(undefined, this.popMark());
      case '\x90': {
        const items = this.popMark();
        const set = this.top();
        if (!(set instanceof Set)) throw this.corrupt('items are added to what is no set');
        for (const item of items) set.add(item);
        return;
      }
      default:
        return this.stepObject(op);
    }
  }

  private stepObject(op: number): void {
    const { reader } = this;
    switch (String.fromCharCode(op)) {
      case 'q':
        return void this.memo.set(reader.u8(), this.top());
      case 'r':
        return void this.memo.set(reader.u32(), this.top());
      case 'p':
        return void this.memo.set(Number(reader.line()), this.top());
      case '\x94':
        return void this.memo.set(this.memo.size, this.top());
      case 'h':
        return this.push(this.recall(reader.u8()));
      case 'j':
        return this.push(this.recall(reader.u32()));
      case 'g':
        return this.push(this.recall(Number(reader.line())));
      case 'c': {
        const module = reader.line();
        return this.push(this.global(module, reader.line()));
      }
      case '\x93': {
        const [module, name] = this.popMany(2);
        return this.push(this.global(String(module), String(name)));
      }
      case 'i': {
        const module = reader.line();
        const named = this.global(module, reader.line());
        return this.push(this.call(named, this.popMark()));
      }
      case 'o': {
        const [entry, ...args] = this.popMark();
        return this.push(this.call(entry, args));
      }
      case 'R':
      case '\x81': {
        const [entry, args] = this.popMany(2);
        return this.push(this.call(entry, args));
      }
      case '\x92': {
        const [entry, args] = this.popMany(3);
        return this.push(this.call(entry, args));
      }
      case 'b':
        return this.build(this.pop());
      case 'P':
        return this.push(this.persistent(reader.line()));
      case 'Q':
        return this.push(this.persistent(this.pop()));
      default:
        throw this.corrupt(
          'it has an instruction that is not known',
          `0x${op.toString(16)} at ${reader.at - 1}`,
        );
    }
  }

  private push(value: unknown): void {
    this.stack.push(value);
  }

  private pop(): unknown {
    if (this.stack.length === 0) throw this.corrupt('it takes more from its stack than it put there');
    return this.stack.pop();
  }

  private popMany(count: number): unknown[] {
    if (this.stack.length < count) throw this.corrupt('it takes more from its stack than it put there');
    return this.stack.splice(this.stack.length - count, count);
  }

  private popMark(): unknown[] {
    const items = this.stack;
    const below = this.marks.pop();
    if (!below) throw this.corrupt('it goes back to a mark that it did not set');
    this.stack = below;
    return items;
  }

  private top(): unknown {
    if (this.stack.length === 0) throw this.corrupt('it looks at an empty stack');
    return this.stack[this.stack.length - 1];
  }

  private recall(index: number): unknown {
    if (!this.memo.has(index)) throw this.corrupt('it recalls what it did not note', `memo ${index}`);
    return this.memo.get(index);
  }

  private decimal(text: string): number | bigint | boolean {
    // Protocol 0 writes booleans so.
    if (text === '00' || text === '01') return text === '01';
    if (!/^[+-]?\d{1,2000}$/.test(text.trim()))
      throw this.corrupt('a number in it is none', text.slice(0, 40));
    return narrow(BigInt(text.trim().replace(/^\+/, '')));
  }

  private append(items: readonly unknown[]): void {
    const top = this.top();
    const list = top instanceof PickleObject ? top.list : top;
    if (!Array.isArray(list)) throw this.corrupt('items are appended to what is no list');
    for (const item of items) list.push(item);
  }

  private setItems(dict: PickleDict | undefined, items: readonly unknown[]): PickleDict {
    let into: unknown = dict;
    if (!dict) {
      const top = this.top();
      into = top instanceof PickleObject ? top.entries : top;
    }
    if (!(into instanceof PickleDict)) throw this.corrupt('entries are set in what is no dict');
    if (items.length % 2 !== 0) throw this.corrupt('a dict in it has a key without a value');
    for (let i = 0; i < items.length; i += 2) into.set(items[i], items[i + 1]);
    return into;
  }

  private global(module: string, name: string): PickleGlobal {
    const full = `${module === '__builtin__' ? 'builtins' : module}.${name}`;
    const plain = Object.hasOwn(PLAIN, full) ? PLAIN[full] : undefined;
    if (plain) return new PickleGlobal(full, plain);
    const known = this.options.globals?.(full);
    if (known) return known;
    if (this.options.unknown !== 'placeholder') throw pickleRefused(this.options.file, full);
    return new PickleGlobal(full, (args) => new PickleObject(full, args));
  }

  private call(entry: unknown, args: unknown): unknown {
    if (!(entry instanceof PickleGlobal)) throw this.corrupt('it calls what is no class or function');
    if (!Array.isArray(args)) throw this.corrupt(`it calls ${entry.name} without a tuple`);
    const made = entry.call(args);
    this.copied += sizeOfCopy(made);
    if (this.copied > 1e6 + COPIES_PER_BYTE * this.reader.bytes.byteLength)
      throw this.corrupt('it makes far more than it holds', `by ${entry.name}`);
    return made;
  }

  /** Sets the state of an object. Attributes that somebody hung on a container or a tensor are dropped. */
  private build(state: unknown): void {
    const top = this.top();
    if (top instanceof PickleObject) top.state = state;
    else if (typeof (top as { setState?: unknown } | null)?.setState === 'function')
      (top as { setState(state: unknown): void }).setState(state);
  }

  private persistent(id: unknown): unknown {
    if (!this.options.persistent) throw this.corrupt('it points outside of itself');
    return this.options.persistent(id);
  }

  private corrupt(why: string, received?: string): Error {
    return pickleCorrupt(this.options.file, why, received);
  }
}

function sizeOfCopy(made: unknown): number {
  if (Array.isArray(made) || typeof made === 'string') return made.length;
  if (made instanceof Map || made instanceof Set) return made.size;
  return made instanceof Uint8Array ? made.byteLength : 0;
}
