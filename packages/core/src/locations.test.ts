import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EngineError, extendRegistries, Registry } from './index.js';
import { testFolder } from './test-folder.fixture.js';

const seen = globalThis as { located?: string[]; home?: Registry<unknown, object> };

/** A module that notes that it was imported, and registers entries in `globalThis.home`. */
const module = (name: string, ...entries: string[]): string =>
  [
    `(globalThis.located ??= []).push('${name}');`,
    ...entries.map((entry) => `globalThis.home.add('${entry}', class ${entry} {});`),
    'export {};',
  ].join('\n');

const files = (): ((file: string) => URL) => {
  const folder = testFolder({
    'one.mjs': module('one', 'One'),
    'two.mjs': module('two', 'Two'),
    'waits.mjs': 'await 1; export {};',
    'bad.mjs': "throw new RangeError('not today');",
  });
  return (file) => pathToFileURL(folder(file));
};

/** A child registry that has those modules. */
function home(...locations: (URL | string)[]): Registry<unknown, object> {
  const parent = new Registry<unknown, object>('THINGS');
  parent.add('Known', class Known {});
  seen.located = [];
  return (seen.home = new Registry<unknown, object>('THINGS', {
    parent,
    scope: 'lab',
    locations,
  }));
}

function failure(run: () => unknown): EngineError {
  try {
    run();
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('locations of a registry', () => {
  it('are imported once, when a name is looked up that is not there', () => {
    const at = files();
    const registry = home(at('one.mjs'), at('two.mjs').href);
    registry.add('Own', class Own {});
    expect([registry.get('Own')?.name, seen.located]).toEqual(['Own', []]);
    expect(registry.root.get('lab.One')?.name).toBe('One');
    expect(seen.located).toEqual(['one', 'two']);
    expect([registry.get('Two')?.name, registry.get('Known')?.name, registry.has('Three')]).toEqual([
      'Two',
      'Known',
      false,
    ]);
    expect(seen.located).toEqual(['one', 'two']);
  });

  it('that throw leave the others be, and are the reason of what is missing', () => {
    const at = files();
    const registry = home(at('bad.mjs'), at('waits.mjs'));
    registry.addLocations('no-such-package', at('two.mjs'));
    expect([registry.get('Known')?.name, registry.get('Two')?.name]).toEqual(['Known', 'Two']);
    const error = failure(() => registry.root.require('lab.Three'));
    expect(error.message).toMatch(/E_REGISTRY_LOCATION.*THINGS.*bad\.mjs: not today/s);
    expect((error.cause as Error).name).toBe('RangeError');
    const waiting = failure(() => home(at('waits.mjs')).require('One'));
    expect(waiting.message).toMatch(/waits\.mjs.*list it under `plugins`/s);
    expect(failure(() => home(at('none.mjs')).require('One')).message).toMatch(/none\.mjs.*new URL/s);
    expect(failure(() => home('no-such-package').require('One')).message).toMatch(/no-such-package/);
  });

  it('belong to a scope', () => {
    const at = files();
    const { MODELS } = extendRegistries('located', { locations: { MODELS: [at('none.mjs')] } });
    expect(failure(() => MODELS.require('X')).code).toBe('E_REGISTRY_LOCATION');
    expect(failure(() => extendRegistries('located', { locations: { MODEL: [] } as never })).message).toMatch(
      /MODEL.*MODELS/s,
    );
  });
});
