import type { Expression, FormattedPart } from './ast.js';
import type { TokenCursor } from './cursor.js';
import { syntaxError } from './errors.js';
import { SourceText } from './source.js';
import { stringLiteral, unescape } from './string-literal.js';

type NestedParser = TokenCursor & { expressionList(): Expression };

/** Reads string tokens that stand side by side, which Python joins, and the values inside f-strings. */
export function parseString(cursor: TokenCursor, parserOf: (source: SourceText) => NestedParser): Expression {
  const { at, source } = cursor;
  const parts: FormattedPart[] = [];
  const only = cursor.ahead().kind !== 'string';
  while (cursor.token.kind === 'string') {
    const literal = stringLiteral(cursor.next(), source);
    const text = (raw: string, from: number): string =>
      literal.raw ? raw : unescape(raw, literal.at + from, source);
    if (literal.formatted) {
      parts.push(...new FormatParser(literal.body, literal.at, source, text, parserOf).parts(0));
      continue;
    }
    const reference = only ? /^\{\{\s*_base_\.([\w.]+)\s*\}\}$/.exec(literal.body) : null;
    if (reference) return { kind: 'reference', at, path: reference[1]!.split('.') };
    parts.push(text(literal.body, 0));
  }
  if (parts.every((part) => typeof part === 'string')) return { kind: 'constant', at, value: parts.join('') };
  return { kind: 'joined', at, parts };
}

/** The inside of one f-string. */
class FormatParser {
  private at = 0;

  constructor(
    private readonly body: string,
    private readonly start: number,
    private readonly source: SourceText,
    private readonly textOf: (raw: string, from: number) => string,
    private readonly parserOf: (source: SourceText) => NestedParser,
  ) {}

  /** @param depth 1 within the format of a value, which a closing brace ends */
  parts(depth: number): FormattedPart[] {
    const found: FormattedPart[] = [];
    const { body } = this;
    let from = this.at;
    const flush = (): void => {
      if (this.at > from) found.push(this.textOf(body.slice(from, this.at), from));
    };
    while (this.at < body.length) {
      const c = body[this.at];
      if (depth === 0 && (c === '{' || c === '}') && body[this.at + 1] === c) {
        this.at++;
        flush();
        this.at++;
        from = this.at;
      } else if (c === '{') {
        flush();
        found.push(this.value(depth));
        from = this.at;
      } else if (c === '}') {
        if (depth > 0) break;
        throw this.error("a single '}' in an f-string", "'}}' for the character");
      } else this.at++;
    }
    flush();
    return found;
  }

  private value(depth: number): FormattedPart {
    if (depth > 1)
      throw this.error('f-string formats nested too deeply', 'at most one value inside a format');
    this.at++;
    const from = this.at;
    this.skipExpression();
    let text = this.body.slice(from, this.at);
    const shown = /^(.*[^=!<>])=\s*$/s.exec(text);
    if (shown) text = shown[1]!;
    if (text.trim() === '')
      throw this.error('an f-string with an empty value', 'an expression between the braces');
    // Blanks before it keep the places of its parts what they are in the file.
    const blanks = this.source.text
      .slice(0, this.start + from)
      .replaceAll(/[^\n]/g, ' ')
      .slice(0, -1);
    const parser = this.parserOf(new SourceText(this.source.file, `${blanks}(${text}\n)`.slice(0)));
    const value = parser.expressionList();
    if (parser.token.kind !== 'newline') throw parser.unexpected('one expression');
    let conversion = '';
    if (this.body[this.at] === '!') {
      conversion = this.body[this.at + 1] ?? '';
      if (!'rsa'.includes(conversion) || conversion === '')
        throw this.error('an unknown conversion', '!r, !s or !a');
      this.at += 2;
    }
    let format: FormattedPart[] | undefined;
    if (this.body[this.at] === ':') {
      this.at++;
      format = this.parts(depth + 1);
    }
    if (this.body[this.at] !== '}') throw this.error('an f-string whose value does not end', "'}'");
    this.at++;
    const part = { value, conversion: conversion || (shown && !format ? 'r' : ''), format };
    return shown
      ? {
          value: {
            kind: 'joined',
            at: value.at,
            parts: [this.body.slice(from, from + shown[0].length), part],
          },
          conversion: '',
          format: undefined,
        }
      : part;
  }

  /** Steps to the `!`, `:` or `}` that ends the value. */
  private skipExpression(): void {
    const { body } = this;
    let open = 0;
    while (this.at < body.length) {
      const c = body[this.at]!;
      if (c === '"' || c === "'") {
        const end = body.indexOf(c, this.at + 1);
        if (end < 0) throw this.error('a string that does not end', `a closing ${c}`);
        this.at = end + 1;
        continue;
      }
      if ('([{'.includes(c)) open++;
      else if (open > 0 && ')]}'.includes(c)) open--;
      else if (open === 0) {
        if (c === '}' || c === ':' || (c === '!' && body[this.at + 1] !== '=')) return;
      }
      this.at++;
    }
    throw this.error('an f-string whose value does not end', "'}'");
  }

  private error(received: string, expected: string): Error {
    return syntaxError(this.source, this.start + Math.min(this.at, this.body.length), received, expected);
  }
}
