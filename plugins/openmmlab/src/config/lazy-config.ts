import { EngineError, type ConfigLayer, type ConfigRead } from '@engine/core';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Block, Statement } from '../python/ast.js';
import { freshConfig, missingKeyOf } from '../python/config-dict.js';
import { raise, unsupported } from '../python/errors.js';
import { Interpreter } from '../python/interpret.js';
import { parsePython } from '../python/parse.js';
import { Scope } from '../python/scope.js';
import { SourceText } from '../python/source.js';
import { isStandardModule } from '../python/standard-library.js';
import { PyDict, PyLazy, type Value } from '../python/values.js';
import { exportConfig, isHelper } from './export.js';
import { importNames, moduleName } from './imports.js';
import { ownLayer } from './layers.js';
import { importedConfig, type Roots } from './locate.js';
import { inside, mixedStyles, takeBases } from './style.js';

type From = Extract<Statement, { kind: 'from' }>;

/** A file of the lazy style, evaluated: all its names, imported ones included. */
interface LazyFile {
  config: PyDict;
  /** Names that stand for imports and are no part of the config. */
  imported: Set<string>;
  layers: ConfigLayer[];
  texts: string[];
}

/** Reads a file of the lazy style: it imports what it inherits from, and changes it in place. */
export function readLazyConfig(
  file: string,
  text: string,
  body: Block,
  source: SourceText,
  roots: Roots,
): ConfigRead {
  const { config, imported, layers, texts } = evaluateFile(file, text, body, source, roots, []);
  const visible = visibleOf(config, imported);
  return { values: exportConfig(visible).values, layers, texts, native: visible };
}

function visibleOf(config: PyDict, imported: ReadonlySet<string>): PyDict {
  const visible = new PyDict(true);
  for (const { key, value, origin } of config.items()) {
    if (!imported.has(key as string) && !isHelper(value)) visible.set(key, value, origin);
  }
  return visible;
}

function evaluateFile(
  file: string,
  text: string,
  body: Block,
  source: SourceText,
  roots: Roots,
  chain: readonly string[],
): LazyFile {
  if (takeBases(body).base) throw mixedStyles(file, 'text');
  const scope = new Scope(source, new Map<string, Value>([['__file__', file]]));
  const imported = new Set<string>();
  const layers: ConfigLayer[] = [];
  const texts: string[] = [];
  const bases = new Map<string, LazyFile>();
  for (const statement of baseImports(body, source)) {
    const module = moduleName(statement);
    if (bases.has(module)) continue;
    const base = readBase(statement, module, source, roots, [...chain, file]);
    bases.set(module, base);
    for (const name of base.imported) imported.add(name);
    for (const layer of base.layers)
      if (!layers.some((known) => known.file === layer.file)) layers.push({ ...layer, via: 'base' });
    texts.push(...base.texts.filter((known) => !texts.includes(known)));
  }
  // As in MMEngine, what is imported from bases is there before the first statement runs.
  for (const statement of allStatements(body)) {
    if (statement.kind === 'from') bindBase(statement, bases, scope, source);
    noteImported(statement, bases, imported);
  }
  gatherModules(body, scope, imported);
  const interpreter = new Interpreter({
    import: (statement) =>
      statement.kind === 'from' && bases.has(moduleName(statement)) ? [] : importNames(statement),
    reference: (path) =>
      raise('NameError', `'_base_' is not defined: {{_base_.${path.join('.')}}} belongs to the other style`),
  });
  interpreter.run(body, scope);
  const config = new PyDict(true);
  for (const [name, value] of scope.names) {
    if (!name.startsWith('__')) config.set(name, freshConfig(value), scope.origins.get(name));
  }
  layers.push(ownLayer(exportConfig(visibleOf(config, imported)), file));
  return { config, imported, layers, texts: [...texts, `${file}\n${text}`] };
}

/** The imports in `with read_base():`. */
function baseImports(body: Block, source: SourceText): From[] {
  const found: From[] = [];
  for (const statement of body) {
    if (statement.kind !== 'with') continue;
    for (const line of statement.body) {
      if (line.kind === 'from' && line.module !== '') found.push(line);
      else if (line.kind !== 'pass') {
        throw unsupported(
          source,
          line.at,
          'this statement in `with read_base():`',
          'from .config import name',
        );
      }
    }
  }
  return found;
}

function readBase(
  statement: From,
  module: string,
  source: SourceText,
  roots: Roots,
  chain: readonly string[],
): LazyFile {
  const { file: from } = source;
  const path = statement.module.replaceAll('.', '/');
  const file =
    statement.level > 0
      ? join(dirname(from), ...Array.from({ length: statement.level - 1 }, () => '..'), `${path}.py`)
      : importedConfig(module, from, roots);
  const { line } = source.place(statement.at);
  if (chain.includes(file)) {
    throw new EngineError({
      code: 'E_CONFIG_BASE_CYCLE',
      what: 'A config inherits from itself.',
      received: [...chain.slice(chain.indexOf(file)), file].join(' → '),
      expected: 'base configs that end somewhere',
      exitCode: 2,
    });
  }
  if (!existsSync(file)) {
    throw new EngineError({
      code: 'E_CONFIG_NOT_FOUND',
      what: `There is no config file ${file}.`,
      received: `from ${module} import …`,
      where: `${from}:${line}`,
      fix: 'correct the import',
      exitCode: 2,
    });
  }
  const text = readFileSync(file, 'utf8');
  const own = new SourceText(file, text);
  return evaluateFile(file, text, parsePython(own), own, roots, chain);
}

function* allStatements(body: Block): Generator<Statement> {
  for (const statement of body) {
    yield statement;
    yield* allStatements(inside(statement));
  }
}

function bindBase(
  statement: From,
  bases: ReadonlyMap<string, LazyFile>,
  scope: Scope,
  source: SourceText,
): void {
  const base = bases.get(moduleName(statement));
  if (!base) return;
  for (const { name, as, at } of statement.names) {
    if (name === '*') {
      for (const { key, value, origin } of base.config.items()) scope.set(key as string, value, origin);
      return;
    }
    const value = base.config.get(name);
    if (value === undefined) throw missingKeyOf(base.config, name, source.place(at), moduleName(statement));
    scope.set(as ?? name, value, base.config.originOf(name));
  }
}

function noteImported(
  statement: Statement,
  bases: ReadonlyMap<string, LazyFile>,
  imported: Set<string>,
): void {
  if (statement.kind === 'from' && !bases.has(moduleName(statement))) {
    for (const { name, as } of statement.names) imported.add(as ?? name);
  } else if (statement.kind === 'import') {
    for (const { as } of statement.names) if (as !== undefined) imported.add(as);
  }
}

/** `import mmdet.models` at the top of a file stands before everything else. */
function gatherModules(body: Block, scope: Scope, imported: Set<string>): void {
  for (const statement of body) {
    if (statement.kind !== 'import') continue;
    for (const { name, as } of statement.names) {
      if (as !== undefined || isStandardModule(name)) continue;
      const [root = name] = name.split('.');
      imported.add(root);
      scope.set(root, new PyLazy(root, undefined));
    }
  }
}
