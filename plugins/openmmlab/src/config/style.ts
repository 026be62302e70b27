import { EngineError } from '@engine/core';
import type { Block, Statement } from '../python/ast.js';
import { unsupported } from '../python/errors.js';
import type { SourceText } from '../python/source.js';
import { isStandardModule } from '../python/standard-library.js';

/** The two ways MMEngine knows to write a config in Python. */
export type Style = 'text' | 'lazy';

/**
 * How a file is written: `lazy` when it has `with read_base():`, a relative import or an import of a library, `text`
 * when `_base_ =` comes first, or when it has none of these.
 * @throws E_PYCONFIG_UNSUPPORTED for any other `with`
 */
export function styleOf(body: Block, source: SourceText): Style {
  // Statements are looked at level by level, as MMEngine does.
  const queue: Statement[] = [...body];
  for (const statement of queue) {
    if (assignsBase(statement)) return 'text';
    if (statement.kind === 'with') {
      checkWith(statement, source);
      return 'lazy';
    }
    if (statement.kind === 'from') {
      if (statement.level > 0) return 'lazy';
      const config = statement.module === 'mmengine' && statement.names.length === 1;
      if (config && statement.names[0]!.name === 'Config') continue;
      if (!isStandardModule(statement.module)) return 'lazy';
    }
    if (statement.kind === 'import' && statement.names.some(({ name }) => !isStandardModule(name)))
      return 'lazy';
    queue.push(...inside(statement));
  }
  return 'text';
}

function assignsBase(statement: Statement): boolean {
  if (statement.kind !== 'assign') return false;
  const [target] = statement.targets;
  return target?.kind === 'name' && target.name === '_base_';
}

function checkWith(statement: Extract<Statement, { kind: 'with' }>, source: SourceText): void {
  const { context } = statement;
  if (context.kind === 'call' && context.callee.kind === 'name' && context.callee.name === 'read_base')
    return;
  throw unsupported(source, statement.at, 'a with statement', 'with read_base():');
}

/** The statements of the blocks in a statement. */
export function inside(statement: Statement): Block {
  switch (statement.kind) {
    case 'if':
      return [...statement.body, ...statement.otherwise];
    case 'for':
    case 'while':
      return [...statement.body, ...statement.otherwise];
    case 'try':
      return [
        ...statement.body,
        ...statement.handlers.flatMap(({ body }) => body),
        ...statement.otherwise,
        ...statement.finally,
      ];
    case 'with':
    case 'function':
      return statement.body;
    default:
      return [];
  }
}

/** The value of the first `_base_ = …` at the top of a file, and the file without any. */
export function takeBases(body: Block): {
  base: Extract<Statement, { kind: 'assign' }> | undefined;
  rest: Block;
} {
  const base = body.find(assignsBase) as Extract<Statement, { kind: 'assign' }> | undefined;
  return { base, rest: body.filter((statement) => !assignsBase(statement)) };
}

/** The error for a chain of inheritance in which both styles occur. */
export function mixedStyles(file: string, style: Style): EngineError {
  return new EngineError({
    code: 'E_PYCONFIG_STYLE',
    what: 'Configs that inherit from each other must be written in one style.',
    received:
      style === 'lazy'
        ? `${file} uses imports, but a file that inherits from it uses \`_base_\``
        : `${file} uses \`_base_\`, but a file that inherits from it uses \`with read_base():\``,
    expected: '`_base_ = […]` in all of them, or `with read_base():` in all of them',
    exitCode: 2,
  });
}
