import { ROOT_REGISTRIES } from '@engine/core';
import '@engine/data';
import '@engine/evaluator';
import '@engine/nn';
import { COUNTERPARTS, typesOf } from '@engine/openmmlab';
import '@engine/optim';
import '@engine/runner';
import '@engine/vision';
import '@engine/visualizer';
import { expect, it } from 'vitest';

it('every part that the table of OpenMMLab types names is registered', () => {
  const names = new Set<string>();
  for (const registry of Object.values(ROOT_REGISTRIES)) {
    for (const { name, scope } of registry.list()) names.add(scope === 'engine' ? name : `${scope}.${name}`);
  }
  expect(COUNTERPARTS.filter((name) => !names.has(name))).toEqual([]);
});

it('names with a module or a scope are known by their last part; those without a counterpart come first', () => {
  const types = ['mmengine.hooks.EMAHook', 'torch.optim.SGD', 'mmdet.RPNHead', 'BN'];
  expect(
    typesOf({ all: types.map((type) => ({ type })) }).map(({ type, counterpart }) => [type, counterpart]),
  ).toEqual([
    ['mmdet.RPNHead', undefined],
    ['mmengine.hooks.EMAHook', 'EMAHook'],
    ['torch.optim.SGD', 'SGD'],
    ['BN', 'BatchNorm2d'],
  ]);
});
