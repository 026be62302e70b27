import { expect, it, vi } from 'vitest';
import * as first from './index.js';

it('two copies in one process share registries, scopes, configs and origins', async () => {
  vi.resetModules();
  const second = await import('./index.js');
  expect(second.Registry).not.toBe(first.Registry);
  expect(second.MODELS).toBe(first.MODELS);

  class Net {
    constructor(options: object) {
      second.checkKeys('Net', options, []);
    }
  }
  second.register(second.MODELS, { name: 'CopyNet' })(Net);
  const net = first.MODELS.build({ type: 'CopyNet' });
  expect(second.configOf(net)).toEqual({ type: 'CopyNet' });

  const scoped = second.extendRegistries('copies').MODELS;
  scoped.add('Only', Net);
  expect(second.withScope('copies', () => first.MODELS.build({ type: 'Only' }))).toBeInstanceOf(Net);

  const config = new second.Config({ model: { type: 'CopyNet', x: 1 } }, { filename: '/a.yaml' });
  expect(() => first.MODELS.build(config.values.model as { type: string })).toThrow(
    'x = 1   (model, /a.yaml)',
  );
});

it('refuses a copy whose table has another layout', async () => {
  const key = Symbol.for('@engine/registries');
  const host = globalThis as unknown as Record<symbol, unknown>;
  const table = host[key];
  host[key] = { version: 999, from: 'file:///other/core.js', roots: new Map() };
  vi.resetModules();
  await expect(import('./index.js')).rejects.toThrow(
    /E_CORE_VERSIONS.*file:\/\/\/other\/core\.js \(table 999\)/s,
  );
  host[key] = table;
});
