import { buildOptimWrapper, type OptimWrapperConfig } from './index.js';
import { tf, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';

const NAMES = [
  'backbone.stem.weight',
  'backbone.pos_embed',
  'backbone.blocks.0.weight',
  'backbone.blocks.0.bias',
  'backbone.blocks.1.weight',
  'backbone.blocks.10.weight',
  'head.weight',
];

const refs = NAMES.map((name): ParamRef => ({
  name,
  leaf: name.split('.').at(-1)!,
  variable: tf.variable(tf.zeros([2])),
  requiresGrad: true,
  layout: 'none',
  ownerKind: 'other',
}));

function rates(paramwiseCfg: object, extra: object = {}): Record<string, number> {
  const config = {
    constructor: 'LearningRateDecayOptimWrapperConstructor',
    optimizer: { type: 'AdamW', lr: 0.1, weightDecay: 0.05 },
    paramwiseCfg,
  } as OptimWrapperConfig;
  const { optimizer } = buildOptimWrapper({ paramRefs: () => refs, ...extra }, config);
  const entries = optimizer.paramGroups.flatMap(({ params, lr }) =>
    params.map(({ name }) => [name, lr] as const),
  );
  return Object.fromEntries(entries.map(([name, lr]) => [name, Number(lr.toPrecision(6))]));
}

const LAYERS = [
  ['backbone.stem', 'backbone.pos_embed'],
  'backbone.blocks.0',
  'backbone.blocks.1',
  'backbone.blocks.10',
];

describe('layer-wise decay of the learning rate', () => {
  it('falls by the rate from layer to layer, the head at the full rate', () => {
    expect(rates({ layerDecayRate: 0.5, layers: LAYERS })).toEqual({
      'backbone.stem.weight': 0.1 / 16,
      'backbone.pos_embed': 0.1 / 16,
      'backbone.blocks.0.weight': 0.1 / 8,
      'backbone.blocks.0.bias': 0.1 / 8,
      'backbone.blocks.1.weight': 0.1 / 4,
      'backbone.blocks.10.weight': 0.1 / 2,
      'head.weight': 0.1,
    });
  });

  it('multiplies what the other rules give, in groups of equal settings', () => {
    const found = rates({
      layerDecayRate: 0.5,
      layers: LAYERS,
      customKeys: { head: { lrMult: 10 } },
      biasLrMult: 2,
    });
    expect(found['head.weight']).toBe(1);
    expect(found['backbone.blocks.0.bias']).toBe(0.025);
    const config = {
      constructor: 'LearningRateDecayOptimWrapperConstructor',
      optimizer: { type: 'SGD', lr: 0.1 },
      paramwiseCfg: { layerDecayRate: 0.5, layers: LAYERS },
    } as OptimWrapperConfig;
    const { optimizer } = buildOptimWrapper({ paramRefs: () => refs }, config);
    expect(optimizer.paramGroups.map(({ params }) => params.length)).toEqual([2, 2, 1, 1, 1]);
  });

  it('asks the model, or its backbone', () => {
    const getLayerDepth = (name: string, prefix: string): [number, number] =>
      name.startsWith(`${prefix}blocks.`) ? [1, 3] : name.startsWith('head') ? [2, 3] : [0, 3];
    const expected = [0.025, 0.025, 0.05, 0.05, 0.05, 0.05, 0.1];
    const found = rates({ layerDecayRate: 0.5 }, { backbone: { getLayerDepth } });
    expect(NAMES.map((name) => found[name])).toEqual(expected);
    const asked = rates(
      { layerDecayRate: 0.5 },
      { getLayerDepth: (n: string) => getLayerDepth(n, 'backbone.') },
    );
    expect(NAMES.map((name) => asked[name])).toEqual(expected);
  });

  it('names what is missing', () => {
    expect(() => rates({ layerDecayRate: 0.5 })).toThrow(/E_OPTIM_LAYERS[^]*getLayerDepth/);
    expect(() => rates({ layers: LAYERS })).toThrow(/E_CONFIG_VALUE[^]*layerDecayRate/);
    expect(() => rates({ layerDecayRate: 0.5, layers: ['backbone.block'] })).toThrow(/backbone\.block/);
    expect(() => rates({ layerDecayRate: 0.5, layers: LAYERS, biasLr: 2 })).toThrow(
      /E_CONFIG_UNKNOWN_KEY[^]*biasLr/,
    );
  });
});
