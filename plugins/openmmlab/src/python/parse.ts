import type { Block, Expression, ImportedName, Statement } from './ast.js';
import { syntaxError } from './errors.js';
import { ExpressionParser } from './parse-expression.js';
import type { SourceText } from './source.js';

const AUGMENTED = /^(?:\*\*|\/\/|>>|<<|[-+*/%&|^@])=$/;

/**
 * Parses the part of Python that config files are written in.
 * @throws E_PYCONFIG_SYNTAX for what is no Python; E_PYCONFIG_UNSUPPORTED for classes, coroutines and their like
 */
export function parsePython(source: SourceText): Block {
  return new StatementParser(source).file();
}

class StatementParser extends ExpressionParser {
  file(): Block {
    const body: Statement[] = [];
    while (this.token.kind !== 'end') body.push(...this.statement());
    return body;
  }

  private block(): Block {
    this.expect(':');
    if (this.token.kind !== 'newline') return this.line();
    this.next();
    if (!this.isKind('indent')) throw this.unexpected('an indented block');
    this.next();
    const body: Statement[] = [];
    while (!this.isKind('dedent') && !this.isKind('end')) {
      body.push(...this.nested(() => this.statement()));
    }
    this.next();
    return body;
  }

  private statement(): Statement[] {
    const { at, token } = this;
    if (token.kind === 'keyword') {
      if (this.take('if')) return [this.branch(at)];
      if (this.take('while')) {
        const test = this.expression();
        return [{ kind: 'while', at, test, body: this.block(), otherwise: this.elseBlock() }];
      }
      if (this.take('for')) return [this.loop(at)];
      if (this.take('try')) return [this.attempt(at)];
      if (this.take('with')) return [this.context(at)];
      if (this.take('def')) return [this.definition(at)];
      if (token.text === 'class')
        throw this.unsupported('a class', 'dict(type=…) naming a class that exists');
      if (token.text === 'async') throw this.unsupported("'async'", 'plain assignments');
    }
    if (token.text === '@') throw this.unsupported('a decorator', 'a plain function, or none');
    return this.line();
  }

  /** Simple statements up to the end of the line. */
  private line(): Statement[] {
    const found: Statement[] = [this.simple()];
    while (this.take(';')) if (this.token.kind !== 'newline') found.push(this.simple());
    if (this.token.kind !== 'newline') throw this.unexpected('the end of the statement');
    this.next();
    return found;
  }

  private simple(): Statement {
    const { at, token } = this;
    if (token.kind === 'keyword') {
      if (this.take('pass')) return { kind: 'pass', at };
      if (this.take('break')) return { kind: 'break', at };
      if (this.take('continue')) return { kind: 'continue', at };
      if (this.take('import')) return { kind: 'import', at, names: this.importedNames(true) };
      if (this.take('from')) return this.importFrom(at);
      if (this.take('return')) {
        return { kind: 'return', at, value: this.ends() ? undefined : this.expressionList() };
      }
      if (this.take('raise')) {
        const value = this.ends() ? undefined : this.expression();
        if (this.take('from')) this.expression();
        return { kind: 'raise', at, value };
      }
      if (this.take('assert')) {
        const test = this.expression();
        return { kind: 'assert', at, test, message: this.take(',') ? this.expression() : undefined };
      }
      if (this.take('del')) {
        const list = this.targetList();
        return { kind: 'delete', at, targets: list.kind === 'tuple' ? list.items : [list] };
      }
      if (this.take('global') || this.take('nonlocal')) {
        if (token.text === 'nonlocal') throw this.unsupported("'nonlocal'", 'a value that is returned');
        const names = [this.name()];
        while (this.take(',')) names.push(this.name());
        return { kind: 'global', at, names };
      }
    }
    return this.assignment(at);
  }

  private ends(): boolean {
    return this.token.kind === 'newline' || this.is(';');
  }

  private assignment(at: number): Statement {
    const first = this.expressionList();
    const operator = this.token.kind === 'operator' ? this.token.text : '';
    if (AUGMENTED.test(operator)) {
      if (first.kind === 'tuple' || first.kind === 'list') throw this.unexpected("'='");
      this.next();
      const target = this.checkTarget(first);
      return { kind: 'augment', at, target, operator: operator.slice(0, -1), value: this.expressionList() };
    }
    if (this.take(':')) {
      this.checkTarget(first);
      this.expression();
      const value = this.take('=') ? this.expressionList() : undefined;
      return { kind: 'annotate', at, target: first, value };
    }
    if (!this.is('=')) return { kind: 'expression', at, value: first };
    const targets: Expression[] = [];
    let value = first;
    while (this.take('=')) {
      targets.push(this.checkTarget(value));
      value = this.expressionList();
    }
    return { kind: 'assign', at, targets, value };
  }

  private branch(at: number): Statement {
    const test = this.namedTest();
    const body = this.block();
    const { at: next } = this;
    if (this.take('elif'))
      return { kind: 'if', at, test, body, otherwise: [this.nested(() => this.branch(next))] };
    return { kind: 'if', at, test, body, otherwise: this.elseBlock() };
  }

  private namedTest(): Expression {
    const test = this.expressionList();
    if (test.kind === 'tuple' && this.source.text[test.at] !== '(') throw this.unexpected("':'");
    return test;
  }

  private elseBlock(): Block {
    return this.take('else') ? this.block() : [];
  }

  private loop(at: number): Statement {
    const target = this.targetList();
    this.expect('in');
    const of = this.expressionList();
    return { kind: 'for', at, target, of, body: this.block(), otherwise: this.elseBlock() };
  }

  private attempt(at: number): Statement {
    const body = this.block();
    const handlers: Extract<Statement, { kind: 'try' }>['handlers'][number][] = [];
    for (;;) {
      const { at: start } = this;
      if (!this.take('except')) break;
      const types = this.is(':') ? undefined : this.expression();
      const name = this.take('as') ? this.name() : undefined;
      handlers.push({ at: start, types, name, body: this.block() });
    }
    const otherwise = this.elseBlock();
    const last = this.take('finally') ? this.block() : [];
    if (handlers.length === 0 && last.length === 0) throw this.unexpected("'except' or 'finally'");
    return { kind: 'try', at, body, handlers, otherwise, finally: last };
  }

  private context(at: number): Statement {
    const context = this.expression();
    if (this.is('as') || this.is(',')) throw this.unsupported('this with statement', 'with read_base():');
    return { kind: 'with', at, context, body: this.block() };
  }

  private definition(at: number): Statement {
    const name = this.name();
    this.expect('(');
    const parameters = this.parameters(')', true);
    this.expect(')');
    if (this.take('->')) this.expression();
    return { kind: 'function', at, name, parameters, body: this.block() };
  }

  private importedNames(dotted: boolean): ImportedName[] {
    const names: ImportedName[] = [];
    do {
      const { at } = this;
      let name = this.name();
      while (dotted && this.take('.')) name += `.${this.name()}`;
      names.push({ at, name, as: this.take('as') ? this.name() : undefined });
    } while (this.take(',') && this.token.kind === 'name');
    return names;
  }

  private importFrom(at: number): Statement {
    let level = 0;
    while (this.is('.') || this.is('...')) level += this.next().text.length;
    let module = '';
    if (this.token.kind === 'name') {
      module = this.name();
      while (this.take('.')) module += `.${this.name()}`;
    }
    if (level === 0 && module === '') throw this.unexpected('the name of a module');
    this.expect('import');
    const { at: start } = this;
    if (this.take('*'))
      return { kind: 'from', at, level, module, names: [{ at: start, name: '*', as: undefined }] };
    const bracket = this.take('(');
    const names = this.importedNames(false);
    if (bracket) this.expect(')');
    if (names.length === 0) throw syntaxError(this.source, start, 'an import of nothing');
    return { kind: 'from', at, level, module, names };
  }
}
