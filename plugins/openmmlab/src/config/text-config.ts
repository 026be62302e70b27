import { EngineError, show, type ConfigRead, type ConfigReadRequest } from '@engine/core';
import type { Block } from '../python/ast.js';
import { freshConfig, getItem } from '../python/config-dict.js';
import { raise } from '../python/errors.js';
import { Interpreter, type Surroundings } from '../python/interpret.js';
import { Scope } from '../python/scope.js';
import type { SourceText } from '../python/source.js';
import { PyDict, PyLazy, PyList, PyTuple, typeName, type Value } from '../python/values.js';
import { exportConfig, importValue, isHelper } from './export.js';
import { importNames } from './imports.js';
import { wholeLayer } from './layers.js';
import { externalConfig, isExternal, type Roots } from './locate.js';
import { mergeDicts } from './merge.js';
import { takeBases } from './style.js';

/** Reads a file of the text style: `_base_` names what it inherits from, and its names are merged over that. */
export async function readTextConfig(
  request: ConfigReadRequest,
  body: Block,
  source: SourceText,
  roots: Roots,
): Promise<ConfigRead> {
  const { file } = request;
  const { base, rest } = takeBases(body);
  const outside: Surroundings = {
    import: importNames,
    reference: () => raise('NameError', "'_base_' is not defined in its own list"),
  };
  const names = base ? baseNames(evaluateBases(base, source, outside), file) : [];
  const located = names.map((name) =>
    isExternal(name) ? externalConfig(name, file, roots) : { path: name, scope: undefined },
  );
  const reads = await request.bases(located.map(({ path }) => path));
  const inherited = new PyDict(true);
  reads.forEach((read, i) => {
    const values = read.native instanceof PyDict ? read.native : importValue(read.values);
    const fresh = freshConfig(values, located[i]!.scope) as PyDict;
    for (const { key, value, origin } of fresh.items()) inherited.set(key, value, origin);
  });
  const own = evaluate(rest, source, inherited);
  const deprecation = own.get('_deprecation_');
  if (deprecation instanceof PyDict) request.warnDeprecated(exportConfig(deprecation).values);
  own.delete('_deprecation_');
  const layer = wholeLayer(exportConfig(own), file);
  const merged = mergeDicts(own, inherited);
  return {
    values: exportConfig(merged).values,
    layers: [...reads.flatMap(({ layers }) => layers), layer],
    texts: [...reads.flatMap(({ texts }) => texts), `${file}\n${request.text}`],
    native: merged,
  };
}

function evaluateBases(
  statement: Extract<Block[number], { kind: 'assign' }>,
  source: SourceText,
  outside: Surroundings,
): Value {
  const scope = new Scope(source);
  new Interpreter(outside).run([statement], scope);
  return scope.get('_base_') ?? null;
}

function baseNames(value: Value, file: string): string[] {
  const list = value instanceof PyList || value instanceof PyTuple ? value.items : [value];
  const wrong = list.find((name) => typeof name !== 'string' || name === '');
  if (wrong === undefined) return list as string[];
  throw new EngineError({
    code: 'E_CONFIG_BASE',
    what: `The \`_base_\` of ${file} is not a path.`,
    received: `_base_ = ${show(typeof wrong === 'string' ? wrong : `a value of the type ${typeName(wrong)}`)}`,
    expected: 'a path or a list of paths, relative to the file that holds them',
    exitCode: 2,
  });
}

/** Runs the file; what is left of its names is what it says. */
function evaluate(body: Block, source: SourceText, inherited: PyDict): PyDict {
  const scope = new Scope(source, new Map<string, Value>([['_base_', inherited]]));
  const surroundings: Surroundings = {
    import: importNames,
    reference: (path) => freshConfig(referenced(path, inherited)),
  };
  new Interpreter(surroundings).run(body, scope);
  const own = new PyDict();
  for (const [name, value] of scope.names) {
    if (name === '_base_' || name.startsWith('__') || isHelper(value) || value instanceof PyLazy) continue;
    // Each name gets a copy of its own: `_delete_` is taken out of one without changing another.
    own.set(name, freshConfig(value), scope.origins.get(name));
  }
  return own;
}

function referenced(path: readonly string[], inherited: PyDict): Value {
  let value: Value = inherited;
  for (const key of path) {
    if (value instanceof PyDict) value = getItem(value, key);
    else if (value instanceof PyList && /^\d+$/.test(key) && Number(key) < value.items.length) {
      value = value.items[Number(key)]!;
    } else raise('KeyError', `'${key}' in {{_base_.${path.join('.')}}}`);
  }
  return value;
}
