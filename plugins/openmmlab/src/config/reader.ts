import {
  badValue,
  checkKeys,
  listNames,
  type ConfigRead,
  type ConfigReader,
  type ConfigReadRequest,
} from '@engine/core';
import { resolve } from 'node:path';
import type { Block } from '../python/ast.js';
import { parsePython } from '../python/parse.js';
import { SourceText } from '../python/source.js';
import { readLazyConfig } from './lazy-config.js';
import type { Roots } from './locate.js';
import { mixedStyles, styleOf } from './style.js';
import { readTextConfig } from './text-config.js';
import { convertRead, typesOf } from '../types/convert.js';

/** Options of the reader of Python configs. */
export interface PythonReaderOptions {
  /** Folders of OpenMMLab packages that configs inherit from, by name: `{ mmdet: '../mmdetection' }`. */
  roots?: Roots;
  /** Whether keys and types become the engine's own; false, which keeps them as they are written. */
  convert?: boolean;
}

const KNOWN = ['roots', 'convert'];

function checked({ options }: ConfigReadRequest): { roots: Roots; convert: boolean } {
  checkKeys('The reader of Python configs', options, KNOWN, 'reader');
  const { roots = {}, convert = false } = options as PythonReaderOptions;
  if (typeof convert !== 'boolean') throw badValue('reader.convert', convert, 'true or false');
  const wrong = Object.entries(roots).find(([, folder]) => typeof folder !== 'string');
  if (wrong) throw badValue(`reader.roots.${wrong[0]}`, wrong[1], 'a path');
  const absolute = Object.entries(roots).map(([name, folder]) => [name, resolve(folder)]);
  return { roots: Object.fromEntries(absolute) as Roots, convert };
}

/**
 * Reads a Python config of MMEngine without Python: the text is parsed, and evaluated by an interpreter that computes
 * values and nothing else.
 *
 * @throws E_PYCONFIG_SYNTAX, E_PYCONFIG_UNSUPPORTED, E_PYCONFIG_EVALUATION, E_PYCONFIG_LIMIT, E_PYCONFIG_STYLE,
 *   E_PYCONFIG_PACKAGE, with file, line and column; E_CONFIG_MERGE, E_CONFIG_BASE and those of bases
 */
export const readPythonConfig: ConfigReader = async (request): Promise<ConfigRead> => {
  const { roots, convert } = checked(request);
  const read = await readAsWritten(request, roots);
  if (!convert || request.via === 'base') return read;
  const unknown = typesOf(read.values).filter(({ counterpart }) => counterpart === undefined);
  if (unknown.length > 0) {
    const names = listNames(unknown.map(({ type }) => type));
    process.emitWarning(
      `${request.file} names types that have no counterpart here: ${names}.`,
      'ConfigWarning',
    );
  }
  return convertRead(read);
};

async function readAsWritten(request: ConfigReadRequest, roots: Roots): Promise<ConfigRead> {
  const { file, text } = request;
  const raw = parseRaw(request);
  const style = styleOf(raw.body, raw.source);
  if (style === 'lazy') {
    if (request.via === 'base') throw mixedStyles(file, 'lazy');
    return readLazyConfig(file, text, raw.body, raw.source, roots);
  }
  const substituted = request.substitute();
  if (substituted === raw.source.text) return readTextConfig(request, raw.body, raw.source, roots);
  const source = new SourceText(file, substituted);
  return readTextConfig(request, parsePython(source), source, roots);
}

/** A placeholder such as `{{$LR:0.1}}` outside of a string is no Python until it is replaced. */
function parseRaw(request: ConfigReadRequest): { body: Block; source: SourceText } {
  const source = new SourceText(request.file, request.text);
  try {
    return { body: parsePython(source), source };
  } catch (error) {
    const text = request.substitute();
    if (text === request.text) throw error;
    const substituted = new SourceText(request.file, text);
    return { body: parsePython(substituted), source: substituted };
  }
}
