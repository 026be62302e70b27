import { raise } from './errors.js';
import { formatMap } from './format-method.js';
import { asInt } from './operators.js';
import { getArgument, integerArgument, textArgument } from './arguments.js';
import { iterate, PyDict, PyList, PyTuple, typeName, type CallArguments, type Value } from './values.js';

type StringMethod = (text: string, args: CallArguments) => Value;

function trimmer(front: boolean, back: boolean): StringMethod {
  return (text, args) => {
    const set = args.items[0] ?? null;
    const chars = set === null ? undefined : [...textArgument(args, 0)];
    const out = [...text];
    const strip = (c: string | undefined): boolean =>
      c !== undefined && (chars === undefined ? /\s/.test(c) : chars.includes(c));
    if (front) while (strip(out[0])) out.shift();
    if (back) while (strip(out.at(-1))) out.pop();
    return out.join('');
  };
}

function list(items: readonly string[]): PyList {
  return new PyList([...items]);
}

function split(fromEnd: boolean): StringMethod {
  return (text, args) => {
    const mark = getArgument(args, 0, 'sep') ?? null;
    const limit = Number(asInt(getArgument(args, 1, 'maxsplit') ?? -1n) ?? -1n);
    if (mark === '') raise('ValueError', 'empty separator');
    const parts = mark === null ? text.trim().split(/\s+/).filter(Boolean) : text.split(mark as string);
    if (limit < 0 || parts.length <= limit + (mark === null ? 0 : 1)) return list(parts);
    if (mark !== null) {
      const rest = fromEnd ? parts.slice(0, parts.length - limit) : parts.slice(limit);
      const joined = rest.join(mark as string);
      return list(
        fromEnd ? [joined, ...parts.slice(parts.length - limit)] : [...parts.slice(0, limit), joined],
      );
    }
    return list(fromEnd ? splitBlank(text, limit, true) : splitBlank(text, limit, false));
  };
}

/** The part that is not split keeps the blanks inside it. */
function splitBlank(text: string, limit: number, fromEnd: boolean): string[] {
  const parts: string[] = [];
  let rest = fromEnd ? text.trimEnd() : text.trimStart();
  const pattern = fromEnd ? /^([\s\S]*\S)\s+(\S+)$/ : /^(\S+)\s+([\s\S]*)$/;
  for (let n = 0; n < limit; n++) {
    const match = pattern.exec(rest);
    if (!match) break;
    parts.push(fromEnd ? match[2]! : match[1]!);
    rest = fromEnd ? match[1]! : match[2]!;
  }
  parts.push(rest);
  return fromEnd ? parts.reverse() : parts;
}

function find(last: boolean, strict: boolean): StringMethod {
  return (text, args) => {
    const wanted = textArgument(args, 0);
    const from = Number(integerArgument(args, 1, 0n));
    const to = args.items[2] === undefined ? text.length : Number(integerArgument(args, 2, 0n));
    const part = text.slice(0, to < 0 ? Math.max(0, text.length + to) : to);
    const start = from < 0 ? Math.max(0, text.length + from) : from;
    let at = last ? part.lastIndexOf(wanted) : part.indexOf(wanted, start);
    if (at < start) at = -1;
    if (at < 0 && strict) raise('ValueError', 'substring not found');
    return BigInt(at);
  };
}

function begins(back: boolean): StringMethod {
  return (text, args) => {
    const wanted = args.items[0];
    const options = wanted instanceof PyTuple ? wanted.items : [textArgument(args, 0)];
    return options.some((option) => {
      if (typeof option !== 'string') return raise('TypeError', `a str is needed, not ${typeName(option)}`);
      return back ? text.endsWith(option) : text.startsWith(option);
    });
  };
}

function justify(side: 'left' | 'right' | 'both'): StringMethod {
  return (text, args) => {
    const width = Number(integerArgument(args, 0, 0n));
    const fill = args.items[1] === undefined ? ' ' : textArgument(args, 1);
    if (width > 10_000) raise('MemoryError', 'a string wider than 10000');
    const missing = Math.max(0, width - [...text].length);
    if (side === 'left') return text + fill.repeat(missing);
    if (side === 'right') return fill.repeat(missing) + text;
    const before = (missing >> 1) + (missing & width & 1);
    return fill.repeat(before) + text + fill.repeat(missing - before);
  };
}

const title = (text: string): string =>
  text.replace(/\p{L}+/gu, (word) => {
    const [first, ...rest] = [...word];
    const [head, ...tail] = [...first!.toUpperCase()];
    return head! + tail.join('').toLowerCase() + rest.join('').toLowerCase();
  });

function every(pattern: RegExp): StringMethod {
  return (text) => text !== '' && pattern.test(text);
}

function partition(last: boolean): StringMethod {
  return (text, args) => {
    const mark = textArgument(args, 0);
    if (mark === '') raise('ValueError', 'empty separator');
    const at = last ? text.lastIndexOf(mark) : text.indexOf(mark);
    if (at < 0) return new PyTuple(last ? ['', '', text] : [text, '', '']);
    return new PyTuple([text.slice(0, at), mark, text.slice(at + mark.length)]);
  };
}

function join(text: string, args: CallArguments): Value {
  const parts: string[] = [];
  for (const item of iterate(args.items[0] ?? null)) {
    if (typeof item !== 'string') {
      raise('TypeError', `sequence item ${parts.length}: expected str instance, ${typeName(item)} found`);
    }
    parts.push(item);
  }
  return parts.join(text);
}

function replace(text: string, args: CallArguments): Value {
  const from = textArgument(args, 0);
  const to = textArgument(args, 1);
  const count = Number(integerArgument(args, 2, -1n));
  if (text.length * Math.max(1, to.length) > 1_000_000)
    raise('MemoryError', 'a string of a million characters');
  if (count < 0) return text.replaceAll(from, () => to);
  const parts = text.split(from);
  return parts.reduce((all, part, i) => all + (i <= count ? to : from) + part);
}

/** The methods of strings that configs use. */
export const STRING_METHODS: Readonly<Record<string, StringMethod>> = {
  capitalize: (text) => text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase(),
  casefold: (text) => text.toLowerCase(),
  center: justify('both'),
  count: (text, args) => BigInt(text.split(textArgument(args, 0)).length - 1),
  endswith: begins(true),
  find: find(false, false),
  format: (text, args) => formatMap(text, args.items, args.named),
  format_map: (text, args) => {
    const dict = args.items[0];
    if (!(dict instanceof PyDict)) return raise('TypeError', 'format_map needs a dict');
    return formatMap(text, [], new Map(dict.items().map(({ key, value }) => [String(key), value])));
  },
  index: find(false, true),
  isalnum: every(/^[\p{L}\p{N}]+$/u),
  isalpha: every(/^\p{L}+$/u),
  isdecimal: every(/^\p{Nd}+$/u),
  isdigit: every(/^\p{Nd}+$/u),
  isidentifier: every(/^[\p{L}_][\p{L}\p{N}_]*$/u),
  islower: (text) => text !== text.toUpperCase() && text === text.toLowerCase(),
  isspace: every(/^\s+$/u),
  isupper: (text) => text !== text.toLowerCase() && text === text.toUpperCase(),
  join,
  ljust: justify('left'),
  lower: (text) => text.toLowerCase(),
  lstrip: trimmer(true, false),
  partition: partition(false),
  removeprefix: (text, args) =>
    text.startsWith(textArgument(args, 0)) ? text.slice(textArgument(args, 0).length) : text,
  removesuffix: (text, args) => {
    const suffix = textArgument(args, 0);
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  },
  replace,
  rfind: find(true, false),
  rindex: find(true, true),
  rjust: justify('right'),
  rpartition: partition(true),
  rsplit: split(true),
  rstrip: trimmer(false, true),
  split: split(false),
  splitlines: (text) => list(text === '' ? [] : text.replace(/(?:\r\n|\n|\r)$/, '').split(/\r\n|\n|\r/)),
  startswith: begins(false),
  strip: trimmer(true, true),
  swapcase: (text) =>
    [...text].map((c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())).join(''),
  title,
  upper: (text) => text.toUpperCase(),
  zfill: (text, args) => {
    const sign = /^[+-]/.exec(text)?.[0] ?? '';
    const width = Math.min(10_000, Number(integerArgument(args, 0, 0n)));
    return sign + text.slice(sign.length).padStart(width - sign.length, '0');
  },
};
