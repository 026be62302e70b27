import '@engine/backend-torch';
import '@engine/backend-wasm';
import { OPTIMIZERS } from '@engine/core';
import type { Optimizer } from '@engine/optim';
import '@engine/optim-8bit';
import { probeBackends, selectDevice, tf, type ParamRef } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

/** Elements of the parameter; state in 8 bits takes a byte for each, and a float32 for 256 of them. */
const SIZE = 256 * 128;
const STATES: Readonly<Record<string, number>> = { AdamW: 2, Lion: 1, RMSprop: 1, AdEMAMix: 3 };

/** What the first update leaves in the backend's memory, in bytes. */
function stateBytes(type: string): number {
  const variable = tf.tidy(() => tf.variable(tf.ones([256, 128])));
  const param: ParamRef = {
    name: 'w',
    leaf: 'w',
    variable,
    requiresGrad: true,
    layout: 'none',
    ownerKind: 'other',
  };
  const optimizer = OPTIMIZERS.build<Optimizer>({ type }, { args: [[param]] });
  const before = tf.memory().numBytes;
  tf.tidy(() => optimizer.step(new Map([[variable, tf.fill([256, 128], 0.5)]])));
  const taken = tf.memory().numBytes - before;
  optimizer.dispose();
  variable.dispose();
  return taken;
}

const backends = await probeBackends();

describe.each(['cpu', 'wasm', 'torch'])('state in 8 bits on %s', (device) => {
  // Only libtorch may be absent.
  const absent = device === 'torch' && !backends.find(({ name }) => name === device)?.available;
  beforeAll(async () => {
    if (!absent) await selectDevice(device);
  });

  it.skipIf(absent).each(Object.entries(STATES))('takes a quarter of the memory: %s', (name, states) => {
    expect(stateBytes(name === 'AdEMAMix' ? name : `${name}32bit`)).toBe(states * SIZE * 4);
    expect(stateBytes(`${name}8bit`)).toBe(states * (SIZE + (SIZE / 256) * 4));
  });
});
