import { hostArray } from '@engine/core';
import { expectNoLeak, tf, type Tensor, type Variable } from '@engine/tensor';
import { describe, expect, it } from 'vitest';

import {
  BatchNorm2d,
  Conv2d,
  Linear,
  Module,
  ModuleDict,
  ModuleList,
  Sequential,
  fromTorchLayout,
  toTorchLayout,
} from './index.js';

class Net extends Module {
  readonly conv1 = new Conv2d({ inChannels: 3, outChannels: 4, kernelSize: 3 });
  readonly bn1 = new BatchNorm2d({ numFeatures: 4 });
  readonly blocks = [
    new Linear({ inFeatures: 4, outFeatures: 5, bias: false }),
    new Linear({ inFeatures: 5, outFeatures: 2 }),
  ];
  readonly scale: Variable = this.parameter(tf.scalar(2), { name: 'out_scale' });
  readonly depthwise = new Conv2d({ inChannels: 4, outChannels: 8, kernelSize: 1, groups: 4, bias: false });

  forward(x: Tensor): Tensor {
    return tf.mul(this.bn1.forward(this.conv1.forward(x)), this.scale);
  }
}

describe('Module', () => {
  it('finds parameters, buffers and children through its properties, in order', () => {
    const net = new Net();
    expect(net.namedParameters().map(([name]) => name)).toEqual([
      'out_scale',
      'conv1.weight',
      'conv1.bias',
      'bn1.weight',
      'bn1.bias',
      'blocks.0.weight',
      'blocks.1.weight',
      'blocks.1.bias',
      'depthwise.weight',
    ]);
    expect(net.namedBuffers().map(([name]) => name)).toEqual([
      'bn1.running_mean',
      'bn1.running_var',
      'bn1.num_batches_tracked',
    ]);
    expect(net.namedModules().map(([name]) => name)).toEqual([
      '',
      'conv1',
      'bn1',
      'blocks.0',
      'blocks.1',
      'depthwise',
    ]);
    expect(Object.keys(net.stateDict())).toEqual([
      'out_scale',
      'conv1.weight',
      'conv1.bias',
      'bn1.weight',
      'bn1.bias',
      'bn1.running_mean',
      'bn1.running_var',
      'bn1.num_batches_tracked',
      'blocks.0.weight',
      'blocks.1.weight',
      'blocks.1.bias',
      'depthwise.weight',
    ]);
    net.dispose();
  });

  it('describes parameters for optimizers', () => {
    const net = new Net();
    net.freeze('conv1');
    const refs = Object.fromEntries(net.paramRefs().map((ref) => [ref.name, ref]));
    expect(refs['conv1.weight']).toMatchObject({
      leaf: 'weight',
      requiresGrad: false,
      layout: 'HWIO',
      ownerKind: 'conv',
    });
    expect(refs['bn1.bias']).toMatchObject({
      leaf: 'bias',
      requiresGrad: true,
      layout: 'none',
      ownerKind: 'norm',
    });
    expect(refs['blocks.1.weight']).toMatchObject({ layout: 'IO', ownerKind: 'linear' });
    expect(refs['depthwise.weight']).toMatchObject({ ownerKind: 'depthwiseConv' });
    expect(refs['out_scale']).toEqual(
      expect.objectContaining({ leaf: 'out_scale', ownerKind: 'other', holderKind: undefined }),
    );
    expect(refs['conv1.weight']!.holderKind).toBe('other');
    net.dispose();
  });

  it('lists a shared parameter once and keeps both names in the state', () => {
    const linear = new Linear({ inFeatures: 2, outFeatures: 2 });
    const both = new Sequential([linear, linear]);
    expect(both.parameters()).toHaveLength(2);
    expect(both.namedModules().map(([name]) => name)).toEqual(['', '0']);
    both.dispose();
  });

  it('freezes by name, by beginning and by pattern, and refuses what matches nothing', () => {
    const net = new Net();
    const frozen = (): string[] =>
      net
        .paramRefs()
        .filter((ref) => !ref.requiresGrad)
        .map((ref) => ref.name);
    net.freeze('blocks.0').freeze(/bn1\.b/);
    expect(frozen()).toEqual(['bn1.bias', 'blocks.0.weight']);
    net.unfreeze();
    expect(frozen()).toEqual([]);
    expect(() => net.freeze('block')).toThrow(/E_MODULE_NO_PARAMETER[\s\S]*did you mean 'blocks'\?/);
    net.dispose();
  });

  it('switches all modules between training and evaluation', () => {
    const net = new Net();
    net.eval();
    expect(net.namedModules().every(([, module]) => !module.training)).toBe(true);
    expect(net.train().bn1.training).toBe(true);
    net.dispose();
  });

  it('applies a function to children before parents', () => {
    const names: string[] = [];
    const net = new Net();
    net.apply((_, name) => names.push(name));
    expect(names.at(-1)).toBe('');
    expect(names).toHaveLength(6);
    net.dispose();
  });

  it('frees everything it made', () => {
    expectNoLeak(() => new Net().dispose());
  });
});

describe('state dicts', () => {
  it('go from one model to another, without sharing storage', () => {
    const a = new Net();
    const b = new Net();
    a.initWeights({ seed: 5 });
    expectNoLeak(() => {
      const report = b.loadStateDict(a.stateDict());
      expect(report).toEqual({ missing: [], unexpected: [], mismatched: [] });
    });
    for (const [name, variable] of Object.entries(a.stateDict())) {
      expect(Array.from(b.stateDict()[name]!.dataSync())).toEqual(Array.from(variable.dataSync()));
      expect(b.stateDict()[name]!.dataId).not.toBe(variable.dataId);
    }
    a.dispose();
    b.dispose();
  });

  it('report what does not fit, num_batches_tracked excepted, and take the rest', () => {
    const net = new Net();
    const report = net.loadStateDict({
      'conv1.bias': hostArray(new Float32Array([1, 2, 3, 4]), [4]),
      'bn1.weight': hostArray(new Float32Array(3), [3]),
      'conv1.biass': hostArray(new Float32Array(4), [4]),
    });
    expect(report.missing).not.toContain('bn1.num_batches_tracked');
    expect(report.missing).toContain('bn1.running_mean');
    expect(report.unexpected).toEqual(['conv1.biass']);
    expect(report.mismatched).toEqual([{ name: 'bn1.weight', expected: [4], received: [3] }]);
    expect(Array.from(net.conv1.bias!.dataSync())).toEqual([1, 2, 3, 4]);
    net.dispose();
  });

  it('are an error with strict, and change nothing then', () => {
    const net = new Net();
    const before = net.conv1.bias!.dataSync();
    const state = {
      'conv1.bias': hostArray(new Float32Array([1, 2, 3, 4]), [4]),
      'conv1.weigt': hostArray(new Float32Array(1), [1]),
    };
    expect(() => net.loadStateDict(state, { strict: true })).toThrow(
      /E_STATE_DICT[\s\S]*did you mean 'conv1.weight'\?/,
    );
    expect(net.conv1.bias!.dataSync()).toEqual(before);
    net.dispose();
  });

  it('count batches on the device when asked, from what was loaded', () => {
    const bn = new BatchNorm2d({ numFeatures: 2 });
    bn.loadStateDict({ num_batches_tracked: hostArray(new BigInt64Array([41n]), []) });
    tf.tidy(() => void bn.forward(tf.ones([1, 2, 2, 2])));
    expect(bn.stateDict()['num_batches_tracked']!.dtype).toBe('int32');
    expect(bn.stateDict()['num_batches_tracked']!.dataSync()[0]).toBe(42);
    bn.dispose();
  });
});

describe('layouts', () => {
  it('turn into PyTorch’s and back, as tensors and on the host', () => {
    const data = Float32Array.from({ length: 2 * 3 * 4 * 5 }, (_, i) => i);
    for (const [layout, shape, torch] of [
      ['HWIO', [2, 3, 4, 5], [5, 4, 2, 3]],
      ['HWOI', [2, 3, 4, 5], [5, 4, 2, 3]],
      ['HWIM', [2, 3, 4, 5], [20, 1, 2, 3]],
      ['IO', [24, 5], [5, 24]],
      ['none', [24, 5], [24, 5]],
    ] as const) {
      const host = hostArray(data, shape);
      const there = toTorchLayout(host, layout);
      expect(there.shape, layout).toEqual([...torch]);
      expect(fromTorchLayout(there, layout, shape)).toEqual(host);
      const tensor = tf.tensor(data, [...shape]);
      const moved = toTorchLayout(tensor, layout);
      expect(Array.from(moved.dataSync()), layout).toEqual(Array.from(there.data as Float32Array));
      expect(Array.from(fromTorchLayout(moved, layout, shape).dataSync())).toEqual(Array.from(data));
    }
    // filter[h=1, w=2, i=3, o=4] of HWIO stands at [4, 3, 1, 2] of OIHW
    expect(toTorchLayout(hostArray(data, [2, 3, 4, 5]), 'HWIO').data[((4 * 4 + 3) * 2 + 1) * 3 + 2]).toBe(
      119,
    );
  });
});

describe('containers', () => {
  it('name their modules by place or by key', () => {
    const list = new ModuleList([{ type: 'ReLU' }, [{ type: 'Linear', inFeatures: 2, outFeatures: 1 }]]);
    expect(list.namedParameters().map(([name]) => name)).toEqual(['1.0.weight', '1.0.bias']);
    expect([...list]).toHaveLength(2);
    const dict = new ModuleDict({
      modules: { head: { type: 'Linear', inFeatures: 2, outFeatures: 1, bias: false } },
    });
    expect(dict.namedParameters().map(([name]) => name)).toEqual(['head.weight']);
    expect(dict.get('head')).toBeInstanceOf(Linear);
    expect(() => new ModuleDict({ modules: { 'a.b': { type: 'ReLU' } } })).toThrow('E_CONFIG_VALUE');
    list.dispose();
    dict.dispose();
  });
});
