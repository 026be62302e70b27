import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Config, isEngineError, parseOverride } from '../index.js';
import { substituteStrings, substituteText, resolveReferences } from './variables.js';

/** Pieces that mean something to YAML, JSON, templates and overrides. */
const PIECES =
  `{{ }} {{_base_.a}} {{_base_.a.0}} {{_base_. {{$HOME}} {{$NOPE:1}} {{"$NOPE:x"}} {{$ {{ fileBasename }} : - , = [ ] ( ) { } " ' | > & * ! # % @ ? ~
  a b a.b 0 1 -1 1e3 true None null nan .inf _base_ _delete_ __proto__ constructor _deprecation_ filename <<: &x *x --- ... \\ \\u0000 \u00e9 \u{1f600}`
    .split(/\s+/)
    .concat(' ', '\n', '\n  ', '\t', '\r\n');
const text = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 24 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

/** What happens, or the house error; anything else fails. */
function house<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (isEngineError(error)) return error.code;
    throw error;
  }
}
async function houseLater(run: Promise<unknown>): Promise<unknown> {
  return run.catch((error: unknown) => {
    if (isEngineError(error)) return error.code;
    throw error;
  });
}

const context = { file: '/configs/a.yaml', predefined: true, env: true, used: {} };

describe('no text ends in anything but a value or a house error', () => {
  it.each(['yaml', 'json', 'json5'] as const)('as %s', async (format) => {
    await fc.assert(
      fc.asyncProperty(text, async (source) => {
        await houseLater(Config.fromString(source, format));
      }),
      { numRuns: 600 },
    );
  });

  it('as variables and references', () => {
    fc.assert(
      fc.property(text, fc.jsonValue(), (source, base) => {
        house(() => substituteText(source, context));
        house(() => substituteStrings({ a: source }, context));
        house(() => resolveReferences({ a: [source] }, { a: base }, context.file));
      }),
      { numRuns: 1000 },
    );
  });

  it('as overrides of any config', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', '0'), fc.jsonValue()), text, (values, override) => {
        house(() => {
          const { path, value } = parseOverride(override);
          const config = house(() => new Config(values));
          if (config instanceof Config) config.override(path, value, override);
        });
        house(() => {
          const config = new Config({ a: values });
          const { value } = parseOverride(`a.b=${override}`);
          config.override('a.b', value, override);
          // What was given can be asked for, printed and explained.
          expect(config.get('a.b')).toEqual(value);
          expect(config.origin('a.b').at(-1)).toMatchObject({ via: 'override', text: override });
          expect(typeof config.explain('a.b')).toBe('string');
        });
      }),
      { numRuns: 1000 },
    );
  });

  it.each(['[', '(', '{"a":', '- ', '{a: '])('nested too deep with %s', async (open) => {
    const close = open === '[' ? ']' : open === '(' ? ')' : open.startsWith('{') ? '}' : '';
    const deep = `${open.repeat(20_000)}1${close.repeat(20_000)}`;
    house(() => {
      const { path, value } = parseOverride(`a=${deep}`);
      new Config({}).override(path, value, deep);
    });
    await houseLater(Config.fromString(`a: ${open === '- ' ? '\n ' : ''}${deep}`, 'yaml'));
    await houseLater(Config.fromString(`{"a": ${deep}}`, 'json'));
  });
});
