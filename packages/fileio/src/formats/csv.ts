import { EngineError, show } from '@engine/core';

/**
 * Rows and fields of CSV (RFC 4180): quotes around fields with commas, quotes or line ends, quotes doubled inside them.
 * @throws E_FORMAT_PARSE naming the line of a quote that is not closed, or with text after it
 */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let line = 1;
  const field = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|\r|$)/y;
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  while (field.lastIndex < source.length || row.length > 0) {
    const at = field.lastIndex;
    const found = field.exec(source);
    if (!found) {
      throw new EngineError({
        code: 'E_FORMAT_PARSE',
        what: `The text is not CSV: a quote in line ${line} is not closed, or stands inside a field.`,
        received: show(source.slice(at, at + 40)),
      });
    }
    line += found[0].split('\n').length - 1;
    row.push(found[1] === undefined ? found[2]! : found[1].replaceAll('""', '"'));
    if (found[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

/** @throws E_FORMAT_VALUE when a row is no list of strings, numbers, booleans or nulls */
export function formatCsv(value: unknown): string {
  const bad = (received: unknown): never => {
    throw new EngineError({
      code: 'E_FORMAT_VALUE',
      what: 'Only rows of strings, numbers and booleans can be written to a CSV file.',
      received: show(received),
      expected: '[[field, …], …]',
    });
  };
  if (!Array.isArray(value)) return bad(value);
  const cell = (item: unknown): string => {
    if (item === null || item === undefined) return '';
    if (!['string', 'number', 'boolean', 'bigint'].includes(typeof item)) return bad(item);
    const text = String(item as string | number);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return value
    .map((row: unknown) => (Array.isArray(row) ? `${row.map(cell).join(',')}\n` : bad(row)))
    .join('');
}
