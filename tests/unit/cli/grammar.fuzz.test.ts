import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { workFolder } from '../../e2e/harness.js';
import { engine } from './in-process.js';

const folder = workFolder();
const home = process.cwd();
beforeAll(() => {
  process.chdir(folder.path);
  writeFileSync('a.yaml', 'a: { b: [1, { c: 2 }] }\n');
});
afterAll(() => {
  process.chdir(home);
  folder.dispose();
});

const word = fc.oneof(
  fc.constantFrom(
    ...'a.yaml b.yaml a.b a.b.0 a.b.1.c=3 a.b.9=1 a=1 a.b=[1,2 a.b=(x,(y,z)) =1 a= a..b=1 .=1 a.b.1.c.d=1 __proto__=1'.split(
      ' ',
    ),
    ...'--format yaml json ts xml --seed --seed=1 --device cpu --cfg-options --cfg-options=a.b=1 --no-such -x -- - --out='.split(
      ' ',
    ),
    'a.b={"c": [1]}',
    'a={{_base_.x}}',
    "a='x",
  ),
  fc.string({ unit: 'binary', maxLength: 8 }).filter((one) => !one.includes('\0')),
);

it.each(['print', 'explain', 'diff'])(
  'any words after config %s are read or refused, never a crash',
  async (action) => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (words) => {
        const { code, stderr } = await engine(['config', action, 'a.yaml', ...words]);
        expect(stderr).toMatch(/^(?:$|\[E_)/);
        expect(code).toBeLessThanOrEqual(2);
      }),
      { numRuns: 200 },
    );
  },
);
