import { EngineError } from '@engine/core';
import type { Place, SourceText } from './source.js';

function showPlace({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** The house error for text that is no Python. */
export function syntaxError(source: SourceText, at: number, reason: string, expected?: string): EngineError {
  return new EngineError({
    code: 'E_PYCONFIG_SYNTAX',
    what: `The Python config ${source.file} cannot be parsed.`,
    received: reason,
    where: showPlace(source.place(at)),
    expected,
    fix: 'correct that line',
    exitCode: 2,
  });
}

/** The house error for Python that a config file is not read with: it would have to be executed. */
export function unsupported(source: SourceText, at: number, received: string, expected: string): EngineError {
  return new EngineError({
    code: 'E_PYCONFIG_UNSUPPORTED',
    what: `The Python config ${source.file} uses a part of Python that is not read without executing it.`,
    received,
    where: showPlace(source.place(at)),
    expected,
    fix: 'write the value out, or let Python write the resolved config: cfg.dump("config.yaml")',
    exitCode: 2,
  });
}

/** Python's exceptions by name, each with the one it derives from. */
const PARENTS: Readonly<Record<string, string>> = {
  Exception: 'BaseException',
  ArithmeticError: 'Exception',
  ZeroDivisionError: 'ArithmeticError',
  OverflowError: 'ArithmeticError',
  AssertionError: 'Exception',
  AttributeError: 'Exception',
  ImportError: 'Exception',
  ModuleNotFoundError: 'ImportError',
  LookupError: 'Exception',
  IndexError: 'LookupError',
  KeyError: 'LookupError',
  NameError: 'Exception',
  NotImplementedError: 'RuntimeError',
  OSError: 'Exception',
  FileNotFoundError: 'OSError',
  RecursionError: 'RuntimeError',
  RuntimeError: 'Exception',
  StopIteration: 'Exception',
  TypeError: 'Exception',
  ValueError: 'Exception',
  Warning: 'Exception',
  UserWarning: 'Warning',
  DeprecationWarning: 'Warning',
};

export const EXCEPTIONS: readonly string[] = ['BaseException', ...Object.keys(PARENTS)];

/** True when an exception of the type `name` is caught by `except base`. */
export function isException(name: string, base: string): boolean {
  for (let at: string | undefined = name; at !== undefined; at = PARENTS[at]) if (at === base) return true;
  return false;
}

/** An exception of Python, raised while a config is evaluated. It may be caught there. */
export class PythonException extends Error {
  place: Place | undefined;

  /** @param type Python's name of the exception, such as `KeyError` */
  constructor(
    readonly type: string,
    message: string,
    readonly suggestion?: string,
  ) {
    super(message);
    this.name = 'PythonException';
  }
}

export function raise(type: string, message: string, suggestion?: string): never {
  throw new PythonException(type, message, suggestion);
}

/** Nesting beyond this means that a value is inside itself. */
export const DEEPEST_VALUE = 200;

/** The house error for a value that contains itself. */
export function cyclicConfig(path: string): EngineError {
  return new EngineError({
    code: 'E_CONFIG_CYCLE',
    what: 'A config contains itself.',
    received: `${path === '' ? 'a value' : path.slice(0, 80)} is one of the values it is part of`,
    expected: 'lists and mappings that end',
    exitCode: 2,
  });
}

/** The house error for an exception that nobody caught. */
export function uncaught(error: PythonException, file: string): EngineError {
  return new EngineError({
    code: 'E_PYCONFIG_EVALUATION',
    what: `The Python config ${file} cannot be evaluated.`,
    received: error.message === '' ? error.type : `${error.type}: ${error.message}`,
    where: error.place ? showPlace(error.place) : file,
    didYouMean: error.suggestion,
    cause: error,
    exitCode: 2,
  });
}
