import { describe, expect, it } from 'vitest';
import { Config, isEngineError, loadConfig } from '../index.js';
import { testFolder } from '../test-folder.fixture.js';

const manifest = (registers: Record<string, string[]>): string =>
  JSON.stringify({ name: 'toy', version: '1.0.0', engine: { apiVersion: 1, registers } });

const PACKAGE = {
  'node_modules/toy/package.json': manifest({ MODELS: ['toy.Net'], HOOKS: ['toy.Log'] }),
  'node_modules/toy/configs/net.yaml':
    '_base_: [./parts/hooks.json]\nmodel: { type: Net, neck: { type: Neck }, head: [{ type: Head }] }\nplain: { a: 1 }\n',
  'node_modules/toy/configs/parts/hooks.json':
    '{"hooks": [{"type": "Log"}, {"type": "Own", "_scope_": "other"}]}',
};

const failure = async (file: string): Promise<string> => {
  const error: unknown = await loadConfig(file).catch((reason: unknown) => reason);
  if (!isEngineError(error)) throw new Error(`no house error: ${String(error)}`);
  expect(error.exitCode).toBe(2);
  return error.message;
};

describe('configs of other packages', () => {
  it.each([
    ['a.yaml', '_base_: toy::net.yaml\nmodel: { width: 2 }\n'],
    ['a.yaml', '_base_: ["toy::configs/net.yaml"]\nmodel: { width: 2 }\n'],
    ['a.json', '{"_base_": "toy::net", "model": {"width": 2}}'],
    ['a.mjs', "export default { _base_: 'toy::net', model: { width: 2 } };"],
  ])('are bases of %s, with the scope of their package in the outermost parts', async (name, text) => {
    const folder = testFolder({ ...PACKAGE, [`deep/er/${name}`]: text });
    const config = await loadConfig(folder('deep/er', name));
    expect(config.values).toEqual({
      model: { type: 'Net', neck: { type: 'Neck' }, head: [{ type: 'Head' }], width: 2, _scope_: 'toy' },
      plain: { a: 1 },
      hooks: [
        { type: 'Log', _scope_: 'toy' },
        { type: 'Own', _scope_: 'other' },
      ],
    });
    expect(config.origin('model.neck.type').at(-1)).toMatchObject({
      via: 'base',
      file: folder('node_modules/toy/configs/net.yaml'),
      line: 2,
    });
    expect(Config.diff(config, config)).toBe('');
  });

  it('have no scope where their package registers plain names or says nothing', async () => {
    for (const text of [
      manifest({ MODELS: ['Net'] }),
      manifest({ MODELS: ['a.N', 'b.N'] }),
      '{"name":"toy"}',
    ]) {
      const folder = testFolder({
        ...PACKAGE,
        'node_modules/toy/package.json': text,
        'a.yaml': '_base_: toy::parts/hooks\n',
      });
      const { hooks } = (await loadConfig(folder('a.yaml'))).values as { hooks: unknown[] };
      expect(hooks[0]).toEqual({ type: 'Log' });
    }
  });

  it('are refused with the file that asks when they are not there', async () => {
    const folder = testFolder({
      ...PACKAGE,
      'no-package.yaml': '_base_: other::net.yaml\n',
      'no-file.yaml': '_base_: toy::nett.yaml\n',
      'form.yaml': '_base_: "toy::"\n',
      'twice.yaml': '_base_: "toy::a::b"\n',
      'out.yaml': '_base_: toy::../../a.yaml\n',
    });
    expect(await failure(folder('no-package.yaml'))).toMatch(
      /E_MODULE_NOT_FOUND[^]*_base_ of .*no-package\.yaml[^]*pnpm add other/,
    );
    expect(await failure(folder('no-file.yaml'))).toMatch(/E_CONFIG_NOT_FOUND[^]*_base_ of .*no-file\.yaml/);
    expect(await failure(folder('form.yaml'))).toMatch(/E_CONFIG_BASE\][^]*package::path/);
    expect(await failure(folder('twice.yaml'))).toMatch(/E_CONFIG_BASE\][^]*package::path/);
    expect(await failure(folder('out.yaml'))).toMatch(/E_CONFIG_BASE\][^]*leads out/);
  });
});
