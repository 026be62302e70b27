import { syntaxError, unsupported } from './errors.js';
import type { SourceText } from './source.js';

export type TokenKind =
  | 'name'
  | 'keyword'
  | 'number'
  | 'string'
  | 'reference'
  | 'operator'
  | 'newline'
  | 'indent'
  | 'dedent'
  | 'end';

export interface Token {
  kind: TokenKind;
  text: string;
  /** Offset of the first character. */
  at: number;
  /** Offset behind the last one. */
  end: number;
}

const KEYWORDS = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from ' +
    'global if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
);

const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER =
  /0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?[jJ]?/y;
const STRING = /[a-zA-Z]{0,2}("""|'''|"|')/y;
const OPERATOR =
  /\*\*=|\/\/=|>>=|<<=|\.\.\.|->|:=|\*\*|\/\/|>>|<<|[<>=!]=|[-+*/%&|^@]=|[-+*/%&|^~<>()[\]{},:.;@=]/y;
/** MMEngine's mark for a value of the base configs; as Python it would be a set inside a set. */
const REFERENCE = /\{\{\s*_base_\.[\w.]+\s*\}\}/y;

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/**
 * Splits Python source into tokens, with the `newline`, `indent` and `dedent` of its lines.
 * @throws E_PYCONFIG_SYNTAX with the place of what is no token
 */
export function tokenize(source: SourceText): Token[] {
  return new Tokenizer(source).run();
}

class Tokenizer {
  private readonly text: string;
  private readonly tokens: Token[] = [];
  private readonly indents = [0];
  private readonly open: { bracket: string; at: number }[] = [];
  private at = 0;

  constructor(private readonly source: SourceText) {
    this.text = source.text;
  }

  run(): Token[] {
    this.indentation();
    while (this.at < this.text.length) this.step();
    const unclosed = this.open.at(-1);
    if (unclosed) throw syntaxError(this.source, unclosed.at, `'${unclosed.bracket}' was never closed`);
    this.endLine();
    while (this.indents.pop()! > 0) this.push('dedent', this.at, this.at);
    this.push('end', this.at, this.at);
    return this.tokens;
  }

  private push(kind: TokenKind, at: number, end: number): void {
    this.tokens.push({ kind, text: this.text.slice(at, end), at, end });
    this.at = end;
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text);
  }

  private endLine(): void {
    const last = this.tokens.at(-1)?.kind;
    if (last !== undefined && last !== 'newline' && last !== 'indent' && last !== 'dedent') {
      this.push('newline', this.at, this.at);
    }
  }

  private step(): void {
    const c = this.text[this.at]!;
    if (c === '\n') {
      if (this.open.length === 0) this.endLine();
      this.at++;
      if (this.open.length === 0) this.indentation();
    } else if (c === ' ' || c === '\t' || c === '\f' || c === '\r' || c === '\uFEFF') this.at++;
    else if (c === '#') this.skipComment();
    else if (c === '\\' && /^\\\r?\n/.test(this.text.slice(this.at, this.at + 3))) {
      this.at = this.text.indexOf('\n', this.at) + 1;
    } else this.token();
  }

  private skipComment(): void {
    const end = this.text.indexOf('\n', this.at);
    this.at = end < 0 ? this.text.length : end;
  }

  /** Reads the blanks that open a line, past lines that hold nothing. */
  private indentation(): void {
    for (;;) {
      const start = this.at;
      let width = 0;
      for (; this.at < this.text.length; this.at++) {
        const c = this.text[this.at];
        if (c === ' ') width++;
        else if (c === '\t') width += 8 - (width % 8);
        else if (c === '\f' || c === '\uFEFF') width = 0;
        else break;
      }
      const c = this.text[this.at];
      if (c === '#') this.skipComment();
      else if (c === '\r' && this.text[this.at + 1] === '\n') this.at++;
      if (this.at >= this.text.length) return;
      if (this.text[this.at] === '\n') {
        this.at++;
        continue;
      }
      this.indentTo(width, start);
      return;
    }
  }

  private indentTo(width: number, start: number): void {
    const { at } = this;
    if (width > this.indents.at(-1)!) {
      this.indents.push(width);
      this.push('indent', start, at);
    }
    while (width < this.indents.at(-1)!) {
      this.indents.pop();
      this.push('dedent', at, at);
    }
    if (width !== this.indents.at(-1)) {
      throw syntaxError(
        this.source,
        at,
        'the indentation matches no line above',
        'the blanks of a line above',
      );
    }
  }

  private token(): void {
    const { at } = this;
    const string = this.match(STRING);
    if (string) return this.string(string[0].length, string[1]!);
    const name = this.match(NAME);
    if (name) return this.push(KEYWORDS.has(name[0]) ? 'keyword' : 'name', at, at + name[0].length);
    const number = this.match(NUMBER);
    if (number && /[\d]/.test(number[0])) return this.number(number[0]);
    const reference = this.match(REFERENCE);
    if (reference) return this.push('reference', at, at + reference[0].length);
    const operator = this.match(OPERATOR);
    if (!operator) throw syntaxError(this.source, at, `'${this.text[at]}' has no meaning in Python here`);
    this.bracket(operator[0], at);
    this.push('operator', at, at + operator[0].length);
  }

  private bracket(text: string, at: number): void {
    if (CLOSING[text]) this.open.push({ bracket: text, at });
    else if (text === ')' || text === ']' || text === '}') {
      const last = this.open.pop();
      if (!last) throw syntaxError(this.source, at, `unmatched '${text}'`);
      const expected = CLOSING[last.bracket]!;
      if (expected === text) return;
      const { line } = this.source.place(last.at);
      throw syntaxError(
        this.source,
        at,
        `'${text}' does not close '${last.bracket}' of line ${line}`,
        `'${expected}'`,
      );
    }
  }

  private number(text: string): void {
    const { at } = this;
    if (/[jJ]$/.test(text)) throw unsupported(this.source, at, `the complex number ${text}`, 'a real number');
    const end = at + text.length;
    if (/^0[\d_]*[1-9]/.test(text) && /^[\d_]+$/.test(text)) {
      throw syntaxError(
        this.source,
        at,
        `the number ${text} starts with a zero`,
        'a prefix such as 0o for octal',
      );
    }
    if (/[\p{L}\p{N}_]/u.test(this.text[end] ?? '')) {
      throw syntaxError(this.source, at, `'${text}${this.text[end]}' is no number`);
    }
    this.push('number', at, end);
  }

  private string(opening: number, quote: string): void {
    const { at, text } = this;
    let end = at + opening;
    for (;;) {
      if (end >= text.length || (quote.length === 1 && text[end] === '\n')) {
        throw syntaxError(this.source, at, 'a string that does not end', `a closing ${quote}`);
      }
      if (text[end] === '\\') end += text.startsWith('\\\r\n', end) ? 3 : 2;
      else if (text.startsWith(quote, end)) break;
      else end++;
    }
    this.push('string', at, end + quote.length);
  }
}
