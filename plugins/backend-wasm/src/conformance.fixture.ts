import { RandomStream } from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';
import { expect } from 'vitest';
import { WasmBackend } from './wasm-backend.js';

/** A tensor on the host, so that each backend gets its own copy. */
export interface HostTensor {
  shape: number[];
  values: Float32Array | Int32Array;
}

/** Numbers from -1 to 1 that depend on `name` alone. */
export function random(name: string, shape: number[]): HostTensor {
  const stream = RandomStream.of(1, name);
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Float32Array.from({ length: size }, () => stream.uniform(-1, 1)) };
}

export type Computation = (inputs: Tensor[]) => Tensor | Tensor[];

async function on(
  backend: string,
  inputs: readonly HostTensor[],
  compute: Computation,
): Promise<HostTensor[]> {
  if (backend === 'cpu') await tf.setBackend('cpu');
  else await new WasmBackend().activate(backend.split(':')[1]);
  const before = tf.memory().numTensors;
  const results = tf.tidy(() => {
    const tensors = inputs.map(({ values, shape }) =>
      tf.tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32'),
    );
    const outputs = compute(tensors);
    return (Array.isArray(outputs) ? outputs : [outputs]).map((tensor) => ({
      shape: tensor.shape,
      values: Float32Array.from(tensor.dataSync()),
    }));
  });
  expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
  return results as HostTensor[];
}

/** Runs on wasm with so many threads. */
export function onWasm(
  threads: number,
  inputs: readonly HostTensor[],
  compute: Computation,
): Promise<HostTensor[]> {
  return on(`wasm:${threads}`, inputs, compute);
}

/** Runs on tfjs's cpu backend. */
export function onCpu(inputs: readonly HostTensor[], compute: Computation): Promise<HostTensor[]> {
  return on('cpu', inputs, compute);
}

/** Expects equal shapes and values that differ by at most `tolerance` times the largest expected one. */
export function expectClose(
  received: readonly HostTensor[],
  expected: readonly HostTensor[],
  tolerance = 1e-5,
): void {
  expect(received.map((t) => t.shape)).toEqual(expected.map((t) => t.shape));
  expected.forEach(({ values }, which) => {
    const scale = Array.from(values).reduce((most, v) => Math.max(most, Math.abs(v)), 1e-3);
    let worst = 0;
    values.forEach((value, i) => {
      const difference = Math.abs(received[which]!.values[i]! - value);
      if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
    });
    expect(worst / scale, `output ${which}`).toBeLessThan(tolerance);
  });
}

/** Expects wasm, on one thread and on three, to compute what the cpu backend does, and the same bits on both. */
export async function expectLikeCpu(
  inputs: readonly HostTensor[],
  compute: Computation,
  { tolerance = 1e-5, reference = compute }: { tolerance?: number; reference?: Computation } = {},
): Promise<void> {
  const expected = await onCpu(inputs, reference);
  const one = await onWasm(1, inputs, compute);
  expectClose(one, expected, tolerance);
  expect(await onWasm(3, inputs, compute), 'bits on three threads').toEqual(one);
}
