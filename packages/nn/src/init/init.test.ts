import { MODELS, WEIGHT_INITIALIZERS, register } from '@engine/core';
import { expectNoLeak, type Tensor, type Variable } from '@engine/tensor';
import { describe, expect, it } from 'vitest';

import {
  BatchNorm2d,
  Conv2d,
  Linear,
  Module,
  ModuleList,
  Sequential,
  biasInitWithProb,
  constantInit,
  fans,
  type InitConfig,
  type ModuleOptions,
  type WeightInitializer,
} from '../index.js';

const all = (variable: Variable | undefined): number[] => Array.from(variable!.dataSync());
const std = (variable: Variable): number =>
  Math.sqrt(all(variable).reduce((sum, x) => sum + x * x, 0) / variable.size);

class Pair extends Module {
  readonly conv: Conv2d;
  readonly head: Linear;
  constructor(options: ModuleOptions & { headInit?: InitConfig } = {}) {
    super(options);
    this.conv = new Conv2d({ inChannels: 16, outChannels: 32, kernelSize: 3 });
    this.head = new Linear({ inFeatures: 64, outFeatures: 64, initCfg: options.headInit });
  }
  forward(x: Tensor): Tensor {
    return x;
  }
}

describe('initWeights', () => {
  it('draws each parameter by the seed and its name, not by the order of construction', () => {
    const linear = (): Linear => new Linear({ inFeatures: 4, outFeatures: 4 });
    const values = (seed: number): number[] => {
      const net = new Sequential([linear(), linear()]);
      net.initWeights({ seed });
      const found = net.namedChildren().map(([, child]) => all((child as Linear).weight));
      net.dispose();
      expect(found[0]).not.toEqual(found[1]);
      return found.flat();
    };
    expect(values(1)).toEqual(values(1));
    expect(values(1)).not.toEqual(values(2));
  });

  it("gives PyTorch's defaults: uniform within 1/sqrt(fanIn) for weight and bias", () => {
    const conv = new Conv2d({ inChannels: 8, outChannels: 64, kernelSize: 3 });
    conv.initWeights({ seed: 1 });
    const bound = 1 / Math.sqrt(8 * 9);
    for (const variable of [conv.weight, conv.bias!]) {
      expect(Math.max(...all(variable).map(Math.abs))).toBeLessThanOrEqual(bound);
      expect(std(variable)).toBeGreaterThan((0.8 * bound) / Math.sqrt(3));
    }
    conv.dispose();
  });

  it('warns at the second call and changes nothing', () => {
    const linear = new Linear({ inFeatures: 2, outFeatures: 2 });
    linear.initWeights({ seed: 1 });
    const before = all(linear.weight);
    const warnings: string[] = [];
    linear.initWeights({ seed: 2, logger: { warn: (message) => warnings.push(message) } });
    expect(warnings).toHaveLength(1);
    expect(all(linear.weight)).toEqual(before);
    linear.dispose();
  });

  it('leaves alone what came from a state dict', () => {
    const net = new Pair();
    const other = new Pair();
    constantInit(other.head, { val: 3 });
    net.head.loadStateDict(other.head.stateDict());
    net.initWeights({ seed: 1 });
    expect(new Set(all(net.head.weight))).toEqual(new Set([3]));
    net.dispose();
    other.dispose();
  });

  it('runs parents before children, so that the child’s config wins, and reports what set each value', () => {
    const net = new Pair({
      initCfg: { type: 'Constant', val: 1, bias: 2, layer: ['Conv2d', 'Linear'] },
      headInit: { type: 'Constant', val: 7, layer: 'Linear' },
    });
    const report = net.initWeights();
    expect(new Set(all(net.conv.weight))).toEqual(new Set([1]));
    expect(new Set(all(net.conv.bias))).toEqual(new Set([2]));
    expect(new Set(all(net.head.weight))).toEqual(new Set([7]));
    expect(new Set(all(net.head.bias))).toEqual(new Set([0]));
    expect(report).toEqual({
      'conv.weight': "'Constant' in the initCfg of Pair",
      'conv.bias': "'Constant' in the initCfg of Pair",
      'head.weight': "'Constant' in the initCfg of Linear",
      'head.bias': "'Constant' in the initCfg of Linear",
    });
    net.dispose();
  });

  it('runs initialisers that come last after the children', () => {
    class FromFile implements WeightInitializer {
      readonly last = true;
      initialize(module: Module): Variable[] {
        return constantInit((module as Pair).head, { val: 11 });
      }
    }
    WEIGHT_INITIALIZERS.add('FromFile', FromFile);
    const net = new Pair({
      initCfg: { type: FromFile },
      headInit: { type: 'Constant', val: 7, layer: 'Linear' },
    });
    net.initWeights();
    expect(all(net.head.weight)[0]).toBe(11);
    WEIGHT_INITIALIZERS.remove('FromFile');
    net.dispose();
  });

  it('overrides by attribute, with the parent’s initialiser or its own', () => {
    const net = new Pair({
      initCfg: [
        { type: 'Constant', val: 1, layer: 'Conv2d', override: { name: 'head' } },
        { type: 'Constant', val: 2, override: [{ name: 'head', type: 'Constant', val: 5, bias: 6 }] },
      ],
    });
    net.initWeights();
    expect(all(net.conv.weight)[0]).toBe(1);
    expect(all(net.head.weight)[0]).toBe(5);
    expect(all(net.head.bias)[0]).toBe(6);
    net.dispose();
  });

  it('reaches classes that extend the named one directly', () => {
    class MyConv extends Conv2d {}
    const list = new ModuleList({
      modules: [new MyConv({ inChannels: 1, outChannels: 1, kernelSize: 1 })],
      initCfg: { type: 'Constant', val: 4, layer: 'Conv2d' },
    });
    list.initWeights();
    expect(all(list.at<Conv2d>(0)!.weight)).toEqual([4]);
    list.dispose();
  });

  it('refuses a config without a target, and overrides that make no sense', () => {
    const failing =
      (initCfg: unknown): (() => void) =>
      () => {
        const net = new Pair({ initCfg: initCfg as InitConfig });
        try {
          net.initWeights();
        } finally {
          net.dispose();
        }
      };
    expect(failing({ type: 'Constant', val: 1 })).toThrow('E_INIT_TARGET');
    expect(failing({ type: 'Constant', val: 1, override: { name: 'tail' } })).toThrow(
      /E_INIT_OVERRIDE[\s\S]*one of conv, head/,
    );
    expect(failing({ type: 'Constant', val: 1, override: { name: 'head', val: 3 } })).toThrow("no 'type'");
    expect(failing({ type: 'Constant', val: 1, override: { val: 3 } })).toThrow("no 'name'");
    expect(failing({ type: 'Constant', value: 1, layer: 'Conv2d' })).toThrow(/E_CONFIG_UNKNOWN_KEY/);
    expect(failing({ type: 'Constnt', val: 1, layer: 'Conv2d' })).toThrow(
      /E_REGISTRY_UNKNOWN[\s\S]*'Constant'/,
    );
    expect(failing({ type: 'Constant', val: 1, layer: 3 })).toThrow('Constant.layer');
    expect(failing({ type: 'Constant', val: 1, bias: 'x', layer: 'Conv2d' })).toThrow('Constant.bias');
  });

  it('leaks nothing', () => {
    const net = new Pair({ initCfg: { type: 'Kaiming', layer: 'Conv2d' } });
    expectNoLeak(() => void net.initWeights());
    net.dispose();
  });
});

describe('initialisers', () => {
  const conv = (): Conv2d => new Conv2d({ inChannels: 16, outChannels: 64, kernelSize: 3 });
  const [fanIn, fanOut] = [16 * 9, 64 * 9];
  const cases: [InitConfig, number][] = [
    [{ type: 'Xavier', layer: 'Conv2d' }, Math.sqrt(2 / (fanIn + fanOut))],
    [
      { type: 'Xavier', gain: 2, distribution: 'uniform', layer: 'Conv2d' },
      2 * Math.sqrt(2 / (fanIn + fanOut)),
    ],
    [{ type: 'Normal', std: 0.3, layer: 'Conv2d' }, 0.3],
    [{ type: 'TruncNormal', std: 0.2, layer: 'Conv2d' }, 0.2],
    [{ type: 'Uniform', a: -1, b: 1, layer: 'Conv2d' }, 1 / Math.sqrt(3)],
    [{ type: 'Kaiming', layer: 'Conv2d' }, Math.sqrt(2 / fanOut)],
    [
      { type: 'Kaiming', a: 1, mode: 'fan_in', nonlinearity: 'leaky_relu', layer: 'Conv2d' },
      Math.sqrt(1 / fanIn),
    ],
    [{ type: 'Caffe2Xavier', layer: 'Conv2d' }, Math.sqrt(1 / fanIn)],
  ];
  for (const [config, expected] of cases) {
    it(`${JSON.stringify(config)} has standard deviation ${expected.toFixed(4)}`, () => {
      const list = new ModuleList({ modules: [conv()], initCfg: config });
      list.initWeights({ seed: 3 });
      const { weight, bias } = list.at<Conv2d>(0)!;
      expect(std(weight) / expected).toBeGreaterThan(0.96);
      expect(std(weight) / expected).toBeLessThan(1.04);
      expect(all(bias).every((value) => value === 0)).toBe(true);
      list.dispose();
    });
  }

  it('count fans as PyTorch does', () => {
    const grouped = new Conv2d({ inChannels: 8, outChannels: 16, kernelSize: [3, 5], groups: 4 });
    expect(fans(grouped.weight)).toEqual({ fanIn: 2 * 15, fanOut: 16 * 15 });
    const linear = new Linear({ inFeatures: 3, outFeatures: 7 });
    expect(fans(linear.weight)).toEqual({ fanIn: 3, fanOut: 7 });
    const norm = new BatchNorm2d({ numFeatures: 3 });
    expect(() => fans(norm.weight!)).toThrow('at least two axes');
    for (const module of [grouped, linear, norm]) module.dispose();
  });

  it('turn a probability into a bias', () => {
    expect(biasInitWithProb(0.01)).toBeCloseTo(-4.59511985013459, 12);
    const list = new ModuleList({
      modules: [conv()],
      initCfg: { type: 'Constant', val: 0, biasProb: 0.5, layer: 'Conv2d' },
    });
    list.initWeights();
    expect(all(list.at<Conv2d>(0)!.bias)[0]).toBeCloseTo(0, 12);
    list.dispose();
  });
});

it('a registered module can be built with initCfg from a config', () => {
  @register(MODELS, { name: 'InitTestNet' })
  class InitTestNet extends Pair {}
  const net = MODELS.build<InitTestNet>({
    type: InitTestNet,
    initCfg: { type: 'Constant', val: 9, layer: 'Linear' },
  });
  net.initWeights();
  expect(all(net.head.weight)[0]).toBe(9);
  MODELS.remove('InitTestNet');
  net.dispose();
});
