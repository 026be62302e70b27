import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import { EngineError, isEngineError, show } from '../errors.js';
import { importModule } from '../modules/plugins.js';
import { packageName } from '../modules/resolve-module.js';
import { evaluateTypeScript, syntaxErrorLine, type ModuleNamespace } from '../modules/script-loader.js';
import { nearest } from '../suggest.js';
import { checkRoot } from './check-root.js';
import { defaultExportStart, locateKeys } from './locate-keys.js';
import { parseText, syntaxError, type ParsedText, type TextFormat } from './parse-text.js';
import type { ConfigValues } from './values.js';
import { substituteStrings, substituteText, type VariableContext } from './variables.js';

/** Formats of config text; `py` is read by a plugin. */
export type ConfigFormat = TextFormat | 'ts' | 'js' | 'py';

type OwnFormat = Exclude<ConfigFormat, 'py'>;

/** File extension → format. */
export const CONFIG_FORMATS: Readonly<Record<string, OwnFormat>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.js': 'js',
  '.mjs': 'js',
  '.json': 'json',
  '.json5': 'json5',
  '.yaml': 'yaml',
  '.yml': 'yaml',
};

/** What one config file says, before its bases are known. */
export interface FileContent {
  values: ConfigValues;
  lines: ReadonlyMap<string, number>;
  text: string;
}

/**
 * Reads one file of a format of {@link CONFIG_FORMATS}: parses or imports it and replaces the variables in it.
 * @throws E_CONFIG_NOT_FOUND, E_CONFIG_UNREADABLE, E_CONFIG_SYNTAX, E_CONFIG_EVALUATION, …
 */
export async function readFileContent(context: VariableContext): Promise<FileContent> {
  const { file } = context;
  const format = CONFIG_FORMATS[extname(file)]!;
  const text = readText(file);
  if (format !== 'ts' && format !== 'js') return parseContent(text, format, context);
  return scriptContent(text, context, () => importModule(file, dirname(file)));
}

/** The same for text that is in no file; relative paths in it start at the folder of `context.file`. */
export async function readTextContent(
  text: string,
  format: OwnFormat,
  context: VariableContext,
): Promise<FileContent> {
  if (format !== 'ts' && format !== 'js') return parseContent(text, format, context);
  return scriptContent(text, context, () => evaluateTypeScript(text, context.file));
}

function parseContent(text: string, format: TextFormat, context: VariableContext): FileContent {
  const { value, lines }: ParsedText = parseText(substituteText(text, context), format, context.file);
  // An empty YAML file is an empty mapping to those who write one.
  const values: unknown = value ?? {};
  checkRoot(values, context.file);
  return { values, lines, text };
}

async function scriptContent(
  text: string,
  context: VariableContext,
  load: () => Promise<ModuleNamespace>,
): Promise<FileContent> {
  const { file } = context;
  let exported: unknown;
  try {
    const namespace = await load();
    if (!('default' in namespace)) throw noDefault(file, Object.keys(namespace));
    exported = namespace.default;
    // A function is called, so that a config may compute; a class is no config.
    if (typeof exported === 'function') exported = await (exported as () => unknown)();
  } catch (error) {
    throw await evaluationError(file, text, error);
  }
  checkRoot(exported, file);
  const start = defaultExportStart(text);
  const lines = start < 0 ? new Map<string, number>() : locateKeys(text, start);
  return { values: substituteStrings(exported, context), lines, text };
}

/** @throws E_CONFIG_NOT_FOUND, E_CONFIG_UNREADABLE */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new EngineError({
      code: missing ? 'E_CONFIG_NOT_FOUND' : 'E_CONFIG_UNREADABLE',
      what: missing ? `There is no config file ${file}.` : `The config file ${file} cannot be read.`,
      received: missing ? show(file, 200) : (cause as Error).message,
      didYouMean: missing ? neighbour(file) : undefined,
      fix: missing ? 'correct the path' : 'check that it is a file and that you may read it',
      cause,
      exitCode: 2,
    });
  }
}

/** A config in the same folder whose name, or whose name without the extension, is nearly the missing one's. */
function neighbour(file: string): string | undefined {
  let names: string[];
  try {
    names = readdirSync(dirname(file)).filter((name) => CONFIG_FORMATS[extname(name)]);
  } catch {
    return undefined;
  }
  const wanted = basename(file);
  const stem = (name: string): string => basename(name, extname(name));
  return nearest(wanted, names) ?? names.find((name) => stem(name) === stem(wanted));
}

function noDefault(file: string, exports: readonly string[]): EngineError {
  return new EngineError({
    code: 'E_CONFIG_EXPORT',
    what: `The config ${file} has no default export.`,
    received: exports.length ? `exports ${exports.join(', ')}` : 'no exports',
    expected: 'export default defineConfig({ … })',
    fix: 'export the config as the default export',
    exitCode: 2,
  });
}

/** Syntax errors keep their line; errors of ours pass; anything else happened while the script ran. */
async function evaluationError(file: string, text: string, error: unknown): Promise<EngineError> {
  if (isEngineError(error)) return error;
  const { name, message = '' } = error as Partial<Error>;
  if (name === 'SyntaxError' || /ParseError/.test(message)) {
    const reason = message.split('\n').find((part) => part.trim() !== '') ?? 'syntax error';
    return syntaxError(file, await syntaxErrorLine(text, file), reason.trim(), error);
  }
  const missing = /Cannot find (?:module|package) '([^'./][^']*)'/.exec(message)?.[1];
  return new EngineError({
    code: 'E_CONFIG_EVALUATION',
    what: `The config ${file} threw an error while it ran.`,
    received: error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error),
    fix: missing && `pnpm add ${packageName(missing)}`,
    cause: error,
    exitCode: 2,
  });
}
