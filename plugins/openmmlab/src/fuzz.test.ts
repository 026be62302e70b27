import { Config, isEngineError } from '@engine/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import './index.js';

/** Words that Python gives a meaning, and bits of it, so that random text gets past the first token. */
const WORDS = [
  ..."a b dict list range len str ( ) [ ] { } , : = == + - * ** / // % . .. ... @ ~ | & ^ < > ' \" ''' # \\ ;".split(
    ' ',
  ),
  ...'1 0 1.5 1e3 0x1f 1_0 None True False and or not in is if else elif for while def return lambda del'.split(
    ' ',
  ),
  ...'import from with read_base() as try except raise pass break continue global assert class := += *='.split(
    ' ',
  ),
  ...[
    "'x'",
    '"y"',
    "f'{a}'",
    "f'{a:>5}'",
    "r'\\n'",
    "'%d'",
    '\n',
    '\n    ',
    '\t',
    '_base_',
    '{{_base_.a}}',
    '{{$X:1}}',
    'é',
  ],
];

async function survives(text: string): Promise<void> {
  try {
    await Config.fromString(text, 'py');
  } catch (error) {
    if (!isEngineError(error))
      throw new Error(`no house error for ${JSON.stringify(text)}`, { cause: error });
  }
}

it('random words are read or refused, never a crash', async () => {
  const text = fc.array(fc.constantFrom(...WORDS), { maxLength: 25 }).map((words) => words.join(' '));
  await fc.assert(fc.asyncProperty(text, survives), { numRuns: 2000, seed: 1 });
});

it('random characters are read or refused, never a crash', async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), survives), {
    numRuns: 500,
    seed: 2,
  });
});

const expression = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      '1',
      '0',
      '-3',
      '2.5',
      "'ab'",
      "''",
      'None',
      'True',
      '[1, 2]',
      '(1,)',
      "{'a': 1}",
      '{1, 2}',
      'x',
      'range(3)',
    ),
    fc
      .tuple(
        tie('any'),
        fc.constantFrom('+', '-', '*', '/', '//', '%', '**', '<<', '|', '==', '<', 'in', 'and', 'or'),
        tie('any'),
      )
      .map((parts) => `(${parts.join(' ')})`),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => `${String(a)}[${String(b)}]`),
    fc
      .tuple(tie('any'), tie('any'), tie('any'))
      .map(([a, b, c]) => `(${String(a)} if ${String(b)} else ${String(c)})`),
    fc
      .tuple(
        fc.constantFrom(
          'len',
          'str',
          'int',
          'list',
          'dict',
          'sorted',
          'sum',
          'max',
          'repr',
          'round',
          'format',
          'zip',
        ),
        tie('any'),
      )
      .map(([f, a]) => `${f}(${String(a)})`),
    fc
      .tuple(
        tie('any'),
        fc.constantFrom(
          'upper()',
          "split('a')",
          'copy()',
          'pop()',
          'append(1)',
          'keys()',
          'format(1)',
          "join('ab')",
          'update(a=1)',
        ),
      )
      .map(([a, m]) => `${String(a)}.${m}`),
    tie('any').map((a) => `[y for y in ${String(a)} if y]`),
    tie('any').map((a) => `f'{${String(a).replaceAll(/["']/g, '')}!r:>3}'`),
  ),
}));

it('random expressions have a value or an exception of Python, never a crash', async () => {
  const config = expression.any.map((text) => `x = [1, 'a']\nvalue = repr(${String(text)})`);
  await fc.assert(fc.asyncProperty(config, survives), { numRuns: 1500, seed: 3 });
});

it('what is written as a literal is read back equal', async () => {
  const literal = fc.jsonValue({ noUnicodeString: false, maxDepth: 4 });
  await fc.assert(
    fc.asyncProperty(literal, async (value) => {
      const text = JSON.stringify(value).replaceAll('\\/', '/');
      const config = await Config.fromString(
        `true, false, null = True, False, None\nvalue = [${text}]`,
        'py',
      );
      expect(config.values.value).toEqual([JSON.parse(JSON.stringify(value))]);
    }),
    { numRuns: 500, seed: 4 },
  );
});
