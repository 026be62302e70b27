import { OPTIM_WRAPPER_CONSTRUCTORS } from '@engine/core';
import { tf, type ModuleKind, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import {
  buildOptimWrapper,
  describeGroups,
  OptimWrapper,
  OptimWrapperDict,
  SGD,
  type ParamwiseConfig,
} from './index.js';

function param(name: string, ownerKind: ModuleKind, shape: number[], requiresGrad = true): ParamRef {
  const leaf = name.slice(name.lastIndexOf('.') + 1);
  return { name, leaf, variable: tf.variable(tf.zeros(shape)), requiresGrad, layout: 'none', ownerKind };
}

const refs = [
  param('conv.weight', 'conv', [3, 3, 1, 2]),
  param('conv.bias', 'conv', [2]),
  param('bn.weight', 'norm', [2]),
  param('bn.bias', 'norm', [2]),
  param('dw.weight', 'depthwiseConv', [3, 3, 2, 1]),
  param('head.bn.weight', 'norm', [2]),
  param('stem.weight', 'conv', [1, 1, 1, 2], false),
];
const model = { paramRefs: () => refs };

function settings(
  paramwiseCfg: ParamwiseConfig,
  optimizer: object = { lr: 1, weightDecay: 0.1 },
): Record<string, string> {
  const config = { type: 'SGD', momentum: 0.5, ...optimizer } as const;
  const { paramGroups } = buildOptimWrapper(model, { optimizer: config, paramwiseCfg }).optimizer;
  return Object.fromEntries(
    paramGroups.flatMap((g) => g.params.map((p) => [p.name, [g.lr, g.weightDecay, g.momentum].join(' ')])),
  );
}

describe('parameter-wise settings', () => {
  it('put parameters with equal settings into one group', () => {
    const wrapper = buildOptimWrapper(model, {
      optimizer: { type: 'SGD', lr: 1, weightDecay: 0.1 },
      paramwiseCfg: { normDecayMult: 0, biasDecayMult: 0, biasLrMult: 2 },
    });
    expect(wrapper.optimizer.paramGroups.map((group) => group.params.map((p) => p.name))).toEqual([
      ['conv.weight', 'dw.weight'],
      ['conv.bias'],
      ['bn.weight', 'bn.bias', 'head.bn.weight'],
    ]);
    expect(wrapper.getLr()).toEqual({ base_lr: [1], lr: [1, 2, 1] });
    expect(describeGroups(wrapper.optimizer.paramGroups, wrapper.defaults)).toEqual([
      'conv.bias: lr=2, weightDecay=0',
      'bn.weight: weightDecay=0',
      'bn.bias: weightDecay=0',
      'head.bn.weight: weightDecay=0',
    ]);
  });

  it('leave one group of everything, frozen parameters too, without them', () => {
    for (const paramwiseCfg of [undefined, null, {}]) {
      const { optimizer } = buildOptimWrapper(model, { optimizer: { type: 'SGD', lr: 1 }, paramwiseCfg });
      expect(optimizer.paramGroups.map((group) => group.params.length)).toEqual([7]);
    }
    expect(settings({ normDecayMult: 0 })).not.toHaveProperty('stem.weight');
  });

  it('go by the longest key that occurs in the name, which ends all other rules', () => {
    const got = settings({
      customKeys: {
        bn: { lrMult: 0.1 },
        'head.bn': { decayMult: 0.5, momentum: 0.25 },
        nothing: { lrMult: 9 },
      },
      normDecayMult: 0,
      dwconvDecayMult: 0.2,
    });
    expect(got).toEqual({
      'conv.weight': '1 0.1 0.5',
      'conv.bias': '1 0.1 0.5',
      'bn.weight': '0.1 0.1 0.5',
      'bn.bias': '0.1 0.1 0.5',
      'dw.weight': '1 0.020000000000000004 0.5',
      'head.bn.weight': '1 0.05 0.25',
    });
  });

  it('take the first in the alphabet of keys of one length', () => {
    expect(settings({ customKeys: { 'dw.w': { lrMult: 3 }, 'w.we': { lrMult: 4 } } })['dw.weight']).toBe(
      '3 0.1 0.5',
    );
  });

  it('need the value they multiply', () => {
    expect(() => settings({ normDecayMult: 0 }, { lr: 1 })).toThrow(
      /E_CONFIG_VALUE[^]*optimizer\.weightDecay to multiply/,
    );
    expect(() => settings({ customKeys: { bn: { decayMult: 0 } } }, { lr: 1 })).toThrow(
      /customKeys\.bn\.decayMult/,
    );
    expect(() => settings({ biasLrMult: 2 }, {})).toThrow(/optimizer\.lr to multiply/);
  });

  it('are checked', () => {
    expect(() => settings({ normDecayMul: 0 } as never)).toThrow(
      /E_CONFIG_UNKNOWN_KEY[^]*did you mean 'normDecayMult'/,
    );
    expect(() => settings({ customKeys: { bn: { lrMul: 2 } } })).toThrow(/E_CONFIG_UNKNOWN_KEY[^]*'lrMul'/);
    expect(() => settings({ customKeys: [] as never })).toThrow(/E_CONFIG_VALUE[^]*customKeys/);
    expect(() => settings([] as never)).toThrow(/E_CONFIG_VALUE[^]*paramwiseCfg/);
    expect(() => settings({ biasLrMult: '2' as never })).toThrow(/E_CONFIG_VALUE[^]*biasLrMult/);
  });

  it('may skip what stands twice', () => {
    const twice = { paramRefs: () => [refs[0]!, refs[1]!, { ...refs[0]!, name: 'tied.weight' }] };
    const optimizer = { type: 'SGD', lr: 1 } as const;
    const build = (paramwiseCfg: ParamwiseConfig) => buildOptimWrapper(twice, { optimizer, paramwiseCfg });
    expect(() => build({ biasLrMult: 2 })).toThrow(
      /E_OPTIM_DUPLICATE_PARAM[^]*tied\.weight[^]*bypassDuplicate/,
    );
    expect(build({ biasLrMult: 2, bypassDuplicate: true }).optimizer.paramGroups).toHaveLength(2);
  });
});

describe('buildOptimWrapper', () => {
  it('hands the wrapper its options', () => {
    const wrapper = buildOptimWrapper(model, {
      type: 'OptimWrapper',
      optimizer: { type: 'AdamW', lr: 1e-3 },
      accumulativeCounts: 4,
      clipGrad: { maxNorm: 1 },
    });
    expect(wrapper.accumulativeCounts).toBe(4);
    expect(wrapper.optimizer.name).toBe('AdamW');
  });

  it('says what is wrong with a config', () => {
    expect(() => buildOptimWrapper(model, {} as never)).toThrow(/E_CONFIG_VALUE[^]*optimWrapper\.optimizer/);
    expect(() => buildOptimWrapper(model, { optimizer: { type: 'SGDD' } } as never)).toThrow(
      /E_REGISTRY_UNKNOWN[^]*optimWrapper\.optimizer\.type = 'SGDD'[^]*did you mean 'SGD'/,
    );
    expect(() => buildOptimWrapper(model, { optimizer: { type: 'SGD' }, clipgrad: {} } as never)).toThrow(
      /E_CONFIG_UNKNOWN_KEY[^]*did you mean 'clipGrad'/,
    );
    expect(() => buildOptimWrapper(model, { optimizer: { type: 'SGD' }, constructor: 'Other' })).toThrow(
      /E_REGISTRY_UNKNOWN[^]*optimWrapper\.constructor/,
    );
  });

  it('lets another constructor build several wrappers', () => {
    class TwoParts {
      constructor(private readonly config: { optimizer: { lr: number } }) {}
      construct() {
        const part = (index: number) =>
          new OptimWrapper(new SGD([refs[index]!], { lr: this.config.optimizer.lr }));
        return new OptimWrapperDict({ gen: part(0), disc: part(1) });
      }
    }
    OPTIM_WRAPPER_CONSTRUCTORS.add('TwoParts', TwoParts);
    const config = { optimizer: { type: 'SGD', lr: 0.5 } as const, constructor: 'TwoParts' };
    const dict = buildOptimWrapper<OptimWrapperDict>(model, config);
    expect(dict.getLr()).toEqual({ 'gen.lr': [0.5], 'disc.lr': [0.5] });
    OPTIM_WRAPPER_CONSTRUCTORS.remove('TwoParts');
    class Nothing {
      construct() {}
    }
    expect(() => buildOptimWrapper(model, { ...config, constructor: Nothing })).toThrow(
      /E_CONFIG_VALUE[^]*construct/,
    );
  });
});
