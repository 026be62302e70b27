import { Config, isEngineError, loadConfig, type LoadConfigOptions } from '@engine/core';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import './index.js';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with these files; gives the path of one. */
function files(content: Record<string, string>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'pyconfig-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(content)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return (name) => join(folder, name);
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.catch((reason: unknown) => reason);
  if (!isEngineError(error)) throw new Error(`no house error: ${String(error)}`);
  expect(error.exitCode).toBe(2);
  return error.message;
}

async function values(text: string): Promise<unknown> {
  return (await Config.fromString(text, 'py')).values;
}

describe('text style', () => {
  it('inherits, refers to base values by name and by braces, and deletes', async () => {
    const at = files({
      'base.py': 'widths = (8, 16)\nlr = 1.0\nmodel = dict(type="A", depth=18, head=dict(type="H", k=1))\n',
      'more.yaml': 'steps: 3\n',
      'child.py': [
        "_base_ = ['base.py', 'more.yaml']",
        "model = dict(depth={{_base_.steps}}, head=dict(_delete_=True, w=_base_.widths[-1]), name='{{_base_.model.type}}')",
        "label = f'{_base_.lr}-{_base_.steps}'",
        'val = dict(_delete_=True, a=1)',
        'test = val',
        "work_dir = './w/{{ fileBasenameNoExtension }}'",
        'def helper(): return 1',
        'import os',
        'x = helper()',
      ].join('\n'),
    });
    const config = await loadConfig(at('child.py'), { overrides: ['model.depth=50'] });
    expect(config.values).toEqual({
      widths: [8, 16],
      lr: 1,
      steps: 3,
      model: { type: 'A', depth: 50, head: { w: 16 }, name: 'A' },
      label: '1.0-3',
      val: { a: 1 },
      test: { a: 1 },
      work_dir: './w/child',
      x: 1,
    });
    const [base, child, override] = config.origin('model.depth');
    expect([base?.file, base?.line, base?.via]).toEqual([at('base.py'), 3, 'base']);
    expect([child?.file, child?.line, override?.via]).toEqual([at('child.py'), 2, 'override']);
  });

  it('replaces environment variables, also outside of strings', async () => {
    process.env.PYCONFIG_CLASSES = '7';
    try {
      expect(
        await values(
          "a = {{$PYCONFIG_CLASSES:80}}\nb = {{'$PYCONFIG_MISSING:3'}}\nc = '{{$PYCONFIG_CLASSES:}}x'",
        ),
      ).toEqual({
        a: 7,
        b: 3,
        c: '7x',
      });
    } finally {
      delete process.env.PYCONFIG_CLASSES;
    }
  });

  it('reads bases of other packages and gives them their scope', async () => {
    const at = files({
      'mmdetection/configs/net/net.py':
        "model = dict(type='Net', neck=dict(type='Neck'))\nhooks = [dict(type='H')]\nplain = dict(a=dict(type='T'))\n",
      'project/config.py': "_base_ = ['mmdet::net/net.py']\n",
    });
    const roots = { mmdet: at('mmdetection') };
    const config = await loadConfig(at('project/config.py'), { reader: { roots } });
    expect(config.values).toEqual({
      model: { type: 'Net', neck: { type: 'Neck' }, _scope_: 'mmdet' },
      hooks: [{ type: 'H', _scope_: 'mmdet' }],
      plain: { a: { type: 'T', _scope_: 'mmdet' } },
    });
    expect((await loadConfig(at('project/config.py'), { reader: { roots } })).values).toEqual(config.values);
    // A checkout beside a folder above the config is found without being told.
    expect((await loadConfig(at('project/config.py'))).values).toEqual(config.values);
  });
});

describe('lazy style', () => {
  const at = (): ((name: string) => string) =>
    files({
      'base.py':
        'from torch.optim import SGD\nfrom mmengine.optim import OptimWrapper as Wrapper\n' +
        'optim_wrapper = dict(type=Wrapper, optimizer=dict(type=SGD, lr=0.1))\ntrain = dict(batch_size=2)\n',
      'child.py':
        'import mmdet.models\nimport torch.nn as nn\nfrom mmengine.config import read_base\nfrom .local import Part\n\n' +
        'with read_base():\n    from .base import *\n\n' +
        'optim_wrapper.update(dict(optimizer=dict(lr=0.2)))\ntrain.batch_size *= 2\n' +
        'model = dict(type=mmdet.models.Net, norm=nn.BatchNorm2d, part=Part)\n',
    });

  it('writes imported classes by their names and changes bases in place', async () => {
    const path = at();
    const config = await loadConfig(path('child.py'));
    expect(config.values).toEqual({
      optim_wrapper: { type: 'mmengine.optim.OptimWrapper', optimizer: { type: 'torch.optim.SGD', lr: 0.2 } },
      train: { batch_size: 4 },
      model: { type: 'mmdet.models.Net', norm: 'torch.nn.BatchNorm2d', part: '.local.Part' },
    });
    const [base, own] = config.origin('optim_wrapper.optimizer.lr');
    expect([base?.file, base?.line, base?.value]).toEqual([path('base.py'), 3, 0.1]);
    expect([own?.file, own?.line, own?.value]).toEqual([path('child.py'), 9, 0.2]);
    expect(config.origin('optim_wrapper.type').map(({ file }) => file)).toEqual([path('base.py')]);
  });

  it('does not mix with the other style', async () => {
    const path = files({
      'text.py': "_base_ = 'lazy.py'\n",
      'lazy.py': 'from torch import nn\na = 1\n',
      'up.py': 'from mmengine.config import read_base\nwith read_base():\n    from .text import *\n',
    });
    expect(await failure(loadConfig(path('text.py')))).toMatch(/E_PYCONFIG_STYLE.*lazy\.py uses imports/s);
    expect(await failure(loadConfig(path('up.py')))).toMatch(/E_PYCONFIG_STYLE.*text\.py uses `_base_`/s);
  });

  it('says which import is wrong', async () => {
    const path = files({
      'a.py': 'from mmengine.config import read_base\nwith read_base():\n    from .b import modle\n',
      'b.py': 'model = 1\n',
      'c.py': 'from mmengine.config import read_base\nwith read_base():\n    from .gone import *\n',
      'd.py': 'from mmengine.config import read_base\nwith read_base():\n    from .d import *\n',
      'e.py': 'from torch.nn import Conv2d\nlayer = Conv2d(1, 2)\n',
    });
    expect(await failure(loadConfig(path('a.py')))).toMatch(
      /E_PYCONFIG_EVALUATION.*a\.py:3:.*did you mean 'model'/s,
    );
    expect(await failure(loadConfig(path('c.py')))).toMatch(/E_CONFIG_NOT_FOUND.*gone\.py.*c\.py:3/s);
    expect(await failure(loadConfig(path('d.py')))).toContain('E_CONFIG_BASE_CYCLE');
    expect(await failure(loadConfig(path('e.py')))).toMatch(/dict\(type=Conv2d.*e\.py:2:9/s);
  });
});

describe('errors', () => {
  it.each([
    ['a = [1,\n', 'E_PYCONFIG_SYNTAX', ':1:5)'],
    ['a = 1\n  b = 2\n', 'E_PYCONFIG_SYNTAX', ':2:1)'],
    ["a = 'x\n", 'E_PYCONFIG_SYNTAX', ':1:5)'],
    ['a = (1]\n', 'E_PYCONFIG_SYNTAX', ':1:7)'],
    ['1 = a\n', 'E_PYCONFIG_SYNTAX', ':1:1)'],
    ['class A: pass\n', 'E_PYCONFIG_UNSUPPORTED', ':1:1)'],
    ["a = 1\nb = b'x'\n", 'E_PYCONFIG_UNSUPPORTED', ':2:5)'],
    ['a = 3j\n', 'E_PYCONFIG_UNSUPPORTED', ':1:5)'],
    ['with open("x"):\n    pass\n', 'E_PYCONFIG_UNSUPPORTED', ':1:1)'],
    ['lr = 1\na = [1, lrr]\n', 'E_PYCONFIG_EVALUATION', ":2:9)\n  did you mean 'lr'"],
    ['a = dict(b=1)\nc = a["d"]\n', 'E_PYCONFIG_EVALUATION', ':2:6)'],
    ['a = 1\n\nb = f"{a + \'x\'}"\n', 'E_PYCONFIG_EVALUATION', ':3:8)'],
    ['eval("1")\n', 'E_PYCONFIG_EVALUATION', ':1:1)'],
    ['open("x")\n', 'E_PYCONFIG_EVALUATION', ':1:1)'],
    ['import subprocess\nsubprocess.run("ls")\n', 'E_PYCONFIG_EVALUATION', ':2:'],
    ['while True: pass\n', 'E_PYCONFIG_LIMIT', 'does not come to an end'],
    ['def f(): return f()\nf()\n', 'E_PYCONFIG_EVALUATION', 'RecursionError'],
    ['a = []\na.append(a)\n', 'E_CONFIG_CYCLE', 'contains itself'],
    ['a = ["x" * 10**6] * 10**7\n', 'E_PYCONFIG_EVALUATION', 'OverflowError'],
    ['a = 10 ** 10 ** 10\n', 'E_PYCONFIG_EVALUATION', 'OverflowError'],
    [`a = ${'['.repeat(5000)}${']'.repeat(5000)}\n`, 'E_PYCONFIG_SYNTAX', 'too much nesting'],
    ['text = 1\n', 'E_CONFIG_RESERVED', "'text'"],
    ['_base_ = 3\n', 'E_CONFIG_BASE', '_base_'],
    ["_base_ = 'mmdt::a/b.py'\n", 'E_PYCONFIG_PACKAGE', "did you mean 'mmdet'"],
    ["_base_ = 'mmdet::no/where.py'\n", 'E_PYCONFIG_PACKAGE', 'reader: { roots: { mmdet'],
  ])('of %j', async (text, code, place) => {
    const message = await failure(Config.fromString(text, 'py'));
    expect(message).toContain(`[${code}]`);
    expect(message).toContain(place);
  });

  it('name unknown options of the reader', async () => {
    const at = files({ 'a.py': 'a = 1' });
    const load = (reader: LoadConfigOptions['reader']): Promise<unknown> =>
      loadConfig(at('a.py'), { reader: reader! });
    expect(await failure(load({ root: {} }))).toMatch(/E_CONFIG_UNKNOWN_KEY.*did you mean 'roots'/s);
    expect(await failure(load({ roots: { mmdet: 3 } }))).toContain('E_CONFIG_VALUE');
  });
});
