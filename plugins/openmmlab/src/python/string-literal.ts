import { syntaxError, unsupported } from './errors.js';
import type { SourceText } from './source.js';
import type { Token } from './tokens.js';

/** A string token taken apart. */
export interface StringLiteral {
  formatted: boolean;
  raw: boolean;
  /** The text between the quotes, escapes as they are written. */
  body: string;
  /** Offset of the body in the file. */
  at: number;
}

const SIMPLE: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** @throws E_PYCONFIG_SYNTAX for an unknown prefix; E_PYCONFIG_UNSUPPORTED for bytes */
export function stringLiteral(token: Token, source: SourceText): StringLiteral {
  const [opening, prefix, quote] = /^([a-zA-Z]*)("""|'''|"|')/.exec(token.text) as unknown as [
    string,
    string,
    string,
  ];
  const kind = prefix.toLowerCase();
  if (/^(?:b|br|rb)$/.test(kind)) {
    throw unsupported(source, token.at, 'a bytes literal', 'a string: a config has no values that are bytes');
  }
  if (!/^(?:|u|r|f|fr|rf)$/.test(kind)) {
    throw syntaxError(source, token.at, `'${prefix}' is no prefix of a string`, 'r, f, rf or none');
  }
  return {
    formatted: kind.includes('f'),
    raw: kind.includes('r'),
    body: token.text.slice(opening.length, token.text.length - quote.length).replaceAll('\r\n', '\n'),
    at: token.at + opening.length,
  };
}

/**
 * Replaces the escapes of a string literal; unknown ones stay as they are, as in Python.
 * @throws E_PYCONFIG_SYNTAX for an escape that is cut short
 */
export function unescape(text: string, at: number, source: SourceText): string {
  if (!text.includes('\\')) return text;
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g,
    (
      whole: string,
      x?: string,
      u?: string,
      long?: string,
      octal?: string,
      other?: string,
      offset?: number,
    ) => {
      const hex = x ?? u ?? long;
      if (hex !== undefined || octal !== undefined) {
        const code = hex === undefined ? Number.parseInt(octal!, 8) : Number.parseInt(hex, 16);
        if (code > 0x10ffff) throw syntaxError(source, at + offset!, `${whole} is no character`);
        return String.fromCodePoint(code);
      }
      if (other === 'x' || other === 'u' || other === 'U') {
        throw syntaxError(source, at + offset!, `the escape \\${other} is cut short`);
      }
      if (other === 'N') {
        throw unsupported(source, at + offset!, 'a character by its Unicode name', 'the character itself');
      }
      return SIMPLE[other!] ?? whole;
    },
  );
}
