import type { Node } from 'yaml';
import { EngineError } from '../errors.js';
import { lazyModule } from '../lazy-module.js';
import { locateKeys } from './locate-keys.js';
import { joinPath } from './values.js';

const yaml = lazyModule<typeof import('yaml')>(import.meta.url, 'yaml');
const json5 = lazyModule<typeof import('json5')>(import.meta.url, 'json5');

export type TextFormat = 'yaml' | 'json' | 'json5';

export interface ParsedText {
  value: unknown;
  /** 1-based line by dotted path. */
  lines: Map<string, number>;
}

/**
 * Parses YAML 1.2 (with `<<` merge keys), JSON or JSON5, and finds the line of every key.
 * @param name file name for messages
 * @throws E_CONFIG_SYNTAX with file and line
 */
export function parseText(text: string, format: TextFormat, name: string): ParsedText {
  if (format === 'yaml') return parseYaml(text, name);
  try {
    const value = format === 'json' ? (JSON.parse(text) as unknown) : json5().parse<unknown>(text);
    return { value, lines: locateKeys(text) };
  } catch (error) {
    throw jsonError(text, format, name, error as Error);
  }
}

/** The house error for a text that cannot be parsed. */
export function syntaxError(
  name: string,
  line: number | undefined,
  reason: string,
  cause: unknown,
): EngineError {
  return new EngineError({
    code: 'E_CONFIG_SYNTAX',
    what: `The config ${name} cannot be parsed.`,
    received: `${reason}   (${name}${line === undefined ? '' : `:${line}`})`,
    fix: 'correct that line',
    cause,
    exitCode: 2,
  });
}

function parseYaml(text: string, name: string): ParsedText {
  const { isMap, isScalar, isSeq, LineCounter, parseDocument } = yaml();
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, merge: true, prettyErrors: true });
  const error = document.errors[0];
  if (error) throw syntaxError(name, error.linePos?.[0].line, error.message.split('\n')[0]!, error);
  const lines = new Map<string, number>();
  const visit = (node: unknown, path: string): void => {
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        if (!isScalar(key)) continue;
        const inner = joinPath(path, String(key.value));
        note(key, inner);
        visit(value, inner);
      }
    } else if (isSeq(node)) {
      node.items.forEach((item, i) => {
        note(item as Node, joinPath(path, i));
        visit(item, joinPath(path, i));
      });
    }
  };
  const note = (node: Node, path: string): void => {
    if (node?.range) lines.set(path, counter.linePos(node.range[0]).line);
  };
  visit(document.contents, '');
  try {
    return { value: document.toJS() as unknown, lines };
  } catch (cause) {
    throw syntaxError(name, undefined, (cause as Error).message, cause);
  }
}

function jsonError(text: string, format: TextFormat, name: string, cause: Error): EngineError {
  try {
    // JSON5 accepts all JSON and, unlike JSON.parse, says where it stopped.
    json5().parse(text);
  } catch (located) {
    const { lineNumber, message } = located as Error & { lineNumber?: number };
    return syntaxError(name, lineNumber, message.replace(/^JSON5: /, ''), cause);
  }
  const reason = format === 'json' ? `${cause.message} (it is JSON5: rename it to .json5)` : cause.message;
  return syntaxError(name, undefined, reason, cause);
}
