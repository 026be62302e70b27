import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  checkVersion,
  CORE_VERSION,
  countRegisteredModules,
  discoverPlugins,
  forgetDiscoveredPlugins,
  importInstalled,
  importNeeded,
  isEngineError,
  loadPlugins,
  OPTIMIZERS,
  traverseRegistryTree,
} from '../index.js';
import { testFolder } from '../test-folder.fixture.js';

/** Files of an installed plugin. */
function plugin(name: string, names: string[], changes: Record<string, unknown> = {}, code?: string) {
  const manifest = {
    name,
    version: '1.2.3',
    type: 'module',
    exports: './main.js',
    engine: { apiVersion: 1, registers: { OPTIMIZERS: names } },
    ...changes,
  };
  const table = "globalThis[Symbol.for('@engine/registries')].roots.get('OPTIMIZERS')";
  const adds = names.map((one) => `${table}.add('${one}', class {});`).join('\n');
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify(manifest),
    [`node_modules/${name}/main.js`]: code ?? adds,
  };
}

const codeOf = async (run: Promise<unknown>): Promise<string> => {
  const error: unknown = await run.catch((reason: unknown) => reason);
  if (!isEngineError(error)) throw new Error(`no house error: ${String(error)}`);
  return error.message;
};

describe('discoverPlugins', () => {
  it('finds packages with a manifest from the folder upwards, the nearest of a name', () => {
    const folder = testFolder({
      ...plugin('@some/one', ['OneOpt']),
      ...plugin('two', ['TwoOpt']),
      'node_modules/other/package.json': '{"name": "other", "engine": "node >= 0.8"}',
      'node_modules/broken/package.json': '{"name": "broken", "engine": ',
      'inner/node_modules/two/package.json':
        '{"name": "two", "version": "9.0.0", "engine": {"apiVersion": 1, "registers": {}}}',
    });
    const found = discoverPlugins(folder('inner')).filter(({ folder: at }) => at.startsWith(folder()));
    expect(found.map(({ name, version }) => `${name}@${version}`)).toEqual(['two@9.0.0', '@some/one@1.2.3']);
    expect(found[1]?.registers).toEqual({ OPTIMIZERS: ['OneOpt'] });
  });

  it('reads the packages once for a lockfile, linked ones every time, and survives a broken cache', () => {
    const folder = testFolder({
      'package-lock.json': '{}',
      ...plugin('installed', ['A1']),
      'linked/package.json': JSON.stringify({ name: 'linked', engine: { apiVersion: 1, registers: {} } }),
    });
    symlinkSync(folder('linked'), folder('node_modules/linked'));
    const versions = (): string[] => {
      forgetDiscoveredPlugins();
      return discoverPlugins(folder())
        .filter(({ folder: at }) => at.startsWith(folder()))
        .map(({ name, version }) => `${name}@${version}`)
        .sort();
    };
    const set = (file: string, version: string): void =>
      writeFileSync(
        folder(file),
        readFileSync(folder(file), 'utf8').replace(/^\{|"version":"[^"]*",?/g, (part) =>
          part === '{' ? `{"version":"${version}",` : '',
        ),
      );
    expect(versions()).toEqual(['installed@1.2.3', 'linked@0.0.0']);
    const cache = folder('node_modules/.cache/engine/plugins.json');
    expect(existsSync(cache)).toBe(true);
    set('node_modules/installed/package.json', '2.0.0');
    set('linked/package.json', '2.0.0');
    expect(versions()).toEqual(['installed@1.2.3', 'linked@2.0.0']);
    writeFileSync(folder('package-lock.json'), '{"changed": true}');
    expect(versions()).toEqual(['installed@2.0.0', 'linked@2.0.0']);
    writeFileSync(cache, '{"key": ');
    expect(versions()).toEqual(['installed@2.0.0', 'linked@2.0.0']);
  });
});

describe('plugins on demand', () => {
  it('imports the one that registers what a config names, wherever it stands, and no other', async () => {
    const folder = testFolder({ ...plugin('wanted', ['WantedOpt']), ...plugin('unused', ['UnusedOpt']) });
    const { loaded } = await importNeeded({ a: [{ b: { type: 'WantedOpt' } }], type: 'Nowhere' }, folder());
    expect(loaded.map(({ name }) => name)).toEqual(['wanted']);
    expect([OPTIMIZERS.has('WantedOpt'), OPTIMIZERS.has('UnusedOpt')]).toEqual([true, false]);
    // What is not imported is named, since it is installed.
    expect(() => OPTIMIZERS.require('UnusedOpt')).toThrow(/import 'unused', which is installed/);
    expect(OPTIMIZERS.siteOf('WantedOpt')).toEqual({
      file: folder('node_modules/wanted/main.js'),
      package: 'wanted@1.2.3',
    });
  });

  it('imports the one that provides the device, and not a part of another kind that is called the same', async () => {
    const table = "globalThis[Symbol.for('@engine/registries')].roots.get('BACKENDS')";
    const folder = testFolder({
      ...plugin(
        'quick-backend',
        [],
        { engine: { apiVersion: 1, registers: { BACKENDS: ['quick'] } } },
        `${table}.add('quick', class {});`,
      ),
      ...plugin('quick-optim', ['quick']),
    });
    const names = async (config: object): Promise<string[]> =>
      (await importNeeded(config, folder())).loaded.map(({ name }) => name);
    expect(await names({ device: 'auto', inner: { device: 'quick' } })).toEqual([]);
    expect(await names({ device: 'quick:1' })).toEqual(['quick-backend']);
    expect(await names({ device: 'quick' })).toEqual([]);
  });

  it('names both packages that register one name', async () => {
    const folder = testFolder({ ...plugin('first', ['TwiceOpt']), ...plugin('second', ['TwiceOpt']) });
    expect(await codeOf(importNeeded({ type: 'TwiceOpt' }, folder()))).toMatch(
      /E_PLUGIN_CONFLICT.*'TwiceOpt' in OPTIMIZERS.*first@1\.2\.3 .* and second@1\.2\.3/s,
    );
    // The same at registration, when both are listed.
    expect(await codeOf(loadPlugins(['first', 'second'], folder()))).toMatch(
      /already registered in OPTIMIZERS/,
    );
    const both = await loadPlugins(['second'], folder()).catch((error: Error) => error.cause as Error);
    expect((both as Error).message).toMatch(/from second@1\.2\.3.*from first@1\.2\.3/s);
  });

  it('leaves the others be when one throws or was made for another engine', async () => {
    const folder = testFolder({
      ...plugin('bad', ['BadOpt'], {}, "throw new RangeError('not today');"),
      ...plugin('future', ['FutureOpt'], { engine: { apiVersion: 7, registers: {} } }),
      ...plugin('good', ['GoodOpt']),
    });
    const { loaded, failed } = await importInstalled(folder());
    expect(loaded.map(({ name }) => name)).toContain('good');
    const reasons = Object.fromEntries(failed.map(({ plugin: { name }, error }) => [name, error.message]));
    expect(reasons.bad).toBe('not today');
    expect(reasons.future).toMatch(/E_PLUGIN_VERSION.*apiVersion 7 of future@1\.2\.3.*apiVersion 1/s);
    expect(OPTIMIZERS.has('GoodOpt')).toBe(true);
  });

  it('says both versions when a plugin asks for another core, also when it is listed', async () => {
    const folder = testFolder(plugin('old', ['OldOpt'], { peerDependencies: { '@engine/core': '^99.1.0' } }));
    const message = await codeOf(loadPlugins(['old'], folder()));
    expect(message).toContain('E_PLUGIN_VERSION');
    expect(message).toContain('old@1.2.3');
    expect(message).toContain(`@engine/core@${CORE_VERSION}`);
    expect(message).toContain('^99.1.0');
    const [found] = discoverPlugins(folder());
    expect(() => checkVersion(found!, '99.4.0')).not.toThrow();
    expect(() => checkVersion(found!, '100.0.0')).toThrow(/update old/);
  });
});

describe('countRegisteredModules', () => {
  it('counts by scope and package, and writes the report', async () => {
    const folder = testFolder(plugin('counted', ['CountedOpt']));
    await importInstalled(folder());
    mkdirSync(folder('out'));
    const report = countRegisteredModules(folder('out/report.json'));
    expect(JSON.parse(readFileSync(folder('out/report.json'), 'utf8'))).toEqual(report);
    expect(report.registries.OPTIMIZERS?.[0]?.modules['counted@1.2.3']).toEqual(['CountedOpt']);
    expect(report.registries.OPTIMIZERS?.[0]).toMatchObject({ scope: 'engine', numModules: OPTIMIZERS.size });
    expect(traverseRegistryTree(OPTIMIZERS as never)).toEqual(report.registries.OPTIMIZERS);
  });
});
