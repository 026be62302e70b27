import { joinPath } from './values.js';

const SPACE = /\s/;
const WORD = /[\w$.+-]/;
const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' };

/**
 * Finds the lines of keys and list elements in JSON, JSON5, or the object literal of a script. Only literals written
 * out are followed; whatever is computed (calls, functions, spreads) is stepped over. It never fails: on text it does
 * not understand it finds less.
 *
 * @param start offset of the opening brace
 * @returns 1-based line by dotted path
 */
export function locateKeys(text: string, start = 0): Map<string, number> {
  const lines = new Map<string, number>();
  let at = start;

  const lineAt = (offset: number): number => {
    let line = 1;
    for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++;
    return line;
  };

  const skipBlank = (): void => {
    for (;;) {
      while (at < text.length && SPACE.test(text[at]!)) at++;
      if (text.startsWith('//', at)) at = endOr(text.indexOf('\n', at));
      else if (text.startsWith('/*', at)) at = endOr(text.indexOf('*/', at), 2);
      else return;
    }
  };

  const endOr = (found: number, past = 0): number => (found < 0 ? text.length : found + past);

  const skipString = (): string => {
    const quote = text[at++]!;
    const from = at;
    while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1;
    return text.slice(from, at++);
  };

  /** Steps over one expression, to the `,` or closing bracket that ends it. */
  const skipExpression = (): void => {
    const open: string[] = [];
    while (at < text.length) {
      skipBlank();
      const c = text[at];
      if (c === undefined) return;
      if (c === '"' || c === "'" || c === '`') skipString();
      else if (CLOSING[c]) {
        open.push(CLOSING[c]);
        at++;
      } else if (open.length ? c === open.at(-1) : ',}])'.includes(c)) {
        if (open.length === 0) return;
        open.pop();
        at++;
      } else at++;
    }
  };

  const value = (path: string): void => {
    skipBlank();
    if (text[at] === '{') mapping(path);
    else if (text[at] === '[') list(path);
    // What follows a literal, such as `as const`, belongs to the expression.
    skipExpression();
  };

  const mapping = (path: string): void => {
    at++;
    for (;;) {
      skipBlank();
      if (at >= text.length) return;
      if (text[at] === '}') {
        at++;
        return;
      }
      if (text[at] === ',') {
        at++;
        continue;
      }
      const from = at;
      let key: string | undefined;
      if (text[at] === '"' || text[at] === "'") key = skipString();
      else {
        while (at < text.length && WORD.test(text[at]!)) at++;
        key = text.slice(from, at);
      }
      skipBlank();
      const known = key !== '' && !key.startsWith('.');
      if (known && (text[at] === ':' || text[at] === ',' || text[at] === '}')) {
        lines.set(joinPath(path, key), lineAt(from));
      }
      if (known && text[at] === ':') {
        at++;
        value(joinPath(path, key));
      } else {
        skipExpression();
        if (text[at] === ']' || text[at] === ')') return;
      }
    }
  };

  const list = (path: string): void => {
    at++;
    let exact = true;
    for (let index = 0; at < text.length;) {
      skipBlank();
      if (text[at] === ']') {
        at++;
        return;
      }
      if (text[at] === ',') {
        at++;
        index++;
        continue;
      }
      if (text.startsWith('...', at)) exact = false;
      if (exact) {
        lines.set(joinPath(path, index), lineAt(at));
        value(joinPath(path, index));
      } else skipExpression();
      if (text[at] === '}' || text[at] === ')') return;
    }
  };

  skipBlank();
  if (text[at] === '{') mapping('');
  return lines;
}

/** Offset of the brace that opens the default export of a script, directly or through a constant; -1 if not found. */
export function defaultExportStart(text: string): number {
  const direct =
    /\bexport\s+default\s+(?:defineConfig\s*\(\s*)?(?:\(\s*\)\s*=>\s*\(\s*)?(\{|[A-Za-z_$][\w$]*)/.exec(text);
  if (!direct) return -1;
  if (direct[1] === '{') return direct.index + direct[0].length - 1;
  const constant = new RegExp(
    `\\b(?:const|let|var)\\s+${direct[1]!.replace(/\$/g, '\\$')}\\b[^=]*=\\s*(?:defineConfig\\s*\\(\\s*)?\\{`,
  ).exec(text);
  return constant ? constant.index + constant[0].length - 1 : -1;
}
