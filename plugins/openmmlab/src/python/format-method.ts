import { raise } from './errors.js';
import { formatValue } from './format.js';
import { repr, str } from './text.js';
import { PyDict, PyLazy, PyList, PyTuple, typeName, type Value } from './values.js';

/** `text.format(…)`. */
export function formatMap(text: string, items: readonly Value[], named: ReadonlyMap<string, Value>): string {
  let next = 0;
  const field = (inside: string, depth: number): string => {
    const match = /^([^!:]*)(?:!([rsa]))?(?::([\s\S]*))?$/.exec(inside);
    if (!match) return raise('ValueError', `the field '{${inside}}' cannot be read`);
    const [, path = '', conversion, format = ''] = match;
    const [, first = '', rest = ''] = /^([^.[]*)([\s\S]*)$/.exec(path)!;
    const name = first === '' ? String(next++) : first;
    let value = /^\d+$/.test(name) ? items[Number(name)] : named.get(name);
    if (value === undefined) {
      return /^\d+$/.test(name)
        ? raise('IndexError', `Replacement index ${name} out of range for positional args tuple`)
        : raise('KeyError', `'${name}'`);
    }
    for (const [, attribute, key] of rest.matchAll(/\.([^.[]+)|\[([^\]]*)\]/g)) {
      value = attribute === undefined ? element(value, key!) : member(value, attribute);
    }
    if (conversion !== undefined) value = conversion === 's' ? str(value) : repr(value);
    return formatValue(value, depth === 0 ? expand(format, 1) : format);
  };
  const expand = (template: string, depth: number): string => {
    let out = '';
    for (let at = 0; at < template.length; at++) {
      const c = template[at]!;
      if ((c === '{' || c === '}') && template[at + 1] === c && depth === 0) {
        out += c;
        at++;
      } else if (c === '{') {
        const end = closing(template, at);
        out += field(template.slice(at + 1, end), depth);
        at = end;
      } else if (c === '}') raise('ValueError', "Single '}' encountered in format string");
      else out += c;
    }
    return out;
  };
  return expand(text, 0);
}

function closing(text: string, from: number): number {
  let open = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') open++;
    else if (text[at] === '}' && --open === 0) return at;
  }
  return raise('ValueError', "expected '}' before end of string");
}

function element(value: Value, key: string): Value {
  const index = /^\d+$/.test(key) ? BigInt(key) : key;
  const found =
    value instanceof PyDict
      ? value.get(index)
      : value instanceof PyList || value instanceof PyTuple
        ? value.items[Number(key)]
        : undefined;
  return found === undefined ? raise('KeyError', repr(index)) : found;
}

function member(value: Value, name: string): Value {
  if (value instanceof PyLazy) return value.attribute(name);
  const found = value instanceof PyDict && value.config ? value.get(name) : undefined;
  return found === undefined
    ? raise('AttributeError', `'${typeName(value)}' object has no attribute '${name}'`)
    : found;
}
