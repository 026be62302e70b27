import { syntaxError, unsupported } from './errors.js';
import type { EngineError } from '@engine/core';
import type { SourceText } from './source.js';
import { tokenize, type Token, type TokenKind } from './tokens.js';

/** Nesting beyond this is no config; it would overflow the stack. */
const DEEPEST = 150;

/** A place in a row of tokens, and what a parser asks of it. */
export class TokenCursor {
  private readonly tokens: readonly Token[];
  private index = 0;
  private depth = 0;

  /** @param offset where `source.text` starts in the file, for text taken from within one */
  constructor(
    readonly source: SourceText,
    tokens: readonly Token[] = tokenize(source),
  ) {
    this.tokens = tokens;
  }

  get token(): Token {
    return this.tokens[this.index]!;
  }

  get at(): number {
    return this.token.at;
  }

  ahead(count = 1): Token {
    return this.tokens[Math.min(this.index + count, this.tokens.length - 1)]!;
  }

  next(): Token {
    const { token } = this;
    if (this.index < this.tokens.length - 1) this.index++;
    return token;
  }

  /** Whether the next token is this operator or keyword. */
  is(text: string): boolean {
    const { kind, text: own } = this.token;
    return own === text && (kind === 'operator' || kind === 'keyword');
  }

  isKind(kind: TokenKind): boolean {
    return this.token.kind === kind;
  }

  /** Steps over this operator or keyword if it is next. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.index++;
    return true;
  }

  expect(text: string): Token {
    if (!this.is(text)) throw this.unexpected(`'${text}'`);
    return this.next();
  }

  name(): string {
    if (this.token.kind !== 'name') throw this.unexpected('a name');
    return this.next().text;
  }

  unexpected(expected: string): EngineError {
    const { kind, text, at } = this.token;
    const received =
      kind === 'end'
        ? 'the end of the file'
        : kind === 'newline'
          ? 'the end of the line'
          : `'${text.trim()}'`;
    const blank = kind === 'indent' || kind === 'dedent';
    return syntaxError(this.source, at, blank ? 'a change of indentation' : received, expected);
  }

  unsupported(received: string, expected: string): EngineError {
    return unsupported(this.source, this.at, received, expected);
  }

  /** Runs one level of a recursive rule. */
  nested<T>(rule: () => T): T {
    if (this.depth >= DEEPEST) {
      throw syntaxError(this.source, this.at, 'too much nesting', `at most ${DEEPEST} levels`);
    }
    this.depth++;
    try {
      return rule();
    } finally {
      this.depth--;
    }
  }
}
