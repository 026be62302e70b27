import { loadConfig } from '@engine/core';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import '../index.js';
import { convertValues, typesOf } from './convert.js';

const CONFIG = `
base_lr = 0.1
model = dict(type='mmpretrain.ImageClassifier', init_cfg=[dict(type='Kaiming')], neck=dict(type='GlobalAveragePooling'))
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='torch.optim.SGD', lr=base_lr, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0., custom_keys=dict(cls_token=dict(decay_mult=0.))))
default_hooks = dict(param_scheduler=dict(type='ParamSchedulerHook'), checkpoint=dict(type='CheckpointHook', max_keep_ckpts=3))
`;

it('maps keys and types, and keeps what is data', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pyconfig-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.py');
  writeFileSync(file, CONFIG);
  const config = await loadConfig(file, { reader: { convert: true } });
  const expected = {
    model: {
      type: 'vision.ImageClassifier',
      initCfg: [{ type: 'Kaiming' }],
      neck: { type: 'GlobalAveragePooling' },
    },
    optimWrapper: {
      type: 'OptimWrapper',
      optimizer: { type: 'SGD', lr: 0.1, weightDecay: 1e-4 },
      paramwiseCfg: { normDecayMult: 0, customKeys: { cls_token: { decayMult: 0 } } },
    },
    defaultHooks: {
      paramScheduler: { type: 'ParamSchedulerHook' },
      checkpoint: { type: 'CheckpointHook', maxKeepCkpts: 3 },
    },
  };
  expect(config.values).toEqual(expected);
  expect(config.origin('optimWrapper.optimizer.weightDecay')[0]?.line).toBe(6);
  expect(config.origin('optimWrapper.paramwiseCfg.customKeys.cls_token')[0]?.line).toBe(7);
  const asWritten = await loadConfig(file);
  expect(asWritten.values.base_lr).toBe(0.1);
  expect(convertValues(asWritten.values)).toEqual(expected);
  expect(typesOf(asWritten.values)[0]).toEqual({
    type: 'GlobalAveragePooling',
    counterpart: undefined,
    paths: ['model.neck'],
  });
  expect(typesOf(asWritten.values).filter(({ counterpart }) => counterpart === undefined)).toHaveLength(1);
});
