import { BACKENDS } from '@engine/core';
import { afterEach, describe, expect, it } from 'vitest';

import {
  probeBackends,
  selectDevice,
  tf,
  type BackendCapabilities,
  type ComputeBackend,
  type ProbeResult,
} from './index.js';

/** A backend that runs on tfjs's cpu kernels under another name and rank. */
function backendClass(
  name: string,
  priority: number,
  probe: ProbeResult,
  fail?: Error,
): new () => ComputeBackend {
  return class implements ComputeBackend {
    readonly name = name;
    readonly priority = priority;
    readonly tfjsName = 'cpu';
    static activated: (string | undefined)[] = [];
    probe(): Promise<ProbeResult> {
      return Promise.resolve(probe);
    }
    async activate(device?: string): Promise<void> {
      if (fail) throw fail;
      (this.constructor as unknown as { activated: unknown[] }).activated.push(device);
      await tf.setBackend('cpu');
    }
    capabilities(): BackendCapabilities {
      return { autocast: [], memoryStats: false, deterministic: true };
    }
  };
}

const added: string[] = [];
function add(name: string, priority: number, probe: ProbeResult, fail?: Error): void {
  added.push(name);
  BACKENDS.add(name, backendClass(name, priority, probe, fail));
}

afterEach(() => {
  for (const name of added.splice(0)) BACKENDS.remove(name);
});

const quiet = { logger: { warn: (): void => undefined } };

describe('selectDevice', () => {
  it('takes the best that is available', async () => {
    add('best', 1000, { available: false, reason: 'no such card' });
    add('good', 900, { available: true });
    expect((await selectDevice('auto', quiet)).name).toBe('good');
  });

  it('goes on to the next when one does not start, saying so', async () => {
    add('liar', 1000, { available: true }, new Error('no memory'));
    add('good', 900, { available: true });
    const warnings: string[] = [];
    const selected = await selectDevice('auto', { logger: { warn: (message) => warnings.push(message) } });
    expect(selected.name).toBe('good');
    expect(warnings).toEqual(["The compute backend 'liar' did not start: no memory"]);
  });

  it('hands the part after the first colon to the backend', async () => {
    add('metal', 100, { available: true });
    const selected = await selectDevice('metal:cuda:1');
    expect(selected).toMatchObject({ name: 'metal', device: 'cuda:1' });
    expect((selected.backend.constructor as unknown as { activated: string[] }).activated).toEqual([
      'cuda:1',
    ]);
  });

  it('refuses a named one that cannot run, with reason and fix, and never falls back', async () => {
    add('metal', 100, { available: false, reason: 'libtorch was not found', fix: 'pip install torch' });
    await expect(selectDevice('metal')).rejects.toThrow(
      "[E_DEVICE_UNAVAILABLE] The device 'metal' cannot be used here: libtorch was not found.",
    );
    await expect(selectDevice('metal')).rejects.toThrow('fix       pip install torch');
  });

  it('refuses a name that nobody has, with the nearest', async () => {
    await expect(selectDevice('cpuu')).rejects.toThrow(/E_DEVICE_UNKNOWN[\s\S]*did you mean 'cpu'\?/);
    await expect(selectDevice('autoo')).rejects.toThrow(/did you mean 'auto'\?/);
  });

  it('runs on cpu when asked to, without a warning', async () => {
    const warnings: string[] = [];
    const selected = await selectDevice('cpu', { logger: { warn: (message) => warnings.push(message) } });
    expect(selected.backend.tfjsName).toBe('cpu');
    expect(tf.getBackend()).toBe('cpu');
    expect(warnings).toEqual([]);
    await expect(selectDevice('cpu:2')).rejects.toThrow('E_CONFIG_VALUE');
  });
});

it('probeBackends lists all, best first, with reasons', async () => {
  add('metal', 1000, { available: false, reason: 'libtorch was not found', fix: 'pip install torch' });
  const reports = await probeBackends();
  expect(reports[0]).toEqual({
    name: 'metal',
    priority: 1000,
    available: false,
    reason: 'libtorch was not found',
    fix: 'pip install torch',
  });
  expect(reports.map(({ name }) => name)).toEqual(expect.arrayContaining(['cpu', 'wasm']));
  expect(reports.find(({ name }) => name === 'cpu')).toMatchObject({ available: true, priority: 0 });
});
