import { afterEach, describe, expect, it, vi } from 'vitest';
import { Config, isEngineError, loadConfig } from '../index.js';
import { testFolder } from '../test-folder.fixture.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The code and text of the house error that loading ends in. */
async function failure(file: string, options: Parameters<typeof loadConfig>[1] = {}): Promise<string> {
  const error: unknown = await loadConfig(file, options).catch((reason: unknown) => reason);
  if (!isEngineError(error)) throw new Error(`no house error: ${String(error)}`);
  expect(error.exitCode, 'exit code of a wrong config').toBe(2);
  return error.message;
}

async function valuesOf(files: Record<string, string>, name = Object.keys(files)[0]!): Promise<unknown> {
  return (await loadConfig(testFolder(files)(name))).values;
}

describe('formats', () => {
  const expected = { a: 1, b: [true, null, 'x'], c: { d: 0.5 } };

  it.each([
    ['a.yaml', 'a: 1\nb: [true, null, x]\nc:\n  d: 0.5\n'],
    ['a.yml', 'a: 1\nb:\n- true\n- null\n- x\nc: {d: 5e-1}\n'],
    ['a.json', '\uFEFF{"a": 1, "b": [true, null, "x"], "c": {"d": 0.5}}'],
    ['a.json5', "// comment\n{a: 1, b: [true, null, 'x',], c: {d: .5}}"],
    [
      'a.ts',
      "enum A { one = 1 }\nexport default { a: A.one, b: [true, null, 'x'], c: { d: 0.5 } as const };",
    ],
    ['a.mts', "export default (): object => ({ a: 1, b: [true, null, 'x'], c: { d: 0.5 } });"],
    ['a.mjs', "export default async () => ({ a: 1, b: [true, null, 'x'], c: { d: 0.5, e: undefined } });"],
    ['a.js', "export default { a: 1, b: [true, null, 'x'], c: { d: 0.5 } };"],
  ])('%s', async (name, text) => {
    expect(await valuesOf({ [name]: text, 'package.json': '{"type": "module"}' }, name)).toEqual(expected);
  });

  it('reads an empty YAML file as an empty config, and YAML merge keys', async () => {
    expect(await valuesOf({ 'a.yaml': '# nothing\n' })).toEqual({});
    expect(await valuesOf({ 'a.yaml': 'x: &x {p: 1, q: 2}\ny: {<<: *x, q: 3}\n' })).toEqual({
      x: { p: 1, q: 2 },
      y: { p: 1, q: 3 },
    });
  });

  it('keeps classes, functions and instances of scripts as they are', async () => {
    const folder = testFolder({
      'base.mjs':
        'export class Net {}\nexport const fn = () => 1;\nexport const date = new Date(0);\nexport default { model: { type: Net, fn, width: 1 } };',
      'child.mjs':
        "import { date } from './base.mjs';\nexport default { _base_: './base.mjs', model: { width: 2 }, date };",
    });
    const { Net, fn, date } = (await import(folder('base.mjs'))) as Record<string, unknown>;
    const { model, ...rest } = (await loadConfig(folder('child.mjs'))).values as {
      model: Record<string, unknown>;
    };
    expect(model.type).toBe(Net);
    expect(model.fn).toBe(fn);
    expect(model.width).toBe(2);
    expect((rest as { date: unknown }).date).toBe(date);
  });
});

describe('inheritance', () => {
  it('merges over one base or several, relative to the file that names them, across formats', async () => {
    const folder = testFolder({
      'exp/child.ts':
        "export default { _base_: ['../base/a.yaml', '../base/b.json'], a: { y: 5 }, list: [9] };",
      'base/a.yaml': '_base_: deep/root.json5\na: {x: 2}\n',
      'base/deep/root.json5': '{a: {x: 1, y: 1, z: 1}, list: [1, 2, 3]}',
      'base/b.json': '{"b": 1}',
    });
    const config = await loadConfig(folder('exp/child.ts'));
    expect(config.values).toEqual({ a: { x: 2, y: 5, z: 1 }, list: [9], b: 1 });
    expect(config.text.match(/^\/.*$/gm)).toEqual(
      ['base/deep/root.json5', 'base/a.yaml', 'base/b.json', 'exp/child.ts'].map((name) => folder(name)),
    );
  });

  it('drops _delete_ everywhere, also where there was nothing to delete', async () => {
    const values = await valuesOf({
      'child.yaml':
        '_base_: base.yaml\na: {_delete_: true, q: 1}\nnew: {_delete_: true, r: {_delete_: false, s: 1}}\nl: [{_delete_: true, t: 1}]\nn: {_delete_: true, u: 1}\n',
      'base.yaml': 'a: {p: 1}\nn: 5\n',
    });
    expect(values).toEqual({ a: { q: 1 }, new: { r: { s: 1 } }, l: [{ t: 1 }], n: { u: 1 } });
  });

  it('refuses a mapping over something else', async () => {
    const folder = testFolder({
      'child.yaml': '_base_: base.yaml\na: {b: {c: 1}}\n',
      'base.yaml': 'a: {b: 3}\n',
      'over-list.yaml': '_base_: list.yaml\nl: {"0": {c: 1}}\n',
      'list.yaml': 'l: [{c: 2}]\n',
    });
    expect(await failure(folder('child.yaml'))).toMatch(
      /E_CONFIG_MERGE.*'a\.b' is a mapping here.*value 3.*_delete_: true/s,
    );
    expect(await failure(folder('over-list.yaml'))).toMatch(
      /E_CONFIG_MERGE.*'l' is a mapping here, but a list/s,
    );
  });

  it('refuses sibling bases with a common key, circles, and odd _base_ values', async () => {
    const folder = testFolder({
      'child.yaml': '_base_: [a.yaml, b.yaml]\n',
      'a.yaml': 'x: 1\n',
      'b.yaml': 'x: 1\n',
      'c.yaml': '_base_: d.yaml\n',
      'd.yaml': '_base_: c.yaml\n',
      'odd.yaml': '_base_: [1]\n',
    });
    expect(await failure(folder('child.yaml'))).toMatch(/E_CONFIG_BASE_KEYS.*'x'.*a\.yaml.*b\.yaml/s);
    expect(await failure(folder('c.yaml'))).toMatch(/E_CONFIG_BASE_CYCLE.*c\.yaml → .*d\.yaml → .*c\.yaml/s);
    expect(await failure(folder('odd.yaml'))).toContain('E_CONFIG_BASE]');
  });

  it('warns of deprecated bases', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const values = await valuesOf({
      'child.yaml': '_base_: old.yaml\n',
      'old.yaml': '_deprecation_: {expected: new.yaml, reference: issue 1}\na: 1\n',
    });
    expect(values).toEqual({ a: 1 });
    expect(warn.mock.calls[0]![0]).toMatch(/old\.yaml is deprecated; use new\.yaml \(see issue 1\)\.$/);
    warn.mockRestore();
  });
});

describe('variables', () => {
  it('describe the file they stand in', async () => {
    const folder = testFolder({
      'exp/child.yaml': '_base_: ../b.ts\nname: "{{ fileBasename }}|{{fileExtname}}|{{fileDirname}}"\n',
      'b.ts': "export default { base: 'x/{{ fileBasenameNoExtension }}' };",
    });
    expect((await loadConfig(folder('exp/child.yaml'))).values).toEqual({
      base: 'x/b',
      name: `child.yaml|.yaml|${folder('exp')}`,
    });
  });

  it('stay as they are when that is asked for', async () => {
    const folder = testFolder({
      'a.yaml': 'name: "{{ fileBasename }}"\nvalue: "{{$ENGINE_TEST_NOTHING:1}}"\n',
    });
    expect((await loadConfig(folder('a.yaml'), { predefined: false, env: false })).values).toEqual({
      name: '{{ fileBasename }}',
      value: '{{$ENGINE_TEST_NOTHING:1}}',
    });
    expect((await loadConfig(folder('a.yaml'), { predefined: false })).values).toMatchObject({
      name: '{{ fileBasename }}',
      value: '1',
    });
  });

  it('of the environment are replaced textually and recorded', async () => {
    vi.stubEnv('ENGINE_TEST_LR', '0.25');
    const folder = testFolder({
      'a.yaml':
        'lr: {{$ENGINE_TEST_LR:1}}\nn: {{$ENGINE_TEST_NONE:3}}\nquoted: "{{$ENGINE_TEST_NONE:3}}"\ndir: a/{{ $ENGINE_TEST_OTHER : b }}/c\n',
      'a.json': '{"lr": {{"$ENGINE_TEST_LR:1"}}, "s": "{{$ENGINE_TEST_LR:1}}"}',
      'a.mjs': "export default { n: '{{\"$ENGINE_TEST_LR:1\"}}', s: '{{$ENGINE_TEST_LR:1}}' };",
    });
    const yaml = await loadConfig(folder('a.yaml'));
    expect(yaml.values).toEqual({ lr: 0.25, n: 3, quoted: '3', dir: 'a/b/c' });
    expect(yaml.envVariables).toEqual({
      ENGINE_TEST_LR: '0.25',
      ENGINE_TEST_NONE: '3',
      ENGINE_TEST_OTHER: 'b',
    });
    expect((await loadConfig(folder('a.json'))).values).toEqual({ lr: 0.25, s: '0.25' });
    expect((await loadConfig(folder('a.mjs'))).values).toEqual({ n: 0.25, s: '0.25' });
    expect((await loadConfig(folder('a.mjs'), { env: false })).values.s).toBe('{{$ENGINE_TEST_LR:1}}');
  });

  it('that are missing are errors with the line', async () => {
    vi.stubEnv('ENGINE_TEST_EMPTY', '');
    const folder = testFolder({
      'a.yaml': 'a: 1\nb: {{$ENGINE_TEST_EMPTY:}}\n',
      'b.yaml': 'b: {{$ENGINE_TEST_NONE}}\n',
    });
    expect(await failure(folder('a.yaml'))).toMatch(/E_CONFIG_ENV.*ENGINE_TEST_EMPTY.*a\.yaml:2/s);
    expect(await failure(folder('b.yaml'))).toContain('E_CONFIG_ENV');
  });

  it('of the bases keep their type, in any depth and format', async () => {
    const folder = testFolder({
      'base.yaml': 'n: 3\nm: {k: [1, {v: deep}]}\ns: text\n',
      'a.yaml':
        '_base_: base.yaml\na: {{_base_.n}}\nb: [{{ _base_.m }}, {c: {{_base_.m.k.1.v}}}]\nd: pre/{{_base_.s}}/post\ne: "{{_base_.m.k}}"\n',
      'a.json': '{"_base_": "base.yaml", "a": {{_base_.n}}, "d": "n={{_base_.n}}", "e": "{{_base_.m.k}}"}',
      'a.mjs': "export default { _base_: 'base.yaml', a: '{{_base_.n}}', b: ['{{_base_.m.k.1.v}}'] };",
      'wrong.yaml': '_base_: base.yaml\na: {{_base_.m.j}}\n',
    });
    const base = { n: 3, m: { k: [1, { v: 'deep' }] }, s: 'text' };
    expect((await loadConfig(folder('a.yaml'))).values).toEqual({
      ...base,
      a: 3,
      b: [base.m, { c: 'deep' }],
      d: 'pre/text/post',
      e: base.m.k,
    });
    expect((await loadConfig(folder('a.json'))).values).toEqual({ ...base, a: 3, d: 'n=3', e: base.m.k });
    expect((await loadConfig(folder('a.mjs'))).values).toEqual({ ...base, a: 3, b: ['deep'] });
    expect(await failure(folder('wrong.yaml'))).toMatch(
      /E_CONFIG_REFERENCE.*'m\.j'.*a = .*after 'm', one of k.*did you mean 'k'/s,
    );
  });
});

describe('errors', () => {
  it('say what is wrong with the file', async () => {
    const folder = testFolder({
      'resnet18.yaml': 'a: 1\n',
      'bad.yaml': 'a: 1\nb: [1,\nc: 2\n',
      'twice.yaml': 'a: 1\na: 2\n',
      'bad.json': '{"a": 1,\n "b": }',
      'comment.json': '{"a": 1, // one\n}',
      'bad.json5': '{a: 1,\n b: }',
      'bad.ts': 'export default {\n  a: 1,\n  b: = 2,\n};',
      'throws.ts': "throw new RangeError('no such thing');\nexport default {};",
      'missing.ts': "import '@nobody/nothing-here/deep';\nexport default {};",
      'none.ts': 'export const config = { a: 1 };',
      'list.yaml': '- 1\n',
      'x.xml': '',
      'reserved.yaml': 'text: hello\n',
      'reserved.json': '{"filename": 1}',
      'reserved.ts': 'export default { envVariables: 1 };',
      'folder.yaml/x': '',
    });
    expect(await failure(folder('resnet81.yaml'))).toMatch(
      /E_CONFIG_NOT_FOUND.*did you mean 'resnet18\.yaml'/s,
    );
    expect(await failure(folder('resnet18.json'))).toMatch(
      /E_CONFIG_NOT_FOUND.*did you mean 'resnet18\.yaml'/s,
    );
    expect(await failure(folder('bad.yaml'))).toMatch(/E_CONFIG_SYNTAX.*bad\.yaml:3\)/s);
    expect(await failure(folder('twice.yaml'))).toMatch(/E_CONFIG_SYNTAX.*unique.*twice\.yaml:2\)/s);
    expect(await failure(folder('bad.json'))).toMatch(/E_CONFIG_SYNTAX.*bad\.json:2\)/s);
    expect(await failure(folder('comment.json'))).toMatch(/E_CONFIG_SYNTAX.*rename it to \.json5/s);
    expect(await failure(folder('bad.json5'))).toMatch(/E_CONFIG_SYNTAX.*bad\.json5:2\)/s);
    expect(await failure(folder('bad.ts'))).toMatch(/E_CONFIG_SYNTAX.*bad\.ts:3\)/s);
    expect(await failure(folder('throws.ts'))).toMatch(/E_CONFIG_EVALUATION.*RangeError: no such thing/s);
    expect(await failure(folder('missing.ts'))).toMatch(
      /E_CONFIG_EVALUATION.*pnpm add @nobody\/nothing-here\n/s,
    );
    expect(await failure(folder('none.ts'))).toMatch(/E_CONFIG_EXPORT.*exports config/s);
    expect(await failure(folder('list.yaml'))).toMatch(/E_CONFIG_TYPE.*\[1\]/s);
    expect(await failure(folder('x.xml'))).toContain('E_CONFIG_EXTENSION');
    for (const name of ['reserved.yaml', 'reserved.json', 'reserved.ts']) {
      expect(await failure(folder(name)), name).toContain('E_CONFIG_RESERVED');
    }
    expect(await failure(folder('folder.yaml'))).toMatch(/E_CONFIG_UNREADABLE.*EISDIR/s);
  });

  it('name the base that is missing', async () => {
    const folder = testFolder({ 'a.yaml': '_base_: bsae.yaml\n', 'base.yaml': '' });
    expect(await failure(folder('a.yaml'))).toMatch(
      /E_CONFIG_NOT_FOUND.*bsae\.yaml.*did you mean 'base\.yaml'/s,
    );
  });

  it('refuse a config that contains itself, and keys that change prototypes', async () => {
    const folder = testFolder({
      'loop.mjs': 'const a = { b: {} };\na.b.c = a;\nexport default a;',
      'proto.json': '{"a": {"__proto__": {"polluted": 1}}}',
    });
    expect(await failure(folder('loop.mjs'))).toContain('E_CONFIG_CYCLE');
    expect(await failure(folder('proto.json'))).toContain('E_CONFIG_KEY');
    expect(await failure(folder('proto.json'), { overrides: ['__proto__.x=1'] })).toContain('E_CONFIG_KEY');
  });
});

describe('overrides', () => {
  const files = { 'a.yaml': 'optim: {lr: 0.1, betas: [0.9, 0.99]}\nhooks: [{type: A}, {type: B, n: 1}]\n' };

  it('set values by path, as texts or as a record, later ones winning', async () => {
    const folder = testFolder(files);
    const texts = ['optim.lr=0.5', 'optim.lr=0.2', 'hooks.1.n=7', 'optim.betas.0=0', 'new.deep.x=[1,a]'];
    const expected = {
      optim: { lr: 0.2, betas: [0, 0.99] },
      hooks: [{ type: 'A' }, { type: 'B', n: 7 }],
      new: { deep: { x: [1, 'a'] } },
    };
    expect((await loadConfig(folder('a.yaml'), { overrides: texts })).values).toEqual(expected);
    const record = { 'optim.lr': 0.2, 'hooks.1.n': 7, 'optim.betas.0': 0, 'new.deep.x': [1, 'a'] };
    expect((await loadConfig(folder('a.yaml'), { overrides: record })).values).toEqual(expected);
  });

  it('merge mappings over mappings, and _delete_ replaces', async () => {
    const folder = testFolder(files);
    const overrides = ['optim={"momentum": 0.9}', 'hooks.0={"_delete_": true, "type": "C"}'];
    expect((await loadConfig(folder('a.yaml'), { overrides })).values).toEqual({
      optim: { lr: 0.1, betas: [0.9, 0.99], momentum: 0.9 },
      hooks: [{ type: 'C' }, { type: 'B', n: 1 }],
    });
  });

  it('that do not fit are errors', async () => {
    const folder = testFolder(files);
    const file = folder('a.yaml');
    expect(await failure(file, { overrides: ['hooks.2.n=1'] })).toMatch(
      /E_CONFIG_INDEX.*'hooks'.*'2'.*0 to 1/s,
    );
    expect(await failure(file, { overrides: ['hooks.x=1'] })).toContain('E_CONFIG_INDEX');
    expect(await failure(file, { overrides: ['optim.lr.x=1'] })).toContain('E_CONFIG_MERGE');
    expect(await failure(file, { overrides: ['optim..lr=1'] })).toContain('E_CONFIG_OVERRIDE');
    expect(await failure(file, { overrides: ['optim.lr'] })).toContain('E_CONFIG_OVERRIDE');
    expect(await failure(file, { overrides: ['text=1'] })).toContain('E_CONFIG_RESERVED');
  });

  it('may leave lists alone', () => {
    const config = new Config({ item: [{ a: 0 }] });
    expect(() => config.mergeFromDict({ 'item.0.a': 1 }, { allowListKeys: false })).toThrow('E_CONFIG_MERGE');
    expect(config.mergeFromDict({ 'item.0.a': 1 }).values).toEqual({ item: [{ a: 1 }] });
  });
});
