import type { Argument, Clause, DictItem, Expression, Parameter } from './ast.js';
import { TokenCursor } from './cursor.js';
import { syntaxError } from './errors.js';
import { parseString } from './parse-string.js';
import type { SourceText } from './source.js';
import { tokenize } from './tokens.js';

/** Operators of two operands by how tightly they bind. */
const BINDING: Readonly<Record<string, number>> = {
  '|': 1,
  '^': 2,
  '&': 3,
  '<<': 4,
  '>>': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '//': 6,
  '%': 6,
  '@': 6,
};

const COMPARISONS = new Set(['<', '>', '<=', '>=', '==', '!=']);

/** Python's grammar of expressions. */
export class ExpressionParser extends TokenCursor {
  /** A parser of an expression that stands alone, however far it is indented. */
  static inside(source: SourceText): ExpressionParser {
    const tokens = tokenize(source).filter(({ kind }) => kind !== 'indent' && kind !== 'dedent');
    return new ExpressionParser(source, tokens);
  }

  /** One value, or several with commas between them as a tuple; `*values` may be among them. */
  expressionList(): Expression {
    const { at } = this;
    const first = this.starOr(() => this.named());
    if (!this.is(',')) return first;
    const items = [first];
    while (this.take(',') && this.startsExpression()) items.push(this.starOr(() => this.named()));
    return { kind: 'tuple', at, items };
  }

  /** What stands before `in` or is assigned to, in a place where a comparison would end it. */
  targetList(): Expression {
    const { at } = this;
    const one = (): Expression => this.starOr(() => this.binary(1));
    const first = one();
    if (!this.is(',')) return this.checkTarget(first);
    const items = [first];
    while (this.take(',') && this.startsExpression()) items.push(one());
    return this.checkTarget({ kind: 'tuple', at, items });
  }

  /** @throws E_PYCONFIG_SYNTAX for what cannot be assigned to */
  checkTarget(target: Expression): Expression {
    if (target.kind === 'tuple' || target.kind === 'list')
      target.items.forEach((item) => this.checkTarget(item));
    else if (target.kind === 'starred') this.checkTarget(target.value);
    else if (target.kind !== 'name' && target.kind !== 'attribute' && target.kind !== 'subscript') {
      throw syntaxError(
        this.source,
        target.at,
        'something that cannot be assigned to',
        'a name, x.name, x[key] or a tuple of them',
      );
    }
    return target;
  }

  expression(): Expression {
    return this.nested(() => {
      const { at } = this;
      if (this.is('lambda')) return this.lambda();
      const chosen = this.either();
      if (!this.take('if')) return chosen;
      const test = this.either();
      this.expect('else');
      return { kind: 'conditional', at, test, chosen, otherwise: this.expression() };
    });
  }

  /** A parameter list up to, and not including, `end`. */
  parameters(end: string, annotated: boolean): Parameter[] {
    const found: Parameter[] = [];
    let named = false;
    while (!this.is(end)) {
      if (this.take('/')) {
        // Parameters before it cannot be given by name, which no caller in a config minds.
      } else if (this.is('*') && this.ahead().text === ',') {
        this.next();
        named = true;
      } else {
        const how = this.take('**') ? 'mapping' : this.take('*') ? 'list' : 'plain';
        const name = this.name();
        if (annotated && this.take(':')) this.expression();
        const otherwise = how === 'plain' && this.take('=') ? this.expression() : undefined;
        found.push({ name, how, named, otherwise });
        named ||= how === 'list';
      }
      if (!this.take(',')) break;
    }
    return found;
  }

  private starOr(rule: () => Expression): Expression {
    const { at } = this;
    return this.take('*') ? { kind: 'starred', at, value: this.binary(1) } : rule();
  }

  private startsExpression(): boolean {
    const { kind, text } = this.token;
    if (kind === 'operator') return ['(', '[', '{', '-', '+', '~', '*', '...'].includes(text);
    if (kind === 'keyword')
      return ['None', 'True', 'False', 'not', 'lambda', 'await', 'yield'].includes(text);
    return kind === 'name' || kind === 'number' || kind === 'string' || kind === 'reference';
  }

  private named(): Expression {
    const { at } = this;
    if (this.token.kind === 'name' && this.ahead().text === ':=') {
      const name = this.name();
      this.expect(':=');
      return { kind: 'named', at, name, value: this.expression() };
    }
    return this.expression();
  }

  private lambda(): Expression {
    const { at } = this.expect('lambda');
    const parameters = this.parameters(':', false);
    this.expect(':');
    return { kind: 'lambda', at, parameters, body: this.expression() };
  }

  private either(): Expression {
    const { at } = this;
    const items = [this.both()];
    while (this.take('or')) items.push(this.both());
    return items.length === 1 ? items[0]! : { kind: 'boolean', at, operator: 'or', items };
  }

  private both(): Expression {
    const { at } = this;
    const items = [this.inversion()];
    while (this.take('and')) items.push(this.inversion());
    return items.length === 1 ? items[0]! : { kind: 'boolean', at, operator: 'and', items };
  }

  private inversion(): Expression {
    const { at } = this;
    if (!this.take('not')) return this.comparison();
    return { kind: 'unary', at, operator: 'not', operand: this.nested(() => this.inversion()) };
  }

  private comparison(): Expression {
    const { at } = this;
    const first = this.binary(1);
    const rest: { operator: string; value: Expression }[] = [];
    for (let operator = this.comparator(); operator; operator = this.comparator()) {
      rest.push({ operator, value: this.binary(1) });
    }
    return rest.length === 0 ? first : { kind: 'compare', at, first, rest };
  }

  private comparator(): string | undefined {
    if (COMPARISONS.has(this.token.text) && this.token.kind === 'operator') return this.next().text;
    if (this.take('in')) return 'in';
    if (this.take('is')) return this.take('not') ? 'is not' : 'is';
    if (!this.is('not') || this.ahead().text !== 'in') return undefined;
    this.next();
    this.next();
    return 'not in';
  }

  private binary(level: number): Expression {
    const { at } = this;
    let left = this.unary();
    for (;;) {
      const { kind, text: operator } = this.token;
      const binding = kind === 'operator' ? BINDING[operator] : undefined;
      if (binding === undefined || binding < level) return left;
      this.next();
      left = { kind: 'binary', at, operator, left, right: this.binary(binding + 1) };
    }
  }

  private unary(): Expression {
    return this.nested(() => {
      const { at, token } = this;
      if (token.kind === 'operator' && ['-', '+', '~'].includes(token.text)) {
        this.next();
        return { kind: 'unary', at, operator: token.text, operand: this.unary() };
      }
      const left = this.postfix();
      if (!this.take('**')) return left;
      return { kind: 'binary', at, operator: '**', left, right: this.unary() };
    });
  }

  private postfix(): Expression {
    let value = this.atom();
    for (;;) {
      const { at } = this;
      if (this.take('.')) value = { kind: 'attribute', at: this.at, object: value, name: this.name() };
      else if (this.take('(')) value = { kind: 'call', at: value.at, callee: value, args: this.args() };
      else if (this.take('[')) {
        value = { kind: 'subscript', at, object: value, index: this.index1() };
        this.expect(']');
      } else return value;
    }
  }

  private args(): Argument[] {
    const args: Argument[] = [];
    while (!this.is(')')) {
      const { at } = this;
      if (this.take('**')) args.push({ at, how: 'mapping', value: this.expression() });
      else if (this.take('*')) args.push({ at, how: 'list', value: this.expression() });
      else if (this.token.kind === 'name' && this.ahead().text === '=') {
        const name = this.name();
        this.expect('=');
        if (args.some((other) => other.name === name)) {
          throw syntaxError(this.source, at, `the argument '${name}' is given twice`);
        }
        args.push({ at, how: 'named', name, value: this.expression() });
      } else {
        const value = this.named();
        if (this.is('for')) {
          args.push({ at, how: 'plain', value: this.comprehension(at, 'generator', undefined, value) });
        } else args.push({ at, how: 'plain', value });
      }
      if (!this.take(',')) break;
    }
    this.expect(')');
    return args;
  }

  private index1(): Expression {
    const { at } = this;
    const first = this.sliceOrValue();
    if (!this.is(',')) return first;
    const items = [first];
    while (this.take(',') && !this.is(']')) items.push(this.sliceOrValue());
    return { kind: 'tuple', at, items };
  }

  private sliceOrValue(): Expression {
    const { at } = this;
    const part = (): Expression | undefined =>
      this.is(':') || this.is(']') || this.is(',') ? undefined : this.expression();
    const from = this.is(':') ? undefined : this.named();
    if (!this.take(':')) return from!;
    const to = part();
    const step = this.take(':') ? part() : undefined;
    return { kind: 'slice', at, ...(from && { from }), ...(to && { to }), ...(step && { step }) };
  }

  private atom(): Expression {
    const { at, token } = this;
    if (token.kind === 'name') return { kind: 'name', at, name: this.next().text };
    if (token.kind === 'number') return { kind: 'constant', at, value: numberOf(this.next().text) };
    if (token.kind === 'string') return parseString(this, (source) => ExpressionParser.inside(source));
    if (token.kind === 'reference') {
      const path = this.next().text.slice(2, -2).trim().split('.').slice(1);
      return { kind: 'reference', at, path };
    }
    if (this.take('None')) return { kind: 'constant', at, value: null };
    if (this.take('True')) return { kind: 'constant', at, value: true };
    if (this.take('False')) return { kind: 'constant', at, value: false };
    if (this.take('...')) return { kind: 'ellipsis', at };
    if (this.take('(')) return this.parenthesised(at);
    if (this.take('[')) return this.listOrSet(at, 'list', ']');
    if (this.take('{')) return this.braces(at);
    if (token.text === 'await' || token.text === 'yield')
      throw this.unsupported(`'${token.text}'`, 'a value');
    throw this.unexpected('a value');
  }

  private parenthesised(at: number): Expression {
    if (this.take(')')) return { kind: 'tuple', at, items: [] };
    const first = this.starOr(() => this.named());
    if (this.is('for')) {
      const generator = this.comprehension(at, 'generator', undefined, first);
      this.expect(')');
      return generator;
    }
    if (this.take(')')) {
      if (first.kind === 'starred') throw syntaxError(this.source, at, 'a starred value in parentheses');
      return first;
    }
    const items = [first];
    while (this.take(',') && !this.is(')')) items.push(this.starOr(() => this.named()));
    this.expect(')');
    return { kind: 'tuple', at, items };
  }

  private listOrSet(at: number, kind: 'list' | 'set', end: string, before?: Expression): Expression {
    const items: Expression[] = before ? [before] : [];
    if (before === undefined && !this.is(end)) items.push(this.starOr(() => this.named()));
    if (this.is('for')) {
      const found = this.comprehension(at, kind, undefined, items[0]!);
      this.expect(end);
      return found;
    }
    while (this.take(',') && !this.is(end)) items.push(this.starOr(() => this.named()));
    this.expect(end);
    return { kind, at, items };
  }

  private braces(at: number): Expression {
    if (this.take('}')) return { kind: 'dict', at, items: [] };
    const items: DictItem[] = [];
    if (!this.is('**')) {
      const first = this.starOr(() => this.named());
      if (!this.take(':')) return this.listOrSet(at, 'set', '}', first);
      const value = this.expression();
      if (this.is('for')) {
        const found = this.comprehension(at, 'dict', first, value);
        this.expect('}');
        return found;
      }
      items.push({ at: first.at, key: first, value });
      if (!this.take(',')) {
        this.expect('}');
        return { kind: 'dict', at, items };
      }
    }
    while (!this.is('}')) {
      const { at: start } = this;
      if (this.take('**')) items.push({ at: start, key: undefined, value: this.binary(1) });
      else {
        const key = this.expression();
        this.expect(':');
        items.push({ at: start, key, value: this.expression() });
      }
      if (!this.take(',')) break;
    }
    this.expect('}');
    return { kind: 'dict', at, items };
  }

  private comprehension(
    at: number,
    of: 'list' | 'set' | 'dict' | 'generator',
    key: Expression | undefined,
    value: Expression,
  ): Expression {
    if (value.kind === 'starred')
      throw syntaxError(this.source, value.at, 'a starred value in a comprehension');
    const clauses: Clause[] = [];
    while (this.take('for')) {
      const target = this.targetList();
      this.expect('in');
      const source = this.either();
      const conditions: Expression[] = [];
      while (this.take('if')) conditions.push(this.either());
      clauses.push({ target, of: source, conditions });
    }
    return { kind: 'comprehension', at, of, key, value, clauses };
  }
}

function numberOf(text: string): bigint | number {
  const plain = text.replaceAll('_', '');
  return /^0[xXoObB]/.test(plain) || /^\d+$/.test(plain) ? BigInt(plain) : Number(plain);
}
