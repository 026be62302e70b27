import { basename, dirname, extname } from 'node:path';
import { EngineError, show } from '../errors.js';
import { listNames, nearest } from '../suggest.js';
import { parseOverrideValue } from './override.js';
import { copyValues, isPlainObject, valueAt, type ConfigValues } from './values.js';

const ENVIRONMENT = /\{\{\s*(["']?)\s*\$(\w+)\s*(?::([^}\n]*?))?\s*\1\s*\}\}/g;
const REFERENCE = /\{\{\s*_base_\.([\w.-]+)\s*\}\}/g;

/** What may stand between double braces in one config file. */
export interface VariableContext {
  /** Absolute path of the file that holds the text: its own, not that of the file which inherits from it. */
  file: string;
  /** Whether `{{ fileBasename }}` and its like are replaced. */
  predefined: boolean;
  /** Whether `{{$NAME:default}}` is replaced. */
  env: boolean;
  /** Filled with the environment variables that were used. */
  used: Record<string, string>;
}

/** The variables that describe the file, by name. Backslashes become slashes. */
function predefinedVariables(file: string): Record<string, string> {
  const extension = extname(file);
  return {
    fileDirname: dirname(file).replaceAll('\\', '/'),
    fileBasename: basename(file),
    fileBasenameNoExtension: basename(file, extension),
    fileExtname: extension,
  };
}

/**
 * Replaces `{{ fileBasename }}` and its like, and `{{$NAME:default}}`, in a text.
 * @throws E_CONFIG_ENV for a variable that has neither a value nor a default
 */
export function substituteVariables(text: string, context: VariableContext): string {
  const result = substitutePredefined(text, context);
  if (!context.env) return result;
  return result.replace(
    ENVIRONMENT,
    (whole, _quote, name: string, otherwise: string | undefined, at: number) =>
      environmentValue(name, otherwise, context, whole, lineOf(result, at)),
  );
}

/**
 * The same; afterwards a reference `{{_base_.a.b}}` that is a whole value stands in quotes, so that the text can be
 * parsed.
 * @throws E_CONFIG_ENV
 */
export function substituteText(text: string, context: VariableContext): string {
  const result = substituteVariables(text, context);
  return result.replace(REFERENCE, (whole: string, _path: string, at: number) => {
    const before = /[^ \t]?[ \t]*$/.exec(result.slice(0, at))![0].trim();
    const after = /^[ \t]*[^ \t]?/.exec(result.slice(at + whole.length))![0].trim();
    const alone = /^[:,[{-]?$/.test(before) && /^[,\]}#]?$/.test(after);
    return alone ? `"${whole}"` : whole;
  });
}

/** The same for the strings of a config that is not text. A whole `{{'$NAME:1'}}` becomes the value it spells. */
export function substituteStrings(values: ConfigValues, context: VariableContext): ConfigValues {
  return copyValues(values, {
    leaf: (value) => {
      if (typeof value !== 'string' || !value.includes('{{')) return value;
      let typed = false;
      const result = substitutePredefined(value, context).replace(
        ENVIRONMENT,
        (whole: string, quote: string, name: string, otherwise: string | undefined) => {
          if (!context.env) return whole;
          typed ||= quote !== '' && whole === value.trim();
          return environmentValue(name, otherwise, context, whole, undefined);
        },
      );
      return typed ? parseOverrideValue(result) : result;
    },
  });
}

/**
 * Resolves `{{_base_.a.b}}` in the strings of a config: a string that is nothing else becomes the base's value, in a
 * longer one the value is written out.
 * @throws E_CONFIG_REFERENCE when the bases have no such value
 */
export function resolveReferences(values: ConfigValues, base: ConfigValues, file: string): ConfigValues {
  return copyValues(values, {
    leaf: (value, path) => {
      if (typeof value !== 'string' || !value.includes('_base_')) return value;
      const whole = new RegExp(`^\\s*${REFERENCE.source}\\s*$`).exec(value);
      if (whole) return copyValues(referenced(whole[1]!, base, path, file));
      return value.replace(REFERENCE, (_, target: string) => {
        const found = referenced(target, base, path, file);
        return typeof found === 'string' ? found : JSON.stringify(found);
      });
    },
  });
}

function substitutePredefined(text: string, { file, predefined }: VariableContext): string {
  if (!predefined) return text;
  let result = text;
  for (const [name, value] of Object.entries(predefinedVariables(file))) {
    result = result.replace(new RegExp(`\\{\\{\\s*${name}\\s*\\}\\}`, 'g'), () => value);
  }
  return result;
}

function environmentValue(
  name: string,
  otherwise: string | undefined,
  context: VariableContext,
  whole: string,
  line: number | undefined,
): string {
  const value = process.env[name] ?? otherwise?.trim() ?? '';
  if (value === '') {
    throw new EngineError({
      code: 'E_CONFIG_ENV',
      what: `The config needs the environment variable ${name}, which is not set and has no default.`,
      received: `${whole} in ${context.file}${line === undefined ? '' : `:${line}`}`,
      expected: `a value for ${name}`,
      fix: `set it (${name}=… engine …), or write a default: {{$${name}:value}}`,
      exitCode: 2,
    });
  }
  context.used[name] = value;
  return value;
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function referenced(target: string, base: ConfigValues, path: string, file: string): unknown {
  const { found, value } = valueAt(base, target);
  if (found) return value;
  const keys = target.split('.');
  let depth = 0;
  while (depth < keys.length && valueAt(base, keys.slice(0, depth + 1).join('.')).found) depth++;
  const holder = valueAt(base, keys.slice(0, depth).join('.')).value;
  const known = isPlainObject(holder) ? Object.keys(holder) : [];
  throw new EngineError({
    code: 'E_CONFIG_REFERENCE',
    what: `The bases of ${file} have no value '${target}'.`,
    received: `${path} = ${show(`{{_base_.${target}}}`)}`,
    expected: `after '${keys.slice(0, depth).join('.') || '_base_'}', one of ${listNames(known)}`,
    didYouMean: nearest(keys[depth]!, known),
    exitCode: 2,
  });
}
