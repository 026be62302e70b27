import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatCsv, parseCsv } from './csv.js';

it.each([
  [
    'a,b\n1,2\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'a,b\r\n1,2',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  ['"a,1","say ""hi""","two\nlines"\n', [['a,1', 'say "hi"', 'two\nlines']]],
  ['\ufeffa,,\n', [['a', '', '']]],
  ['a,', [['a', '']]],
  ['', []],
])('reads %j', (text, rows) => {
  expect(parseCsv(text)).toEqual(rows);
});

it('gives back what it writes', () => {
  // One empty field alone cannot be told from an empty line.
  const row = fc.array(fc.string(), { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      expect(parseCsv(formatCsv(rows))).toEqual(rows);
    }),
  );
});

it('has house errors', () => {
  expect(() => parseCsv('a\nb,"open')).toThrow(/\[E_FORMAT_PARSE\][^]*line 2/);
  expect(() => parseCsv('"a"b')).toThrow(/E_FORMAT_PARSE/);
  expect(() => formatCsv([[{}]])).toThrow(/E_FORMAT_VALUE/);
  expect(() => formatCsv('text')).toThrow(/E_FORMAT_VALUE/);
});
