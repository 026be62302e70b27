import { fixedText, floatText, place, significant } from './decimal.js';
import { getItem } from './config-dict.js';
import { raise } from './errors.js';
import { repr, str } from './text.js';
import { PyDict, PyList, PyTuple, typeName, type Value } from './values.js';

interface Spec {
  fill: string;
  align: string;
  sign: string;
  alternate: boolean;
  width: number;
  grouping: string;
  precision: number | undefined;
  type: string;
}

const SPEC = /^(?:([\s\S])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/u;

/** Widths and precisions beyond this are mistakes, and would fill the memory. */
const WIDEST = 10_000;

function parseSpec(text: string, value: Value): Spec {
  const match = SPEC.exec(text);
  if (!match)
    return raise('ValueError', `Invalid format specifier '${text}' for object of type '${typeName(value)}'`);
  const [, fill, align, sign = '', , alternate, zero, width, grouping = '', precision, type = ''] = match;
  const spec = {
    fill: fill ?? (zero ? '0' : ' '),
    align: align ?? (zero ? '=' : ''),
    sign,
    alternate: alternate !== undefined,
    width: Number(width ?? 0),
    grouping,
    precision: precision === undefined ? undefined : Number(precision),
    type,
  };
  if (spec.width > WIDEST || (spec.precision ?? 0) > WIDEST)
    raise('ValueError', `a format wider than ${WIDEST}`);
  return spec;
}

/** Python's `format(value, spec)`, for the types that a config has. */
export function formatValue(value: Value, text: string): string {
  if (text === '') return str(value);
  const spec = parseSpec(text, value);
  if (typeof value === 'number') return formatFloat(value, spec);
  if (typeof value === 'bigint' || typeof value === 'boolean') return formatInt(BigInt(value), spec);
  if (typeof value !== 'string') {
    return raise('TypeError', `unsupported format string passed to ${typeName(value)}.__format__`);
  }
  if (spec.type !== '' && spec.type !== 's') return unknownType(spec.type, value);
  if (spec.align === '=') {
    // Python 3.10 and later pad a string with a zero width on the right.
    spec.align = '<';
  }
  const shown = spec.precision === undefined ? value : [...value].slice(0, spec.precision).join('');
  return pad(shown, { ...spec, align: spec.align || '<' });
}

function unknownType(type: string, value: Value): never {
  return raise('ValueError', `Unknown format code '${type}' for object of type '${typeName(value)}'`);
}

function formatInt(value: bigint, spec: Spec): string {
  if ('eEfFgG%'.includes(spec.type) && spec.type !== '') return formatFloat(Number(value), spec);
  if (spec.precision !== undefined) raise('ValueError', 'Precision not allowed in integer format specifier');
  const absolute = value < 0n ? -value : value;
  const sign = value < 0n ? '-' : spec.sign === '-' ? '' : spec.sign;
  if (spec.type === 'c') {
    if (value < 0n || value > 0x10ffffn) raise('OverflowError', '%c arg not in range(0x110000)');
    return pad(String.fromCodePoint(Number(value)), { ...spec, align: spec.align || '<' });
  }
  const radix = { b: 2, o: 8, x: 16, X: 16, d: 10, n: 10, '': 10 }[spec.type];
  if (radix === undefined) return unknownType(spec.type, value);
  let digits = absolute.toString(radix);
  if (spec.type === 'X') digits = digits.toUpperCase();
  const prefix = spec.alternate && radix !== 10 ? `0${spec.type}` : '';
  return padNumber(sign + prefix, group(digits, spec.grouping, radix === 10 ? 3 : 4), spec);
}

function formatFloat(value: number, spec: Spec): string {
  if (!'eEfFgGn%'.includes(spec.type)) return unknownType(spec.type, value);
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative ? '-' : spec.sign === '-' ? '' : spec.sign;
  if (!Number.isFinite(value)) {
    const word = Number.isNaN(value) ? 'nan' : 'inf';
    const shown = /[EFG]/.test(spec.type) ? word.toUpperCase() : word;
    return padNumber(
      value < 0 ? '-' : spec.sign === '-' ? '' : spec.sign,
      shown + (spec.type === '%' ? '%' : ''),
      spec,
    );
  }
  const text = floatDigits(Math.abs(value), spec, value);
  const [whole, rest] = /^(\d+)(.*)$/s.exec(text)!.slice(1) as [string, string];
  return padNumber(sign, group(whole, spec.grouping, 3) + rest, spec);
}

function floatDigits(value: number, spec: Spec, original: Value): string {
  const { type, precision } = spec;
  const upper = (text: string): string => (/[EFG]/.test(type) ? text.toUpperCase() : text);
  switch (type) {
    case 'f':
    case 'F':
      return fixedText(value, precision ?? 6);
    case '%':
      return `${fixedText(value * 100, precision ?? 6)}%`;
    case 'e':
    case 'E': {
      const { digits, power } = significant(value, (precision ?? 6) + 1);
      return upper(place(digits, power, true, 0));
    }
    case 'g':
    case 'G':
    case 'n':
      return upper(general(value, precision ?? 6, spec.alternate, 0));
    case '': {
      if (precision === undefined) return floatText(value);
      return general(value, precision, spec.alternate, 1);
    }
  }
  return unknownType(type, original);
}

/** The format `g`; with `decimals` 1 that of a float without a type, which keeps a digit after the point. */
function general(value: number, precision: number, alternate: boolean, decimals: number): string {
  const count = Math.max(precision, 1);
  const { digits, power } = significant(value, count);
  const shown = alternate ? digits : digits.replace(/0+$/, '') || '0';
  const scientific = power < -4 || power >= count - decimals;
  const text = place(shown, power, scientific, scientific ? 0 : decimals);
  return alternate && !/[.e]/.test(text) ? `${text}.` : text;
}

function group(digits: string, mark: string, size: number): string {
  return mark === '' ? digits : digits.replace(new RegExp(`\\B(?=(?:[\\da-fA-F]{${size}})+$)`, 'g'), mark);
}

function padNumber(sign: string, digits: string, spec: Spec): string {
  const align = spec.align || '>';
  if (align !== '=') return pad(sign + digits, { ...spec, align });
  return sign + spec.fill.repeat(Math.max(0, spec.width - sign.length - digits.length)) + digits;
}

function pad(text: string, { fill, align, width }: Spec): string {
  const missing = Math.max(0, width - [...text].length);
  if (align === '<') return text + fill.repeat(missing);
  if (align === '^') return fill.repeat(missing >> 1) + text + fill.repeat(missing - (missing >> 1));
  return fill.repeat(missing) + text;
}

const PERCENT = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+))?[hlL]?([\s\S])?/g;

/** Python's `text % values`. */
export function formatPercent(text: string, values: Value): string {
  const list = values instanceof PyTuple ? [...values.items] : [values];
  let used = 0;
  let byName = false;
  const take = (): Value => {
    if (used >= list.length) raise('TypeError', 'not enough arguments for format string');
    return list[used++]!;
  };
  const result = text.replace(
    PERCENT,
    (_, name: string | undefined, flags: string, width?: string, precision?: string, type?: string) => {
      if (type === '%') return '%';
      if (type === undefined) return raise('ValueError', 'incomplete format');
      const size = width === '*' ? str(take()) : (width ?? '');
      const places = precision === '*' ? str(take()) : precision;
      let value: Value;
      if (name === undefined) value = take();
      else if (values instanceof PyDict) {
        byName = true;
        value = getItem(values, name);
      } else value = raise('TypeError', 'format requires a mapping');
      return percentItem(value, flags, size, places, type);
    },
  );
  if (!byName && used < list.length && !(values instanceof PyDict || values instanceof PyList)) {
    raise('TypeError', 'not all arguments converted during string formatting');
  }
  return result;
}

function percentItem(
  value: Value,
  flags: string,
  width: string,
  precision: string | undefined,
  type: string,
): string {
  const left = flags.includes('-') ? '<' : '';
  if (type === 's' || type === 'r' || type === 'a') {
    const text = type === 's' ? str(value) : repr(value);
    return formatValue(text, `${left || '>'}${width}${precision === undefined ? '' : `.${precision}`}s`);
  }
  if (!'diuxXoeEfFgGc'.includes(type)) {
    raise('ValueError', `unsupported format character '${type}'`);
  }
  if (type === 'c' && typeof value === 'string') return formatValue(value, `${left || '>'}${width}`);
  const whole = 'diu'.includes(type);
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean') {
    raise('TypeError', `%${type} format: a real number is required, not ${typeName(value)}`);
  }
  const number = whole && typeof value === 'number' ? BigInt(Math.trunc(value)) : value;
  const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const zero = flags.includes('0') && !left ? '0' : '';
  const places = precision === undefined || whole || 'xXo'.includes(type) ? '' : `.${precision}`;
  return formatValue(
    number,
    `${left}${sign}${flags.includes('#') ? '#' : ''}${zero}${width}${places}${whole ? 'd' : type}`,
  );
}
