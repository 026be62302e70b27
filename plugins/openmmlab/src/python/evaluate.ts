import { EngineError, nearest } from '@engine/core';
import { getAttribute, getElement } from './access.js';
import type { Argument, Clause, Expression, FormattedPart } from './ast.js';
import { BUILTINS } from './builtins.js';
import { PythonException, raise, uncaught } from './errors.js';
import { formatValue } from './format.js';
import { binary, compare, unary } from './operators.js';
import { Scope } from './scope.js';
import type { SourceText } from './source.js';
import { repr, str } from './text.js';
import {
  ELLIPSIS,
  iterate,
  listOf,
  PyBuiltin,
  PyDict,
  PyFunction,
  PyIterator,
  PyLazy,
  PyList,
  PySet,
  PySlice,
  PyTuple,
  PyType,
  truthy,
  typeName,
  type CallArguments,
  type Origin,
  type Value,
} from './values.js';

/** A config that takes more steps than this does not end. */
const MOST_STEPS = 2_000_000;

/** Evaluates expressions; a subclass executes statements and calls. */
export abstract class ExpressionEvaluator {
  private steps = 0;
  private here: { source: SourceText; at: number } | undefined;

  /** What `{{_base_.a.b}}` stands for. */
  protected abstract reference(path: readonly string[]): Value;
  protected abstract callFunction(callee: PyFunction, args: CallArguments): Value;
  protected abstract assign(target: Expression, value: Value, scope: Scope, origin?: Origin): void;

  /** Calls whatever can be called. */
  readonly call = (callee: Value, items: readonly Value[]): Value =>
    this.callWith(callee, { items, named: new Map() });

  /** Counts towards the limit that keeps an endless loop from hanging the process. */
  protected step(): void {
    if (++this.steps <= MOST_STEPS) return;
    throw new EngineError({
      code: 'E_PYCONFIG_LIMIT',
      what: `The Python config ${this.here?.source.file ?? ''} does not come to an end.`,
      received: `more than ${MOST_STEPS} steps`,
      expected: 'loops and recursions that end',
      exitCode: 2,
    });
  }

  /** Gives an exception the place of what was being evaluated. */
  protected located(error: unknown): unknown {
    if (error instanceof PythonException) error.place ??= this.here?.source.place(this.here.at);
    return error;
  }

  /** @throws the house error in place of an exception that nobody caught */
  protected failed(error: unknown, file: string): unknown {
    if (error instanceof RangeError) {
      return uncaught(new PythonException('RecursionError', 'the values are nested too deeply'), file);
    }
    return error instanceof PythonException ? uncaught(this.located(error) as PythonException, file) : error;
  }

  protected mark(scope: Scope, at: number): void {
    this.here = { source: scope.source, at };
  }

  protected origin(scope: Scope, at: number): Origin {
    const { file, line } = scope.source.place(at);
    return { file, line };
  }

  evaluate(node: Expression, scope: Scope): Value {
    switch (node.kind) {
      case 'constant':
        return node.value;
      case 'ellipsis':
        return ELLIPSIS;
      case 'joined':
        return this.joined(node.parts, scope);
      case 'reference':
        this.mark(scope, node.at);
        return this.reference(node.path);
      case 'name':
        return this.name(node.name, node.at, scope);
      case 'list':
        return new PyList(this.items(node.items, scope));
      case 'tuple':
        return new PyTuple(this.items(node.items, scope));
      case 'set':
        return this.placed(node.at, scope, this.items(node.items, scope), (items) => new PySet(items));
      case 'dict':
        return this.dict(node, scope);
      case 'comprehension':
        return this.comprehension(node, scope);
      case 'unary': {
        const operand = this.evaluate(node.operand, scope);
        return this.placed(node.at, scope, operand, (value) => unary(node.operator, value));
      }
      case 'binary': {
        const left = this.evaluate(node.left, scope);
        const right = this.evaluate(node.right, scope);
        return this.placed(node.at, scope, left, (value) => binary(node.operator, value, right));
      }
      case 'boolean':
        return this.boolean(node, scope);
      case 'compare':
        return this.comparison(node, scope);
      case 'conditional':
        return this.evaluate(truthy(this.evaluate(node.test, scope)) ? node.chosen : node.otherwise, scope);
      case 'lambda':
        return new PyFunction(
          '<lambda>',
          node.parameters,
          this.defaults(node.parameters, scope),
          node.body,
          scope,
        );
      case 'call':
        return this.callNode(node.callee, node.args, node.at, scope);
      case 'attribute': {
        const object = this.evaluate(node.object, scope);
        return this.placed(node.at, scope, object, (value) => getAttribute(value, node.name));
      }
      case 'subscript': {
        const object = this.evaluate(node.object, scope);
        const index = this.evaluate(node.index, scope);
        return this.placed(node.at, scope, object, (value) => getElement(value, index));
      }
      case 'slice': {
        const part = (value: Expression | undefined): Value => (value ? this.evaluate(value, scope) : null);
        return new PySlice(part(node.from), part(node.to), part(node.step));
      }
      case 'starred':
        this.mark(scope, node.at);
        return raise('SyntaxError', "can't use starred expression here");
      case 'named': {
        const value = this.evaluate(node.value, scope);
        scope.set(node.name, value);
        return value;
      }
    }
  }

  private placed<T>(at: number, scope: Scope, value: T, operation: (value: T) => Value): Value {
    this.mark(scope, at);
    return operation(value);
  }

  private name(name: string, at: number, scope: Scope): Value {
    const own = scope.get(name);
    const value = own === undefined ? BUILTINS.get(name) : own;
    if (value !== undefined) return value;
    this.mark(scope, at);
    const near = nearest(name, [...scope.known(), ...BUILTINS.keys()]);
    return raise('NameError', `name '${name}' is not defined`, near);
  }

  private joined(parts: readonly FormattedPart[], scope: Scope): string {
    let text = '';
    for (const part of parts) {
      if (typeof part === 'string') text += part;
      else {
        let value = this.evaluate(part.value, scope);
        if (part.conversion !== '') value = part.conversion === 's' ? str(value) : repr(value);
        const format = part.format ? this.joined(part.format, scope) : '';
        this.mark(scope, part.value.at);
        text += formatValue(value, format);
      }
    }
    return text;
  }

  private items(nodes: readonly Expression[], scope: Scope): Value[] {
    const items: Value[] = [];
    for (const node of nodes) {
      if (node.kind !== 'starred') items.push(this.evaluate(node, scope));
      else {
        const value = this.evaluate(node.value, scope);
        this.mark(scope, node.at);
        items.push(...listOf(value));
      }
    }
    return items;
  }

  private dict(node: Extract<Expression, { kind: 'dict' }>, scope: Scope): PyDict {
    const dict = new PyDict();
    for (const { at, key, value } of node.items) {
      if (key) {
        const name = this.evaluate(key, scope);
        const member = this.evaluate(value, scope);
        this.mark(scope, at);
        dict.set(name, member, this.origin(scope, at));
      } else {
        for (const entry of this.mapping(value, scope).items())
          dict.set(entry.key, entry.value, entry.origin);
      }
    }
    return dict;
  }

  private mapping(node: Expression, scope: Scope): PyDict {
    const value = this.evaluate(node, scope);
    this.mark(scope, node.at);
    return value instanceof PyDict
      ? value
      : raise('TypeError', `'${typeName(value)}' object is not a mapping`);
  }

  private boolean(node: Extract<Expression, { kind: 'boolean' }>, scope: Scope): Value {
    let value: Value = null;
    for (const item of node.items) {
      value = this.evaluate(item, scope);
      if (truthy(value) === (node.operator === 'or')) return value;
    }
    return value;
  }

  private comparison(node: Extract<Expression, { kind: 'compare' }>, scope: Scope): boolean {
    let left = this.evaluate(node.first, scope);
    for (const { operator, value } of node.rest) {
      const right = this.evaluate(value, scope);
      this.mark(scope, node.at);
      if (!compare(operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  private comprehension(node: Extract<Expression, { kind: 'comprehension' }>, scope: Scope): Value {
    const inner = new Scope(scope.source, new Map(), scope);
    // The first iterable belongs to the names outside.
    const first = this.evaluate(node.clauses[0]!.of, scope);
    if (node.of === 'dict') {
      const dict = new PyDict();
      for (const _ of this.clauses(node.clauses, 0, inner, first)) {
        const key = this.evaluate(node.key!, inner);
        dict.set(key, this.evaluate(node.value, inner), this.origin(scope, node.value.at));
      }
      return dict;
    }
    const values = this.generate(node, inner, first);
    if (node.of === 'generator') return new PyIterator('generator', values);
    return node.of === 'set' ? new PySet(values) : new PyList([...values]);
  }

  private *generate(
    node: Extract<Expression, { kind: 'comprehension' }>,
    scope: Scope,
    first: Value,
  ): Generator<Value> {
    for (const _ of this.clauses(node.clauses, 0, scope, first)) yield this.evaluate(node.value, scope);
  }

  private *clauses(clauses: readonly Clause[], index: number, scope: Scope, first?: Value): Generator<void> {
    const clause = clauses[index];
    if (!clause) {
      yield;
      return;
    }
    const source = first ?? this.evaluate(clause.of, scope);
    this.mark(scope, clause.of.at);
    for (const item of iterate(source)) {
      this.step();
      this.assign(clause.target, item, scope);
      if (clause.conditions.every((test) => truthy(this.evaluate(test, scope)))) {
        yield* this.clauses(clauses, index + 1, scope);
      }
    }
  }

  private callNode(node: Expression, given: readonly Argument[], at: number, scope: Scope): Value {
    const callee = this.evaluate(node, scope);
    const items: Value[] = [];
    const named = new Map<string, Value>();
    const origins = new Map<string, Origin>();
    for (const arg of given) {
      if (arg.how === 'mapping') {
        for (const { key, value, origin } of this.mapping(arg.value, scope).items()) {
          if (typeof key !== 'string') raise('TypeError', 'keywords must be strings');
          if (named.has(key)) raise('TypeError', `got multiple values for keyword argument '${key}'`);
          named.set(key, value);
          if (origin) origins.set(key, origin);
        }
        continue;
      }
      const value = this.evaluate(arg.value, scope);
      this.mark(scope, arg.at);
      if (arg.how === 'list') items.push(...listOf(value));
      else if (arg.how === 'plain') items.push(value);
      else {
        if (named.has(arg.name!))
          raise('TypeError', `got multiple values for keyword argument '${arg.name!}'`);
        named.set(arg.name!, value);
        origins.set(arg.name!, this.origin(scope, arg.at));
      }
    }
    this.mark(scope, at);
    return this.callWith(callee, { items, named, origins });
  }

  protected callWith(callee: Value, args: CallArguments): Value {
    this.step();
    if (callee instanceof PyBuiltin || callee instanceof PyType) return callee.call(args, this.call);
    if (callee instanceof PyFunction) return this.callFunction(callee, args);
    if (callee instanceof PyLazy) {
      return raise(
        'RuntimeError',
        `${callee.path} would have to be executed; a config names it instead: dict(type=${callee.name ?? callee.module}, …)`,
      );
    }
    return raise('TypeError', `'${typeName(callee)}' object is not callable`);
  }

  protected defaults(
    parameters: readonly { name: string; otherwise: Expression | undefined }[],
    scope: Scope,
  ): Map<string, Value> {
    const found = new Map<string, Value>();
    for (const { name, otherwise } of parameters)
      if (otherwise) found.set(name, this.evaluate(otherwise, scope));
    return found;
  }
}
