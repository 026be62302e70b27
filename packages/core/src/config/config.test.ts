import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { badValue, checkKeys, Config, loadConfig, MODELS, Registry, register } from '../index.js';
import { testFolder } from '../test-folder.fixture.js';

const FILES = {
  'child.yaml':
    '_base_: [model.yaml, run.json]\n\nmodel:\n  head: {_delete_: true, type: MLP}\noptim:\n  lr: 0.4\nhooks:\n- type: Logger\n  interval: 50\n',
  'model.yaml': '# the model\nmodel:\n  type: Net\n  head:\n    type: Linear\n    width: 10\n',
  'run.json': '{\n  "optim": {"type": "SGD",\n            "lr": 0.1},\n  "hooks": [{"type": "Timer"}]\n}\n',
};

async function load(overrides: string[] = []) {
  const folder = testFolder(FILES);
  const config = await loadConfig(folder('child.yaml'), { overrides });
  const origins = (path: string) =>
    config
      .origin(path)
      .map(({ file, line, via, text }) => `${text ?? file!.slice(folder().length + 1)}:${line} ${via}`);
  return { config, origins, folder };
}

describe('origins', () => {
  it('name every layer that set a value, newest last', async () => {
    const { origins } = await load(['optim.lr=0.2', 'hooks.0.interval=5']);
    expect(origins('optim.lr')).toEqual([
      'run.json:3 base',
      'child.yaml:6 file',
      'optim.lr=0.2:undefined override',
    ]);
    expect(origins('optim.type')).toEqual(['run.json:2 base']);
    expect(origins('model.type')).toEqual(['model.yaml:3 base']);
    expect(origins('model')).toEqual(['model.yaml:2 base', 'child.yaml:3 file']);
    expect(origins('hooks.0.interval')).toEqual([
      'child.yaml:9 file',
      'hooks.0.interval=5:undefined override',
    ]);
  });

  it('forget what _delete_ or a new list threw away', async () => {
    const { origins } = await load();
    expect(origins('model.head.type')).toEqual(['child.yaml:4 file']);
    expect(origins('model.head.width')).toEqual([]);
    expect(origins('hooks.0.type')).toEqual(['child.yaml:8 file']);
    expect(origins('nothing')).toEqual([]);
  });

  it('find lines in scripts and JSON5', async () => {
    const folder = testFolder({
      'a.ts':
        "import { x } from './x.js';\nconst f = () => ({ a: 0 });\nexport default {\n  a: f(),\n  b: {\n    c: [1,\n      { d: x }],\n  },\n};",
      'x.ts': 'export const x = 1;',
      'b.json5': '{\n  // one\n  a: {\n    b: 1 },\n}',
    });
    const script = await loadConfig(folder('a.ts'));
    expect(['a', 'b.c.0', 'b.c.1.d'].map((path) => script.origin(path)[0]?.line)).toEqual([4, 6, 7]);
    const json5 = await loadConfig(folder('b.json5'));
    expect(json5.origin('a.b')[0]?.line).toBe(4);
  });

  it('are explained', async () => {
    const { config, folder } = await load(['optim.lr=0.2']);
    expect(config.explain('optim.lr').replaceAll(`${folder()}/`, '')).toBe(
      [
        'optim.lr = 0.2',
        '  set by  override optim.lr=0.2   0.2',
        '  was     child.yaml:6   0.4',
        '  was     run.json:3   0.1',
      ].join('\n'),
    );
    expect(() => config.explain('optim.lrr')).toThrow(
      /E_CONFIG_PATH.*after 'optim', one of type, lr.*did you mean 'optim\.lr'/s,
    );
  });
});

describe('errors of parts that are built from a config', () => {
  class Sgd {
    constructor(options: { lr: number }) {
      checkKeys('Sgd', options, ['lr', 'nesterov']);
      if (!(options.lr > 0)) throw badValue('Sgd.lr', options.lr, 'a positive number');
    }
  }
  const parts = new Registry<unknown>('PARTS');
  parts.add('Sgd', Sgd);

  async function build(text: string, overrides: string[] = []): Promise<() => unknown> {
    const folder = testFolder({ 'a.yaml': text });
    const config = await loadConfig(folder('a.yaml'), { overrides });
    const wrapper = config.values.wrapper as { optimizer: { type: string } };
    return () => {
      try {
        return parts.build(wrapper.optimizer);
      } catch (error) {
        (error as Error).message = (error as Error).message.replaceAll(`${folder()}/`, '');
        throw error;
      }
    };
  }

  it('say path and line of an unknown type', async () => {
    expect(await build('wrapper:\n  optimizer:\n    lr: 1\n    type: Sgf\n')).toThrow(
      "  received  wrapper.optimizer.type = 'Sgf'   (a.yaml:4)\n",
    );
  });

  it('say path and line of an unknown option and of a wrong value', async () => {
    const make = await build('wrapper:\n  optimizer:\n    type: Sgd\n    lr: 1\n    nesterv: true\n');
    expect(make).toThrow('  received  nesterv = true   (wrapper.optimizer, a.yaml:5)\n');
    const wrong = await build('wrapper:\n  optimizer:\n    type: Sgd\n    lr: -1\n');
    expect(wrong).toThrow('  received  Sgd.lr = -1   (wrapper.optimizer, a.yaml:4)\n');
  });

  it('name the override that was wrong', async () => {
    const make = await build('wrapper:\n  optimizer:\n    type: Sgd\n    lr: 1\n', [
      'wrapper.optimizer.lr=-2',
    ]);
    expect(make).toThrow('Sgd.lr = -2   (wrapper.optimizer, override wrapper.optimizer.lr=-2)\n');
  });

  it('keep other errors as they are', () => {
    class Broken {
      constructor() {
        throw new TypeError('inside');
      }
    }
    expect(() => parts.build({ type: Broken })).toThrow(new TypeError('inside'));
  });
});

describe('dump', () => {
  it('writes the shapes people expect', () => {
    const config = new Config({ a: 1, b: 2 });
    expect(config.dump()).toBe('a: 1\nb: 2\n');
    expect(config.dump('json')).toBe('{\n  "a": 1,\n  "b": 2\n}\n');
    expect(config.dump('ts')).toBe('export default {\n  a: 1,\n  b: 2,\n};\n');
  });

  it('writes classes by their registered name, built parts by their config, other things by their name', () => {
    @register(MODELS, { name: 'DumpNet' })
    class InnerNet {
      constructor(readonly options: object) {}
    }
    class Loose {}
    const config = new Config({
      a: { type: InnerNet },
      b: MODELS.build({ type: InnerNet, width: 3 }),
      c: [Loose, new Loose()],
    });
    const expected = { a: { type: 'DumpNet' }, b: { type: 'DumpNet', width: 3 }, c: ['Loose', '<Loose>'] };
    expect(JSON.parse(config.dump('json'))).toEqual(expected);
  });

  it('refuses what a format cannot hold', () => {
    expect(() => new Config({ a: { b: NaN } }).dump('json')).toThrow(/E_CONFIG_DUMP.*a\.b = NaN.*YAML/s);
    expect(() => new Config({ a: 1n }).dump()).toThrow('E_CONFIG_DUMP');
  });

  it('writes files that load equal, by extension', async () => {
    const folder = testFolder({});
    const values = { text: 'tab\t"quote" \\ \n end', yes: 'true', n: '1e3', 'odd key': { 1: [] }, f: 1e-7 };
    for (const name of ['a.yaml', 'b.json', 'c.ts', 'd.mjs', 'e/f.json5']) {
      new Config({ values }).dumpTo(folder(name));
      expect((await loadConfig(folder(name))).values, name).toEqual({ values });
    }
    expect(() => new Config({}).dumpTo(folder('a.txt'))).toThrow('E_CONFIG_EXTENSION');
    expect(readFileSync(folder('a.yaml'), 'utf8')).toContain('odd key');
  });
});

describe('Config', () => {
  it('copies what it is given and refuses reserved keys', () => {
    const given = { a: { b: [1] } };
    const config = new Config(given);
    given.a.b.push(2);
    expect(config.values).toEqual({ a: { b: [1] } });
    expect(() => new Config({ text: 1 })).toThrow('E_CONFIG_RESERVED');
    expect(() => new Config([] as never)).toThrow('E_CONFIG_TYPE');
  });

  it('gives values by path', () => {
    const config = new Config({ a: [{ b: null }] });
    expect([config.get('a.0.b'), config.get('a.1', 7), config.has('a.0.b'), config.has('a.0.c')]).toEqual([
      null,
      7,
      true,
      false,
    ]);
  });

  it('reads text', async () => {
    expect((await Config.fromString('a: {{$ENGINE_TEST_NONE:2}}', 'yaml')).values).toEqual({ a: 2 });
    expect((await Config.fromString('enum E { x = 4 }\nexport default { a: E.x };', 'ts')).values).toEqual({
      a: 4,
    });
    await expect(Config.fromString('{', 'json')).rejects.toThrow('E_CONFIG_SYNTAX');
  });

  it('shows differences', () => {
    const a = new Config({ lr: 0.1, model: { depth: 18, width: 1 } });
    const b = new Config({ lr: 0.1, model: { depth: 50, width: 1 } });
    expect(Config.diff(a, b)).toBe(
      '--- a\n+++ b\n@@ -1 +1 @@\n lr: 0.1\n model:\n-  depth: 18\n+  depth: 50\n   width: 1\n',
    );
    expect(Config.diff(a, new Config(a.values))).toBe('');
  });
});
