import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Config, mergeValues, parseOverrideValue, type ConfigValues } from '../index.js';
import { RESERVED_KEYS } from './check-root.js';

const key = fc
  .oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom('a', 'b', 'c', '0', 'true', 'constructor', 'null', '~', '- x'),
  )
  .filter((k) => !['__proto__', '_delete_', '_base_', '_deprecation_', ...RESERVED_KEYS].includes(k));
const leaf = fc.oneof(
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(
    '1',
    'true',
    'null',
    '1e3',
    '- a',
    'a: b',
    '# c',
    '\n',
    '&x',
    '0x1f',
    '.5',
    '2001-01-01',
    "'",
    '"',
  ),
);
const { mapping } = fc.letrec<{ value: unknown; mapping: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('mapping'),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
  mapping: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}));

/** Whether `{{ … }}` in a string would be taken for a variable. */
const plain = mapping.filter((values) => !JSON.stringify(values).includes('{{'));

const isMapping = (value: unknown): value is ConfigValues =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

describe('merge', () => {
  it('with nothing changes nothing', () => {
    fc.assert(
      fc.property(mapping, (values) => {
        expect(mergeValues(values, {})).toEqual(values);
        expect(mergeValues({}, values)).toEqual(values);
        expect(mergeValues(values, values)).toEqual(values);
      }),
    );
  });

  it('follows the rule at every key, and changes neither argument', () => {
    const check = (base: ConfigValues, child: ConfigValues, merged: ConfigValues): void => {
      for (const name of new Set([...Object.keys(base), ...Object.keys(child)])) {
        const [b, c, m] = [base, child, merged].map((from) =>
          Object.hasOwn(from, name) ? from[name] : undefined,
        );
        if (!Object.hasOwn(child, name)) expect(m).toEqual(b);
        else if (isMapping(c) && isMapping(b)) check(b, c, m as ConfigValues);
        else expect(m).toEqual(c);
      }
      expect(Object.keys(merged)).toHaveLength(new Set([...Object.keys(base), ...Object.keys(child)]).size);
    };
    fc.assert(
      fc.property(mapping, mapping, (base, child) => {
        const before = structuredClone([base, child]);
        let merged: ConfigValues;
        try {
          merged = mergeValues(base, child);
        } catch (error) {
          expect((error as { code?: string }).code).toBe('E_CONFIG_MERGE');
          return;
        }
        check(base, child, merged);
        expect([base, child]).toEqual(before);
      }),
    );
  });

  it('with _delete_ gives the child alone', () => {
    fc.assert(
      fc.property(mapping, mapping, (base, child) => {
        expect(mergeValues({ x: base }, { x: { ...child, _delete_: true } })).toEqual({ x: child });
      }),
    );
  });
});

describe('dump', () => {
  for (const format of ['yaml', 'json', 'ts'] as const) {
    it(`reads back equal from ${format}`, async () => {
      await fc.assert(
        fc.asyncProperty(plain, async (values) => {
          const text = new Config(values).dump(format);
          expect((await Config.fromString(text, format)).values).toEqual(values);
        }),
        { numRuns: format === 'ts' ? 15 : 100 },
      );
    });
  }
});

describe('overrides', () => {
  it('read any JSON as JSON', () => {
    fc.assert(
      fc.property(mapping, fc.array(leaf), (values, list) => {
        expect(parseOverrideValue(JSON.stringify(values))).toEqual(JSON.parse(JSON.stringify(values)));
        expect(parseOverrideValue(JSON.stringify(list))).toEqual(JSON.parse(JSON.stringify(list)));
      }),
    );
  });

  it('set exactly the value at their path', () => {
    const word = fc.stringMatching(/^[a-z]{1,4}$/).filter((k) => k !== 'text');
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), leaf, (keys, value) => {
        const config = new Config({ keep: { me: 1 } });
        fc.pre(keys[0] !== 'keep');
        config.mergeFromDict({ [keys.join('.')]: value });
        expect(config.get(keys.join('.'))).toEqual(value);
        expect(config.get('keep.me')).toBe(1);
        expect(config.origin(keys.join('.')).at(-1)?.via).toBe('override');
      }),
    );
  });
});
