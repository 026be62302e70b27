import { floatText } from './decimal.js';
import { EXCEPTIONS } from './errors.js';
import {
  PyBuiltin,
  PyDict,
  PyFunction,
  PyIterator,
  PyLazy,
  PyList,
  PyModule,
  PyRange,
  PySet,
  PySlice,
  PyTuple,
  PyType,
  typeName,
  type Value,
} from './values.js';

/** Python's `str`. */
export function str(value: Value): string {
  return typeof value === 'string' ? value : repr(value);
}

/** Python's `repr`. */
export function repr(value: Value, inside: readonly Value[] = []): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'string') return quoted(value);
  if (inside.includes(value)) return '...';
  const all = [...inside, value];
  const list = (items: readonly Value[]): string => items.map((item) => repr(item, all)).join(', ');
  if (value instanceof PyList) return `[${list(value.items)}]`;
  if (value instanceof PyTuple)
    return value.items.length === 1 ? `(${list(value.items)},)` : `(${list(value.items)})`;
  if (value instanceof PyDict) {
    return `{${value
      .items()
      .map(({ key, value: member }) => `${repr(key, all)}: ${repr(member, all)}`)
      .join(', ')}}`;
  }
  if (value instanceof PySet) {
    const text = value.size ? `{${list(value.items())}}` : '';
    return value.frozen ? `frozenset(${text})` : text || 'set()';
  }
  if (value instanceof PyRange) {
    return `range(${value.from}, ${value.to}${value.step === 1n ? '' : `, ${value.step}`})`;
  }
  if (value instanceof PySlice) return `slice(${list([value.from, value.to, value.step])})`;
  if (value instanceof PyLazy) return value.name ?? value.module;
  if (value instanceof PyType) return `<class '${value.name}'>`;
  if (value instanceof PyModule) return `<module '${value.name}'>`;
  if (value instanceof PyFunction) return `<function ${value.name}>`;
  if (value instanceof PyBuiltin) return `<built-in function ${value.name}>`;
  if (value instanceof PyIterator) return `<${typeName(value)} object>`;
  return 'Ellipsis';
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = '';
  for (const c of text) {
    const code = c.codePointAt(0)!;
    if (c === quote || c === '\\') out += `\\${c}`;
    else if (c === '\n') out += '\\n';
    else if (c === '\r') out += '\\r';
    else if (c === '\t') out += '\\t';
    else if (code < 32 || code === 127) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|[^\P{Zs} ]/u.test(c)) {
      if (code < 256) out += `\\x${code.toString(16).padStart(2, '0')}`;
      else
        out +=
          code < 65536
            ? `\\u${code.toString(16).padStart(4, '0')}`
            : `\\U${code.toString(16).padStart(8, '0')}`;
    } else out += c;
  }
  return quote + out + quote;
}

/** Whether a name is that of one of Python's exceptions. */
export function isExceptionName(name: string): boolean {
  return EXCEPTIONS.includes(name);
}
