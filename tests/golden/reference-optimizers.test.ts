import { readFileSync } from 'node:fs';

import '@engine/backend-torch';
import '@engine/backend-wasm';
import { OPTIMIZERS } from '@engine/core';
import type { Optimizer } from '@engine/optim';
import '@engine/optim';
import '@engine/optim-8bit';
import '@engine/optim-dadaptation';
import '@engine/optim-extra';
import '@engine/optim-lion';
import { SophiaOptimizer } from '@engine/optim-sophia';
import { expectNoLeak, probeBackends, selectDevice, tf, type ParamRef, type Tensor } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

interface Case {
  name: string;
  type: string;
  options: Record<string, unknown>;
}

interface Golden<C> {
  shapes: number[][];
  init: number[][];
  grads: (number[] | null)[][];
  cases: C[];
}

type Trajectories = Golden<Case & { expected: number[][][] }> & { steps: number; recorded: number[] };
type Quantised = Golden<Case & { expected: number[][]; states: Record<string, number[]>[] }> & {
  min8bitSize: number;
};

/** Made by tools/reference_optimizers.py. */
const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`./reference/${name}.json`, import.meta.url), 'utf8')) as T;

/** Rounding in float32 over a trajectory. */
const RTOL = 1e-5;
const ATOL = 1e-6;

function camelCase(options: Record<string, unknown>): Record<string, unknown> {
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
}

function parameters({ init, shapes }: Golden<unknown>, count: number): ParamRef[] {
  return init.slice(0, count).map((values, i) => ({
    name: `param${i}`,
    leaf: `param${i}`,
    variable: tf.tidy(() => tf.variable(tf.tensor(values, shapes[i]))),
    requiresGrad: true,
    layout: 'none',
    ownerKind: 'other',
  }));
}

function gradients({ grads, shapes }: Golden<unknown>, step: number, params: readonly ParamRef[]) {
  return new Map(
    params.flatMap(({ variable }, i) => {
      const values = grads[step]![i];
      return values ? [[variable, tf.tensor(values, shapes[i])] as const] : [];
    }),
  );
}

function expectClose(got: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(got.length, what).toBe(expected.length);
  expected.forEach((value, k) => {
    const error = Math.abs(got[k]! - value);
    expect(error, `${what}[${k}]: ${got[k]} for ${value}`).toBeLessThanOrEqual(ATOL + RTOL * Math.abs(value));
  });
}

const backends = await probeBackends();
// Only libtorch may be absent.
const devices = ['cpu', 'wasm', 'torch'].filter(
  (device) => device !== 'torch' || backends.find(({ name }) => name === device)?.available,
);

describe.each(devices)('optimizers follow the packages they are named after, on %s', (device) => {
  beforeAll(() => selectDevice(device));

  it('Adam rounds 1 - beta once: it is small, and what rounding beta leaves of it is not', () => {
    expectNoLeak(() => {
      const [param] = parameters({ init: [[0]], shapes: [[1]] } as never, 1);
      const optimizer = OPTIMIZERS.build<Optimizer>({ type: 'Adam', lr: 0.1 }, { args: [[param]] });
      tf.tidy(() => optimizer.step(new Map([[param!.variable, tf.tensor([1])]])));
      const { tensors } = optimizer.stateDict();
      const [mean, square] = ['exp_avg', 'exp_avg_sq'].map((name) => tensors[`param0.${name}`]!.dataSync()[0]!);
      expect(Math.abs(mean! / 0.1 - 1)).toBeLessThan(1e-7);
      expect(Math.abs(square! / 0.001 - 1)).toBeLessThan(1e-7);
      optimizer.dispose();
      param!.variable.dispose();
    });
  });

  const golden = read<Trajectories>('optimizers');
  for (const { name, type, options, expected } of golden.cases) {
    it(`${name}: ${JSON.stringify(options)}`, () => {
      expectNoLeak(() => {
        const params = parameters(golden, expected[0]!.length);
        const optimizer = OPTIMIZERS.build<Optimizer>({ type, ...camelCase(options) }, { args: [params] });
        for (let step = 0; step < golden.steps; step++) {
          const grads = gradients(golden, step, params);
          if (optimizer instanceof SophiaOptimizer && step % 5 === 0) optimizer.updateHessian(grads);
          optimizer.step(grads);
          for (const grad of grads.values()) grad.dispose();
          const at = golden.recorded.indexOf(step);
          expected[at]?.forEach((values, i) =>
            expectClose(params[i]!.variable.dataSync(), values, `step ${step}, param${i}`),
          );
        }
        optimizer.dispose();
        for (const { variable } of params) variable.dispose();
      });
    });
  }
});

describe.each(devices)('optimizers with 8-bit state hold the bytes of bitsandbytes, on %s', (device) => {
  beforeAll(() => selectDevice(device));
  const golden = read<Quantised>('optimizers-8bit');
  /** The bytes that an int32 tensor of codes holds. */
  const codes = (tensor: Tensor, size: number): Uint8Array =>
    new Uint8Array((tensor.dataSync() as Int32Array).slice().buffer).subarray(0, size);

  for (const { name, type, options, expected, states } of golden.cases) {
    it(`${name}: ${JSON.stringify(options)}`, () => {
      expectNoLeak(() => {
        const params = parameters(golden, expected.length);
        const { min8bitSize } = golden;
        const config = { type, min8bitSize, ...camelCase(options) };
        const optimizer = OPTIMIZERS.build<Optimizer>(config, { args: [params] });
        golden.grads.forEach((_, step) => {
          const grads = gradients(golden, step, params);
          optimizer.step(grads);
          for (const grad of grads.values()) grad.dispose();
        });
        const { tensors } = optimizer.stateDict();
        params.forEach((param, i) => {
          expectClose(param.variable.dataSync(), expected[i]!, param.name);
          const held = Object.keys(tensors).filter((key) => key.startsWith(`${param.name}.`));
          expect(held.sort()).toEqual(Object.keys(states[i]!).map((key) => `${param.name}.${key}`).sort());
          for (const [key, values] of Object.entries(states[i]!)) {
            const got = tensors[`${param.name}.${key}`]!;
            if (got.dtype === 'int32') expect([...codes(got, values.length)], key).toEqual(values);
            else expectClose(got.dataSync(), values, `${param.name}.${key}`);
          }
        });
        optimizer.dispose();
        for (const { variable } of params) variable.dispose();
      });
    });
  }
});
