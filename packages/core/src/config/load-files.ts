import { homedir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { addWhere, EngineError, isEngineError, show } from '../errors.js';
import { showFile } from '../provenance.js';
import type { ConfigLayer } from './layers.js';
import { mergeValues } from './merge.js';
import {
  CONFIG_FORMATS,
  readFileContent,
  readText,
  readTextContent,
  type ConfigFormat,
  type FileContent,
} from './read-layer.js';
import { isPackagePath, packageConfig, withScopeMarks, type PackageConfig } from './package-base.js';
import { readerOf, type ConfigRead } from './readers.js';
import { isPlainObject, type ConfigValues } from './values.js';
import { resolveReferences, substituteVariables, type VariableContext } from './variables.js';

/** A config file merged with its bases. */
export interface LoadedConfig {
  values: ConfigValues;
  layers: ConfigLayer[];
  text: string;
  filename: string | undefined;
  envVariables: Record<string, string>;
}

interface Session {
  /** Which variables are replaced, see `LoadConfigOptions`. */
  predefined: boolean;
  env: boolean;
  /** Options for readers of other formats. */
  reader: Readonly<Record<string, unknown>>;
  used: Record<string, string>;
}

/** Reads a file and what it inherits from. Scripts are evaluated once per process. */
export async function loadFiles(
  file: string,
  { predefined, env, reader }: Pick<Session, 'predefined' | 'env' | 'reader'>,
): Promise<LoadedConfig> {
  const session: Session = { predefined, env, reader, used: {} };
  const { file: filename, scope } = located(file, process.cwd());
  const { values: plain, layers, texts } = await loadFile(filename, 'file', session, []);
  const values = scope === undefined ? plain : withScopeMarks(plain, scope);
  return { values, layers, text: texts.join('\n'), filename, envVariables: session.used };
}

/** The same for text that is in no file; relative paths in it start at the working directory. */
export async function loadText(text: string, format: ConfigFormat, env: boolean): Promise<LoadedConfig> {
  const session: Session = { predefined: true, env, reader: {}, used: {} };
  const file = join(process.cwd(), `config.${format}`);
  const { values, layers, texts } =
    format === 'py'
      ? await readForeign(file, text, 'file', session, [])
      : await inherit(await readTextContent(text, format, context(file, session)), file, 'file', session, []);
  layers.at(-1)!.file = undefined;
  return { values, layers, text: texts.join('\n'), filename: undefined, envVariables: session.used };
}

function context(file: string, session: Session): VariableContext {
  const { predefined, env, used } = session;
  return { file, predefined, env, used };
}

function absolute(file: string, folder: string): string {
  return resolve(
    folder,
    file.replace(/^~(?=[\\/]|$)/, () => homedir()),
  );
}

/** The file that a path or `package::path` means, as seen from a folder. */
function located(name: string, folder: string): PackageConfig {
  return isPackagePath(name)
    ? packageConfig(name, folder)
    : { file: absolute(name, folder), scope: undefined };
}

function locatedBase(name: string, file: string): PackageConfig {
  try {
    return located(name, dirname(file));
  } catch (error) {
    if (isEngineError(error)) addWhere(error, `_base_ of ${showFile(file)}`);
    throw error;
  }
}

/** @param chain the files that led here by inheritance, outermost first */
async function loadFile(
  file: string,
  via: 'file' | 'base',
  session: Session,
  chain: readonly string[],
): Promise<ConfigRead> {
  if (chain.includes(file)) {
    throw new EngineError({
      code: 'E_CONFIG_BASE_CYCLE',
      what: 'A config inherits from itself.',
      received: [...chain.slice(chain.indexOf(file)), file].map(showFile).join(' → '),
      expected: '`_base_` files that end somewhere',
      fix: 'remove one of these `_base_` entries',
      exitCode: 2,
    });
  }
  // Whoever asks for a base that is not there is the one to correct.
  const blame = (error: unknown): never => {
    const by = chain.at(-1);
    if (by !== undefined && isEngineError(error)) addWhere(error, `_base_ of ${showFile(by)}`);
    throw error;
  };
  const inside = [...chain, file];
  if (CONFIG_FORMATS[extname(file)]) {
    const content = await readFileContent(context(file, session)).catch(blame);
    return inherit(content, file, via, session, inside);
  }
  await readerOf(file, Object.keys(CONFIG_FORMATS)).catch(blame);
  const text = await Promise.resolve(file).then(readText).catch(blame);
  const read = await readForeign(file, text, via, session, inside);
  read.layers.at(-1)!.via = via;
  return read;
}

/** Hands a file of a format that is not the engine's own to the plugin that reads it. */
async function readForeign(
  file: string,
  text: string,
  via: 'file' | 'base',
  session: Session,
  chain: readonly string[],
): Promise<ConfigRead> {
  const reader = await readerOf(file, Object.keys(CONFIG_FORMATS));
  return reader({
    file,
    text,
    via,
    options: session.reader,
    substitute: () => substituteVariables(text, context(file, session)),
    bases: (names) => loadBases(names, file, session, chain),
    warnDeprecated: (deprecation) => warnDeprecated(deprecation, file),
  });
}

async function loadBases(
  names: readonly string[],
  file: string,
  session: Session,
  chain: readonly string[],
): Promise<ConfigRead[]> {
  const bases: ConfigRead[] = [];
  const owners = new Map<string, string>();
  for (const name of names) {
    const { file: path, scope } = locatedBase(name, file);
    const loaded = await loadFile(path, 'base', session, chain);
    if (scope !== undefined) loaded.values = withScopeMarks(loaded.values, scope);
    for (const key of Object.keys(loaded.values)) {
      const other = owners.get(key);
      if (other !== undefined) throw sharedKey(key, other, path, file);
      owners.set(key, path);
    }
    bases.push(loaded);
  }
  return bases;
}

async function inherit(
  content: FileContent,
  file: string,
  via: 'file' | 'base',
  session: Session,
  chain: readonly string[],
): Promise<ConfigRead> {
  const { _base_: bases, _deprecation_: deprecation, ...rest } = content.values;
  warnDeprecated(deprecation, file);
  const base: ConfigRead = { values: {}, layers: [], texts: [] };
  for (const loaded of await loadBases(baseNames(bases, file), file, session, chain)) {
    Object.assign(base.values, loaded.values);
    base.layers.push(...loaded.layers);
    base.texts.push(...loaded.texts);
  }
  const own = resolveReferences(rest, base.values, file);
  return {
    values: mergeValues(base.values, own),
    layers: [...base.layers, { via, file, values: own, lines: content.lines }],
    texts: [...base.texts, `${file}\n${content.text}`],
  };
}

function baseNames(bases: unknown, file: string): string[] {
  if (bases === undefined || bases === null) return [];
  const list: readonly unknown[] = Array.isArray(bases) ? bases : [bases];
  const wrong = list.find((name) => typeof name !== 'string' || name === '');
  if (wrong === undefined) return list as string[];
  throw new EngineError({
    code: 'E_CONFIG_BASE',
    what: `The \`_base_\` of ${file} is not a path.`,
    received: `_base_ = ${show(bases)}`,
    expected: 'a path or a list of paths, relative to the file that holds them, or package::path',
    exitCode: 2,
  });
}

function sharedKey(key: string, first: string, second: string, file: string): EngineError {
  return new EngineError({
    code: 'E_CONFIG_BASE_KEYS',
    what: `Two bases of ${file} both have the key '${key}'.`,
    received: `${key} in ${showFile(first)} and in ${showFile(second)}`,
    expected: 'bases without common top-level keys, since their order must not matter',
    fix: `remove '${key}' from one of them, or let one base inherit from the other`,
    exitCode: 2,
  });
}

/** `_deprecation_: { expected, reference }` in a base tells whoever still inherits from it what to use. */
function warnDeprecated(deprecation: unknown, file: string): void {
  if (!isPlainObject(deprecation)) return;
  const instead = typeof deprecation.expected === 'string' ? `; use ${deprecation.expected}` : '';
  const more = typeof deprecation.reference === 'string' ? ` (see ${deprecation.reference})` : '';
  process.emitWarning(`The config ${showFile(file)} is deprecated${instead}${more}.`, 'DeprecationWarning');
}
