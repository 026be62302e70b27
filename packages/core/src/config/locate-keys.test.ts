import { expect, it } from 'vitest';
import { defaultExportStart, locateKeys } from './locate-keys.js';

it('finds keys and elements of JSON, whatever its layout', () => {
  const lines = locateKeys('{"a": {"b":\n 1, "c": [1,\n {"d": "}{\\"[,"}]},\n\n"e": []}');
  expect(Object.fromEntries(lines)).toEqual({
    a: 1,
    'a.b': 1,
    'a.c': 2,
    'a.c.0': 2,
    'a.c.1': 3,
    'a.c.1.d': 3,
    e: 5,
  });
});

it('steps over what is computed in a script', () => {
  const text = `import { a } from 'a'; // export default { no: 1 }
const lr = ({ x: 1 }).x;
export default defineConfig({
  a,
  b: call({ inner: 1 }, [2]),
  /* c: { */ c: (x) => { return { y: x }; },
  ...spread({ z: 1 }),
  'd-e': \`\${lr}}\` as const,
  method() { return { q: 1 }; },
  list: [1, ...rest, { hidden: 1 }],
  last: { ok: true },
});`;
  const lines = locateKeys(
    text,
    defaultExportStart(text.replace('export default { no: 1 }', ' '.repeat(24))),
  );
  expect(Object.fromEntries(lines)).toEqual({
    a: 4,
    b: 5,
    c: 6,
    'd-e': 8,
    list: 10,
    'list.0': 10,
    last: 11,
    'last.ok': 11,
  });
});

it('follows a default export through a constant', () => {
  const text = 'interface C { a: number }\nconst config: C = {\n  a: 1,\n};\nexport default config;';
  expect(locateKeys(text, defaultExportStart(text)).get('a')).toBe(3);
  expect(defaultExportStart('export default make();')).toBe(-1);
  expect(defaultExportStart('const a = 1;')).toBe(-1);
});

it('ends on broken text', () => {
  for (const text of [
    '{',
    '{a',
    '{a:',
    '{a: [',
    '{a: "',
    '{]',
    '{a: )',
    '[1',
    '',
    '{,,,',
    '{a: {b: ]}',
    '/*',
    '{a: [}',
  ]) {
    expect(() => locateKeys(text), text).not.toThrow();
  }
});
