import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix } from 'node:path';
import { getArgument, requiredArgument, textArgument } from './arguments.js';
import { copyDict, deepCopy } from './config-dict.js';
import { raise } from './errors.js';
import { asFloat, asInt, binary } from './operators.js';
import { BUILTINS } from './builtins.js';
import {
  iterate,
  listOf,
  PyBuiltin,
  PyDict,
  PyIterator,
  PyList,
  PyModule,
  PyTuple,
  typeName,
  type CallArguments,
  type NativeCall,
  type Value,
} from './values.js';

function moduleOf(
  name: string,
  functions: Record<string, NativeCall>,
  values: Record<string, Value> = {},
): PyModule {
  const members = new Map<string, Value>(Object.entries(values));
  for (const [member, call] of Object.entries(functions)) members.set(member, new PyBuiltin(member, call));
  return new PyModule(name, members);
}

const pair = (a: string, b: string): PyTuple => new PyTuple([a, b]);

/** Python's `os.path.join`: unlike Node's it does not tidy the result. */
function joinPaths({ items }: CallArguments): string {
  return items.reduce<string>((path, part) => {
    if (typeof part !== 'string')
      return raise('TypeError', `join() argument must be str, not '${typeName(part)}'`);
    if (part.startsWith('/') || path === '') return part;
    return path.endsWith('/') ? path + part : `${path}/${part}`;
  }, '');
}

function splitPath(path: string): [string, string] {
  const at = path.lastIndexOf('/') + 1;
  const head = path.slice(0, at);
  return [/^\/*$/.test(head) ? head : head.replace(/\/+$/, ''), path.slice(at)];
}

function splitExtension(path: string): [string, string] {
  const dot = path.lastIndexOf('.');
  const name = splitPath(path.slice(0, Math.max(dot, 0)))[1];
  // Dots that open a name are part of it.
  if (dot < path.lastIndexOf('/') || /^\.*$/.test(name)) return [path, ''];
  return [path.slice(0, dot), path.slice(dot)];
}

const PATH = moduleOf(
  'os.path',
  {
    abspath: (args) => posix.resolve(textArgument(args, 0)),
    basename: (args) => splitPath(textArgument(args, 0))[1],
    dirname: (args) => splitPath(textArgument(args, 0))[0],
    exists: (args) => existsSync(textArgument(args, 0)),
    expanduser: (args) => textArgument(args, 0).replace(/^~(?=\/|$)/, homedir()),
    isabs: (args) => textArgument(args, 0).startsWith('/'),
    isdir: (args) => statSync(textArgument(args, 0), { throwIfNoEntry: false })?.isDirectory() ?? false,
    isfile: (args) => statSync(textArgument(args, 0), { throwIfNoEntry: false })?.isFile() ?? false,
    join: joinPaths,
    normpath: (args) => posix.normalize(textArgument(args, 0)).replace(/(?<=[^/])\/$/, ''),
    realpath: (args) => posix.resolve(textArgument(args, 0)),
    relpath: (args) =>
      posix.relative(args.items.length > 1 ? textArgument(args, 1) : '', textArgument(args, 0)) || '.',
    split: (args) => pair(...splitPath(textArgument(args, 0))),
    splitext: (args) => pair(...splitExtension(textArgument(args, 0))),
  },
  { sep: '/' },
);

function environment(): PyDict {
  const dict = new PyDict();
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) dict.set(name, value);
  return dict;
}

function real(args: CallArguments, index = 0): number {
  const value = requiredArgument(args, index);
  return asFloat(value) ?? raise('TypeError', `must be real number, not ${typeName(value)}`);
}

function whole(convert: (value: number) => number): NativeCall {
  return (args) => asInt(requiredArgument(args, 0)) ?? BigInt(convert(real(args)));
}

function float(compute: (value: number) => number): NativeCall {
  return (args) => {
    const value = real(args);
    const result = compute(value);
    if (Number.isNaN(result) && !Number.isNaN(value)) raise('ValueError', 'math domain error');
    return result;
  };
}

function logarithm(args: CallArguments): number {
  const value = real(args);
  if (value <= 0) raise('ValueError', 'math domain error');
  return args.items.length > 1 ? Math.log(value) / Math.log(real(args, 1)) : Math.log(value);
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? (a < 0n ? -a : a) : greatestDivisor(b, a % b);
}

const MATH = moduleOf(
  'math',
  {
    ceil: whole(Math.ceil),
    cos: float(Math.cos),
    exp: float(Math.exp),
    fabs: float(Math.abs),
    floor: whole(Math.floor),
    gcd: ({ items }) => items.map((item) => asInt(item) ?? 0n).reduce(greatestDivisor, 0n),
    isinf: (args) => Math.abs(real(args)) === Infinity,
    isnan: (args) => Number.isNaN(real(args)),
    log: logarithm,
    log10: float(Math.log10),
    log2: float(Math.log2),
    pow: (args) => binary('**', real(args), real(args, 1)),
    prod: (args) =>
      listOf(requiredArgument(args, 0)).reduce((product, item) => binary('*', product, item), 1n),
    radians: float((value) => (value * Math.PI) / 180),
    sin: float(Math.sin),
    sqrt: float(Math.sqrt),
    tan: float(Math.tan),
    tanh: float(Math.tanh),
    trunc: whole(Math.trunc),
  },
  { e: Math.E, inf: Infinity, nan: NaN, pi: Math.PI, tau: 2 * Math.PI },
);

function* chained(sources: Iterable<Value>): Generator<Value> {
  for (const source of sources) yield* iterate(source);
}

function* products(pools: readonly Value[][], before: readonly Value[] = []): Generator<Value> {
  if (before.length === pools.length) yield new PyTuple(before);
  else for (const item of pools[before.length]!) yield* products(pools, [...before, item]);
}

function repeated(value: Value, count: Value): PyList {
  const times = asInt(count);
  if (times === undefined || times > 1_000_000n)
    return raise('TypeError', 'repeat() needs a number of times');
  return new PyList(Array.from({ length: Math.max(0, Number(times)) }, () => value));
}

const MODULES: Readonly<Record<string, PyModule>> = {
  'os.path': PATH,
  os: moduleOf(
    'os',
    {
      getcwd: () => process.cwd(),
      getenv: (args) => process.env[textArgument(args, 0)] ?? getArgument(args, 1, 'default') ?? null,
    },
    { path: PATH, sep: '/', environ: environment() },
  ),
  math: MATH,
  copy: moduleOf('copy', {
    copy: (args) => {
      const value = requiredArgument(args, 0);
      if (value instanceof PyDict) return copyDict(value);
      return value instanceof PyList ? new PyList([...value.items]) : value;
    },
    deepcopy: (args) => deepCopy(requiredArgument(args, 0)),
  }),
  collections: moduleOf('collections', {}, { OrderedDict: BUILTINS.get('dict')! }),
  functools: moduleOf('functools', {
    partial: ({ items: [callee = null, ...first], named }) =>
      new PyBuiltin('partial', (args, call) => {
        if (named.size + args.named.size > 0)
          raise('TypeError', 'a partial with named arguments would have to be executed');
        return call(callee, [...first, ...args.items]);
      }),
    reduce: ({ items: [callee = null, source = null, start] }, call) => {
      const values = listOf(source);
      const first = start === undefined ? values.shift() : start;
      if (first === undefined) return raise('TypeError', 'reduce() of empty iterable with no initial value');
      return values.reduce((total, item) => call(callee, [total, item]), first);
    },
  }),
  itertools: moduleOf('itertools', {
    chain: ({ items }) => new PyIterator('chain', chained(items)),
    product: ({ items }) => new PyIterator('product', products(items.map(listOf))),
    repeat: ({ items: [value = null, count = null] }) => repeated(value, count),
  }),
  warnings: moduleOf('warnings', { filterwarnings: () => null, simplefilter: () => null, warn: () => null }),
};

/** Top-level names of the modules that come with Python (3.11). */
const STANDARD = new Set(
  (
    '__future__ abc argparse array ast asyncio atexit base64 bisect builtins bz2 calendar cmath codecs collections ' +
    'concurrent configparser contextlib copy csv ctypes dataclasses datetime decimal difflib email enum errno fnmatch ' +
    'fractions functools gc getpass glob gzip hashlib heapq html http importlib inspect io itertools json keyword ' +
    'linecache locale logging lzma math mimetypes multiprocessing numbers operator os pathlib pickle pkgutil platform ' +
    'pprint queue random re secrets select shelve shlex shutil signal socket sqlite3 ssl stat statistics string ' +
    'struct subprocess sys sysconfig tarfile tempfile textwrap threading time timeit token tokenize traceback types ' +
    'typing unicodedata unittest urllib uuid warnings weakref xml zipfile zlib'
  ).split(' '),
);

/** Whether MMEngine really imports a module while it reads a config, in place of writing its name down. */
export function isStandardModule(name: string): boolean {
  return name.startsWith('mmengine.config') || STANDARD.has(name.split('.')[0]!);
}

/** A module of the standard library; empty where configs have no use for it that can be evaluated safely. */
export function standardModule(name: string): PyModule {
  return MODULES[name] ?? new PyModule(name, new Map());
}
