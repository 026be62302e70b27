import type { Statement } from '../python/ast.js';
import { raise } from '../python/errors.js';
import { isStandardModule, standardModule } from '../python/standard-library.js';
import { PyLazy, type Value } from '../python/values.js';

type Import = Extract<Statement, { kind: 'import' | 'from' }>;

/** The full name of the module in a `from` statement, leading dots included. */
export function moduleName(statement: Extract<Import, { kind: 'from' }>): string {
  return '.'.repeat(statement.level) + statement.module;
}

/**
 * The names that an import brings in: what can be evaluated of the standard library, and placeholders for everything
 * else.
 */
export function importNames(statement: Import): [string, Value][] {
  if (statement.kind === 'import') {
    return statement.names.map(({ name, as }) => {
      const [root = name] = name.split('.');
      const target = as === undefined ? root : name;
      return [as ?? root, isStandardModule(target) ? standardModule(target) : new PyLazy(target, undefined)];
    });
  }
  const module = moduleName(statement);
  return statement.names.map(({ name, as }) => {
    if (name === '*') return raise('ImportError', `import * from ${module}, which is no base config`);
    const known = isStandardModule(module) ? standardModule(module).members.get(name) : undefined;
    return [as ?? name, known ?? new PyLazy(module, name)];
  });
}
