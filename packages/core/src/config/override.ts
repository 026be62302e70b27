import { EngineError, show } from '../errors.js';
import { checkDepth } from './values.js';

/** One `path=value` of a command line. */
export interface ConfigOverride {
  /** Dotted path; numbers index lists. */
  path: string;
  value: unknown;
}

const INTEGER = /^[+-]?\d+$/;
const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const WORDS = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['none', null],
  ['null', null],
  ['nan', NaN],
  ['inf', Infinity],
  ['+inf', Infinity],
  ['-inf', -Infinity],
]);

/**
 * Reads `a.b.0=value`. The value is JSON where it can be read as JSON; otherwise MMEngine's grammar holds: numbers,
 * true/false in any case, None, `a,b` or `[a,b]` or `(a,b)` for lists (nested too), anything else a string. Quotes
 * around a string and spaces around the items of a list are dropped.
 *
 * @example parseOverride('optim.lr=1e-3') // { path: 'optim.lr', value: 0.001 }
 * @throws E_CONFIG_OVERRIDE without `=`, with an empty path, or with brackets that do not match; E_CONFIG_DEPTH
 */
export function parseOverride(text: string): ConfigOverride {
  const at = text.indexOf('=');
  const path = text.slice(0, Math.max(at, 0)).trim();
  if (path === '') {
    throw new EngineError({
      code: 'E_CONFIG_OVERRIDE',
      what: 'An override must have the form path=value.',
      received: show(text),
      expected: 'such as optimWrapper.optimizer.lr=0.01',
      exitCode: 2,
    });
  }
  return { path, value: parseOverrideValue(text.slice(at + 1)) };
}

/** The value part of {@link parseOverride}. */
export function parseOverrideValue(text: string): unknown {
  const trimmed = text.trim();
  if (/^["[{]/.test(trimmed)) {
    try {
      return JSON.parse(trimmed) as unknown;
    } catch {
      // Not JSON after all: `[a, b]` is a list of bare words, `{` may open a template.
    }
  }
  checkBrackets(trimmed, text);
  return parseList(unquote(trimmed));
}

/** A quoted item is one scalar, whatever commas it holds. */
function parseItem(text: string): unknown {
  const item = text.trim();
  const inside = unquote(item);
  return inside === item ? parseList(item) : parseScalar(inside);
}

function parseList(item: string): unknown {
  if (encloses(item)) {
    const inside = item.slice(1, -1).trim();
    return inside === '' ? [] : splitItems(inside).map(parseItem);
  }
  const items = splitItems(item);
  return items.length > 1 ? items.map(parseItem) : parseScalar(item);
}

function parseScalar(text: string): unknown {
  const word = text.toLowerCase();
  if (WORDS.has(word)) return WORDS.get(word);
  return INTEGER.test(text) || FLOAT.test(text) ? Number(text) : text;
}

function unquote(text: string): string {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  return quoted && !quoted[2]!.includes(quoted[1]!) ? quoted[2]!.trim() : text;
}

/** True when the first bracket closes at the very end, as in `[a,(b,c)]` but not in `(a,b),(c,d)`. */
function encloses(text: string): boolean {
  if (!/^[[(]/.test(text)) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if ('[('.includes(text[i]!)) depth++;
    else if ('])'.includes(text[i]!) && --depth === 0) return i === text.length - 1;
  }
  return false;
}

/** Splits at the commas outside brackets and quotes; a comma at the end closes a one-element tuple. */
function splitItems(text: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let quote = '';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote !== '') quote = c === quote ? '' : quote;
    else if ((c === '"' || c === "'") && text.slice(start, i).trim() === '') quote = c;
    else if ('[('.includes(c)) depth++;
    else if ('])'.includes(c)) depth--;
    else if (c === ',' && depth === 0) {
      items.push(text.slice(start, i));
      start = i + 1;
    }
  }
  const last = text.slice(start);
  if (last.trim() !== '' || items.length === 0) items.push(last);
  return items;
}

function checkBrackets(text: string, whole: string): void {
  const open: string[] = [];
  for (const c of text) {
    if (c === '[' || c === '(') {
      open.push(c);
      checkDepth(open.length, '');
    } else if ((c === ']' || c === ')') && open.pop() !== (c === ']' ? '[' : '('))
      open.push('wrong', 'wrong');
  }
  if (open.length === 0) return;
  throw new EngineError({
    code: 'E_CONFIG_OVERRIDE',
    what: 'The brackets of an override do not match.',
    received: show(whole),
    expected: 'as many closing as opening brackets, in the right order, such as [(a,b),[1,2]]',
    exitCode: 2,
  });
}
