import { RandomStream } from '@engine/core';
import { randomNormal, tf, type Tensor } from '@engine/tensor';

import { TorchBackend } from './torch-backend.js';
import { whyNotBuilt } from './native.js';

/** Why the tests of this package cannot run here; undefined when they can. */
export const missing = whyNotBuilt();
if (missing !== undefined) process.stderr.write(`backend-torch: tests are skipped, ${missing}\n`);

export const useTorch = (): Promise<void> => new TorchBackend().activate();

/** Standard normal numbers that depend on the name only. */
export const draw = (shape: number[], name: string): Tensor => randomNormal(shape, RandomStream.of(5, name));

export const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync());

/** Largest difference, relative to the largest expected magnitude above 1. */
export function distance(received: readonly number[], expected: readonly number[]): number {
  if (received.length !== expected.length) return Infinity;
  const scale = expected.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 1);
  return received.reduce((most, value, i) => {
    const other = expected[i]!;
    if (Object.is(value, other) || (Number.isNaN(value) && Number.isNaN(other))) return most;
    const difference = Math.abs(value - other) / scale;
    return Number.isNaN(difference) ? Infinity : Math.max(most, difference);
  }, 0);
}

/** Evaluates on tfjs's own CPU backend. */
export async function onCpuBackend<T>(body: () => T): Promise<T> {
  await tf.setBackend('cpu');
  try {
    return body();
  } finally {
    await tf.setBackend('torch');
  }
}
