import { deleteAttribute, deleteElement, setAttribute, setElement } from './access.js';
import type { Block, Expression, Statement } from './ast.js';
import { isException, PythonException, raise, unsupported } from './errors.js';
import { ExpressionEvaluator } from './evaluate.js';
import { binary } from './operators.js';
import { Scope } from './scope.js';
import { isExceptionName, str } from './text.js';
import {
  iterate,
  listOf,
  PyDict,
  PyFunction,
  PyList,
  PySet,
  PyTuple,
  PyType,
  truthy,
  typeName,
  type CallArguments,
  type Origin,
  type Value,
} from './values.js';

/** How imports and base references of a config are answered. */
export interface Surroundings {
  /** The names that an `import` statement brings in. */
  import(statement: Extract<Statement, { kind: 'import' | 'from' }>, scope: Scope): Iterable<[string, Value]>;
  /** What `{{_base_.a.b}}` stands for. */
  reference(path: readonly string[]): Value;
}

type Signal = undefined | 'break' | 'continue' | { value: Value };

const DEEPEST_CALL = 100;

/** Executes the statements of a config file. Nothing outside of the values it makes is touched. */
export class Interpreter extends ExpressionEvaluator {
  private depth = 0;
  private readonly handled: PythonException[] = [];

  constructor(private readonly surroundings: Surroundings) {
    super();
  }

  /**
   * Runs a whole file; its names are left in `scope`.
   * @throws E_PYCONFIG_EVALUATION, E_PYCONFIG_UNSUPPORTED, E_PYCONFIG_LIMIT
   */
  run(body: Block, scope: Scope): void {
    try {
      this.block(body, scope);
    } catch (error) {
      throw this.failed(error, scope.source.file);
    }
  }

  protected reference(path: readonly string[]): Value {
    return this.surroundings.reference(path);
  }

  private block(body: Block, scope: Scope): Signal {
    for (const statement of body) {
      const signal = this.execute(statement, scope);
      if (signal !== undefined) return signal;
    }
    return undefined;
  }

  private execute(statement: Statement, scope: Scope): Signal {
    this.step();
    switch (statement.kind) {
      case 'expression':
        this.evaluate(statement.value, scope);
        return;
      case 'assign': {
        const value = this.evaluate(statement.value, scope);
        const origin = this.origin(scope, statement.at);
        for (const target of statement.targets) this.assign(target, value, scope, origin);
        return;
      }
      case 'annotate':
        if (statement.value) this.assign(statement.target, this.evaluate(statement.value, scope), scope);
        return;
      case 'augment':
        return this.augment(statement, scope);
      case 'delete':
        for (const target of statement.targets) this.delete(target, scope);
        return;
      case 'pass':
        return;
      case 'break':
      case 'continue':
        return statement.kind;
      case 'if':
        return this.block(
          truthy(this.evaluate(statement.test, scope)) ? statement.body : statement.otherwise,
          scope,
        );
      case 'while':
      case 'for':
        return this.loop(statement, scope);
      case 'try':
        return this.attempt(statement, scope);
      case 'with':
        return this.context(statement, scope);
      case 'import':
      case 'from':
        this.mark(scope, statement.at);
        for (const [name, value] of this.surroundings.import(statement, scope)) scope.set(name, value);
        return;
      case 'function': {
        const defaults = this.defaults(statement.parameters, scope);
        scope.set(
          statement.name,
          new PyFunction(statement.name, statement.parameters, defaults, statement.body, scope),
        );
        return;
      }
      case 'return':
        return { value: statement.value ? this.evaluate(statement.value, scope) : null };
      case 'raise':
        return this.throw(statement, scope);
      case 'assert': {
        if (truthy(this.evaluate(statement.test, scope))) return;
        const message = statement.message ? str(this.evaluate(statement.message, scope)) : '';
        this.mark(scope, statement.at);
        return raise('AssertionError', message);
      }
      case 'global':
        for (const name of statement.names) scope.shared.add(name);
        return;
    }
  }

  protected assign(target: Expression, value: Value, scope: Scope, origin?: Origin): void {
    switch (target.kind) {
      case 'name':
        scope.set(target.name, value, origin);
        return;
      case 'attribute': {
        const object = this.evaluate(target.object, scope);
        this.mark(scope, target.at);
        setAttribute(object, target.name, value);
        return;
      }
      case 'subscript': {
        const object = this.evaluate(target.object, scope);
        const index = this.evaluate(target.index, scope);
        this.mark(scope, target.at);
        setElement(object, index, value, origin);
        return;
      }
      case 'tuple':
      case 'list':
        this.unpack(target, value, scope);
        return;
      default:
        throw unsupported(scope.source, target.at, 'an assignment to this', 'a name, x.name or x[key]');
    }
  }

  private unpack(
    target: Extract<Expression, { kind: 'tuple' | 'list' | 'set' }>,
    value: Value,
    scope: Scope,
  ): void {
    this.mark(scope, target.at);
    const values = listOf(value);
    const { items } = target;
    const star = items.findIndex((item) => item.kind === 'starred');
    const fits = star < 0 ? values.length === items.length : values.length >= items.length - 1;
    if (!fits) {
      const few = values.length < items.length;
      const needed = star < 0 ? String(items.length) : `at least ${items.length - 1}`;
      raise('ValueError', `${few ? 'not enough' : 'too many'} values to unpack (expected ${needed})`);
    }
    items.forEach((item, i) => {
      if (item.kind !== 'starred') {
        this.assign(
          item,
          star >= 0 && i > star ? values[values.length - items.length + i]! : values[i]!,
          scope,
        );
        return;
      }
      const rest = values.slice(star, values.length - (items.length - 1 - star));
      this.assign(item.value, new PyList(rest), scope);
    });
  }

  private augment(statement: Extract<Statement, { kind: 'augment' }>, scope: Scope): undefined {
    const { target, operator } = statement;
    const before = this.evaluate(target, scope);
    const value = this.evaluate(statement.value, scope);
    this.mark(scope, statement.at);
    const origin = this.origin(scope, statement.at);
    if (before instanceof PyList && operator === '+') {
      before.items.push(...listOf(value));
      this.assign(target, before, scope, origin);
    } else if (before instanceof PyDict && operator === '|') {
      for (const { key, value: member, origin: from } of this.pairs(value)) before.set(key, member, from);
      this.assign(target, before, scope, origin);
    } else if (before instanceof PySet && operator === '|' && value instanceof PySet && !before.frozen) {
      for (const item of value.items()) before.add(item);
    } else this.assign(target, binary(operator, before, value), scope, origin);
    return undefined;
  }

  private pairs(value: Value): ReturnType<PyDict['items']> {
    return value instanceof PyDict
      ? value.items()
      : raise('TypeError', `'${typeName(value)}' object is not a mapping`);
  }

  private delete(target: Expression, scope: Scope): void {
    if (target.kind === 'tuple' || target.kind === 'list') {
      for (const item of target.items) this.delete(item, scope);
    } else if (target.kind === 'name') {
      this.mark(scope, target.at);
      if (!scope.delete(target.name)) raise('NameError', `name '${target.name}' is not defined`);
    } else if (target.kind === 'attribute') {
      const object = this.evaluate(target.object, scope);
      this.mark(scope, target.at);
      deleteAttribute(object, target.name);
    } else if (target.kind === 'subscript') {
      const object = this.evaluate(target.object, scope);
      const index = this.evaluate(target.index, scope);
      this.mark(scope, target.at);
      deleteElement(object, index);
    }
  }

  private loop(statement: Extract<Statement, { kind: 'while' | 'for' }>, scope: Scope): Signal {
    const { body } = statement;
    const rounds =
      statement.kind === 'for' ? this.rounds(statement, scope) : this.while(statement.test, scope);
    for (const _ of rounds) {
      this.step();
      const signal = this.block(body, scope);
      if (signal === 'break') return undefined;
      if (typeof signal === 'object') return signal;
    }
    return this.block(statement.otherwise, scope);
  }

  private *while(test: Expression, scope: Scope): Generator<void> {
    while (truthy(this.evaluate(test, scope))) yield;
  }

  private *rounds(statement: Extract<Statement, { kind: 'for' }>, scope: Scope): Generator<void> {
    const source = this.evaluate(statement.of, scope);
    this.mark(scope, statement.of.at);
    for (const item of iterate(source)) {
      this.assign(statement.target, item, scope);
      yield;
    }
  }

  private attempt(statement: Extract<Statement, { kind: 'try' }>, scope: Scope): Signal {
    let signal: Signal;
    try {
      try {
        signal = this.block(statement.body, scope) ?? this.block(statement.otherwise, scope);
      } catch (error) {
        if (!(error instanceof PythonException)) throw error;
        this.located(error);
        const handler = statement.handlers.find(
          ({ types }) => types === undefined || this.catches(types, error, scope),
        );
        if (!handler) throw error;
        if (handler.name !== undefined) scope.set(handler.name, error.message);
        this.handled.push(error);
        signal = this.block(handler.body, scope);
        this.handled.pop();
        if (handler.name !== undefined) scope.delete(handler.name);
      }
    } finally {
      const last = this.block(statement.finally, scope);
      if (last !== undefined) signal = last;
    }
    return signal;
  }

  private catches(types: Expression, error: PythonException, scope: Scope): boolean {
    const named = this.evaluate(types, scope);
    const list = named instanceof PyTuple ? named.items : [named];
    return list.some((type) => type instanceof PyType && isException(error.type, type.name));
  }

  private throw(statement: Extract<Statement, { kind: 'raise' }>, scope: Scope): never {
    if (!statement.value) {
      const last = this.handled.at(-1);
      if (last) throw last;
      return raise('RuntimeError', 'No active exception to reraise');
    }
    const value = this.evaluate(statement.value, scope);
    this.mark(scope, statement.at);
    if (value instanceof PyType && isExceptionName(value.name)) return raise(value.name, '');
    const [name, ...rest] = value instanceof PyTuple ? value.items : [];
    if (typeof name === 'string' && isExceptionName(name)) return raise(name, rest.map(str).join(', '));
    return raise('TypeError', 'exceptions must derive from BaseException');
  }

  /** `with read_base():` only marks imports of base configs. */
  private context(statement: Extract<Statement, { kind: 'with' }>, scope: Scope): Signal {
    const { context } = statement;
    if (context.kind === 'call' && context.callee.kind === 'name' && context.callee.name === 'read_base') {
      return this.block(statement.body, scope);
    }
    throw unsupported(scope.source, statement.at, 'a with statement', 'with read_base():');
  }

  protected callFunction(callee: PyFunction, args: CallArguments): Value {
    if (this.depth >= DEEPEST_CALL) raise('RecursionError', 'maximum recursion depth exceeded');
    const outer = callee.scope as Scope;
    const scope = new Scope(outer.source, bind(callee, args), outer);
    this.depth++;
    try {
      if ('kind' in callee.body) return this.evaluate(callee.body, scope);
      const signal = this.block(callee.body, scope);
      return typeof signal === 'object' ? signal.value : null;
    } finally {
      this.depth--;
    }
  }
}

function bind(callee: PyFunction, { items, named, origins }: CallArguments): Map<string, Value> {
  const names = new Map<string, Value>();
  const rest = new Map(named);
  let next = 0;
  for (const { name, how, named: byName } of callee.parameters) {
    if (how === 'list') names.set(name, new PyTuple(items.slice(next)));
    else if (how === 'mapping') {
      const dict = new PyDict();
      for (const [key, value] of rest) dict.set(key, value, origins?.get(key));
      names.set(name, dict);
      rest.clear();
    } else if (!byName && next < items.length) {
      if (rest.has(name)) raise('TypeError', `${callee.name}() got multiple values for argument '${name}'`);
      names.set(name, items[next++]!);
    } else {
      const value = (rest.has(name) ? rest : callee.defaults).get(name);
      if (value === undefined) raise('TypeError', `${callee.name}() missing the argument '${name}'`);
      names.set(name, value);
      rest.delete(name);
    }
    if (how === 'list') next = items.length;
  }
  const [extra] = rest.keys();
  if (extra !== undefined)
    raise('TypeError', `${callee.name}() got an unexpected keyword argument '${extra}'`);
  if (next < items.length) {
    raise('TypeError', `${callee.name}() takes ${next} positional arguments but ${items.length} were given`);
  }
  return names;
}
