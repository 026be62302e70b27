import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import {
  importModule,
  isEngineError,
  loadConfig,
  loadedPlugins,
  loadPlugins,
  MODELS,
  Registry,
} from '../index.js';
import { testFolder } from '../test-folder.fixture.js';

const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '../..');

async function failure(run: Promise<unknown>): Promise<string> {
  const error: unknown = await run.catch((reason: unknown) => reason);
  if (!isEngineError(error)) throw new Error(`no house error: ${String(error)}`);
  return error.message;
}

describe('loadPlugins', () => {
  it('imports files and packages in order, and remembers them for workers', async () => {
    const folder = testFolder({
      'one.ts': 'enum A { x = 1 }\nexport const name: string = `one${A.x}`;',
      'two.mjs': "export const name = 'two';",
      'node_modules/some-plugin/package.json':
        '{"name": "some-plugin", "type": "module", "exports": {"import": "./main.js"}}',
      'node_modules/some-plugin/main.js': "export const name = 'three';",
    });
    const loaded = await loadPlugins(['./one.ts', folder('two.mjs'), 'some-plugin'], folder());
    expect(loaded.map(({ name }) => name)).toEqual(['one1', 'two', 'three']);
    const urls = ['one.ts', 'two.mjs', 'node_modules/some-plugin/main.js'].map(
      (name) => pathToFileURL(folder(name)).href,
    );
    expect(loadedPlugins().filter((url) => url.startsWith(pathToFileURL(folder()).href))).toEqual(urls);
    expect(await importModule(urls[0]!, '/')).toBe(loaded[0]);
  });

  it('says what to install, or which file was meant', async () => {
    const folder = testFolder({ 'plugin.ts': '' });
    expect(await failure(loadPlugins(['@nobody/nothing-here/deep'], folder()))).toMatch(
      /E_PLUGIN_LOAD.*cannot be found.*fix {7}pnpm add @nobody\/nothing-here\n/s,
    );
    expect(await failure(loadPlugins(['./plugn.ts'], folder()))).toMatch(
      /cannot be found.*did you mean '.*plugin\.ts'/s,
    );
    expect(await failure(importModule('./plugn.ts', folder()))).toContain('E_MODULE_NOT_FOUND');
  });

  it('keeps the error of a plugin that throws as the cause, and lets it try again', async () => {
    const folder = testFolder({ 'bad.ts': "throw new RangeError('not today');" });
    const error = (await loadPlugins(['./bad.ts'], folder()).catch((reason: unknown) => reason)) as Error;
    expect(error.message).toMatch(/E_PLUGIN_LOAD.*'\.\/bad\.ts' cannot be loaded.*not today/s);
    expect((error.cause as Error).message).toContain('not today');
    writeFileSync(folder('bad.ts'), 'export const ok = true;');
    const [again] = await loadPlugins(['./bad.ts'], folder());
    expect(again?.ok).toBe(true);
  });
});

const CONFIG = `
import { MODELS, Registry, register, defineConfig } from '@engine/core';
import { width } from './width.js';
class BaseModel { constructor(readonly options: { width: number }) {} }
@register(MODELS, { name: 'NAME' })
class Net extends BaseModel {}
export const seen = { MODELS, Registry, Net };
export default defineConfig({ model: { type: Net, width } } as object);
`;
const WIDTH =
  "import { MODELS } from '@engine/core';\nexport const width: number = MODELS.has('x') ? 0 : 64;\n";

describe('scripts share the packages of the process', () => {
  it('under the test runner, where packages run from source', async () => {
    const folder = testFolder({ 'config.ts': CONFIG.replace('NAME', 'SharedNet'), 'width.ts': WIDTH });
    const config = await loadConfig(folder('config.ts'));
    const { seen } = (await importModule('./config.ts', folder())) as { seen: Record<string, unknown> };
    expect(seen.MODELS).toBe(MODELS);
    expect(seen.Registry).toBe(Registry);
    expect(MODELS.get('SharedNet')).toBe(seen.Net);
    const model = config.values.model as { type: unknown; width: number };
    expect([model.type, model.width]).toEqual([seen.Net, 64]);
    expect(config.dump()).toBe('model:\n  type: SharedNet\n  width: 64\n');
    expect(loadedPlugins()).toContain(pathToFileURL(folder('config.ts')).href);
  });

  it('in plain Node, where they are compiled', () => {
    const folder = testFolder({
      'app/config.ts': CONFIG.replace('NAME', 'PlainNet'),
      'app/width.ts': WIDTH,
      'app/model.py': 'a = 1',
      'app/bad.mjs': 'export default {\n  a: 1,\n  b: = 2,\n};',
      'app/main.mjs': `
        import { Config, importModule, loadConfig, MODELS, Registry } from '@engine/core';
        const config = await loadConfig('config.ts', { overrides: ['model.width=32'] });
        const { seen } = await importModule('./config.ts', process.cwd());
        const net = MODELS.build(config.values.model);
        const bad = await loadConfig('bad.mjs').catch((error) => error.message);
        const python = await loadConfig('model.py').catch((error) => error.message);
        console.log(JSON.stringify([
          seen.MODELS === MODELS, seen.Registry === Registry, net instanceof seen.Net, net.options.width,
          MODELS.get('PlainNet') === seen.Net, config.origin('model.width')[0].line, config instanceof Config,
          /E_CONFIG_SYNTAX.*bad\\.mjs:3\\)/s.test(bad),
          /E_CONFIG_EXTENSION.*pnpm add @engine\\/openmmlab/s.test(python),
        ]));`,
    });
    compileCore(folder('core'));
    mkdirSync(folder('app/node_modules/@engine'), { recursive: true });
    symlinkSync(folder('core'), folder('app/node_modules/@engine/core'));
    // pnpm's launchers put the packages of the workspace where everything finds them.
    const env = { ...process.env, NODE_PATH: '' };
    const output = execFileSync(process.execPath, ['main.mjs'], {
      cwd: folder('app'),
      encoding: 'utf8',
      env,
    });
    expect(JSON.parse(output)).toEqual([true, true, true, 32, true, 8, true, true, true]);
  }, 60_000);
});

/** This package as it is published, without type checking. */
function compileCore(target: string): void {
  const sources = readdirSync(join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' });
  for (const name of sources.filter((file) => /(?<!\.test|\.fixture)\.ts$/.test(file))) {
    const { outputText } = ts.transpileModule(readFileSync(join(PACKAGE, 'src', name), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        experimentalDecorators: true,
        esModuleInterop: true,
      },
    });
    const file = join(target, 'dist', name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, outputText);
  }
  cpSync(join(PACKAGE, 'package.json'), join(target, 'package.json'));
  symlinkSync(join(PACKAGE, 'node_modules'), join(target, 'node_modules'));
}
