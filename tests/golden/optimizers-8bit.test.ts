import { readFileSync } from 'node:fs';

import { OPTIMIZERS, type HostArray } from '@engine/core';
import { readSafetensors } from '@engine/fileio';
import type { Optimizer } from '@engine/optim';
import { SIGNED_MAP, UNSIGNED_MAP } from '@engine/optim-8bit';
import { tf, toTensor, type ParamRef, type Tensor } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { goldenPath, readGolden } from './golden.js';

interface Case {
  name: string;
  type: string;
  options: Record<string, unknown>;
  file: string;
  steps: number;
  recorded_steps: number[];
}

const { cases, ...maps } = readGolden<{ cases: Case[]; qmap_signed?: number[]; qmap_unsigned?: number[] }>(
  'optimizers_8bit.json',
);

/** Rounding in float32 over a trajectory. */
const RTOL = 1e-5;
const ATOL = 1e-6;

function camelCase(options: Record<string, unknown>): Record<string, unknown> {
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
}

function parameter(name: string, value: HostArray): ParamRef {
  const variable = tf.tidy(() => tf.variable(toTensor(value)));
  return { name, leaf: name, variable, requiresGrad: true, layout: 'none', ownerKind: 'other' };
}

function expectClose(got: ArrayLike<number>, wanted: HostArray, what: string): void {
  expect(got.length, what).toBe(wanted.data.length);
  for (let i = 0; i < got.length; i++) {
    const value = Number(wanted.data[i]);
    const error = Math.abs(got[i]! - value);
    if (!(error <= ATOL + RTOL * Math.abs(value))) expect.fail(`${what}[${i}]: ${got[i]} for ${value}`);
  }
}

/** The bytes that an int32 tensor of codes holds. */
function codesOf(tensor: Tensor, size: number): Uint8Array {
  return new Uint8Array((tensor.dataSync() as Int32Array).slice().buffer).subarray(0, size);
}

/** A number halfway between two codes may round to either; nothing else may differ. */
function expectSameCodes(got: Uint8Array, wanted: Uint8Array, what: string): void {
  const distances = [...wanted].map((code, i) => Math.abs(got[i]! - code));
  expect(Math.max(...distances), what).toBeLessThanOrEqual(1);
  expect(distances.filter((d) => d > 0).length, what).toBeLessThanOrEqual(wanted.length / 1000);
}

describe('8-bit optimizers follow bitsandbytes', () => {
  it.skipIf(!maps.qmap_signed)('has the same dynamic maps', () => {
    expect([...SIGNED_MAP.values]).toEqual(maps.qmap_signed!.map(Math.fround));
    expect([...UNSIGNED_MAP.values]).toEqual(maps.qmap_unsigned!.map(Math.fround));
  });

  for (const c of cases) {
    it(c.name, () => {
      const { tensors } = readSafetensors(Uint8Array.from(readFileSync(goldenPath(c.file))));
      const array = (name: string): HostArray => {
        const found = tensors[name];
        if (!found) throw new Error(`${c.file} has no tensor '${name}'`);
        return found;
      };
      const count = Object.keys(tensors).filter((name) => name.startsWith('init.')).length;
      const params = Array.from({ length: count }, (_, i) => parameter(`param${i}`, array(`init.${i}`)));
      const optimizer = OPTIMIZERS.build<Optimizer>({ type: c.type, ...camelCase(c.options) }, { args: [params] });
      for (let step = 0; step < c.steps; step++) {
        const grads = new Map(params.map((p, i) => [p.variable, toTensor(array(`grad.${step}.${i}`))]));
        optimizer.step(grads);
        for (const grad of grads.values()) grad.dispose();
        if (!c.recorded_steps.includes(step)) continue;
        params.forEach(({ name, variable }) => {
          expectClose(variable.dataSync(), array(`step${step}.${name}`), `step ${step}, ${name}`);
        });
      }
      const state = optimizer.stateDict().tensors;
      let quantised = 0;
      for (const { name, variable } of params) {
        const last = `step${c.steps - 1}.${name}`;
        for (const k of [1, 2]) {
          const wanted = tensors[`${last}.state${k}`];
          if (!wanted) continue;
          const got = state[`${name}.state${k}`]!;
          if (wanted.dtype !== 'uint8') {
            expectClose(got.dataSync(), wanted, `${last}.state${k}`);
            continue;
          }
          quantised++;
          expectSameCodes(codesOf(got, variable.size), wanted.data as Uint8Array, `${last}.state${k}`);
          expectClose(state[`${name}.absmax${k}`]!.dataSync(), array(`${last}.absmax${k}`), `${last}.absmax${k}`);
        }
      }
      expect(quantised).toBeGreaterThan(0);
      optimizer.dispose();
      for (const { variable } of params) variable.dispose();
    });
  }
});
