import { OPTIMIZERS, RandomStream } from '@engine/core';
import type { Optimizer } from '@engine/optim';
import '@engine/optim';
import '@engine/optim-8bit';
import '@engine/optim-dadaptation';
import '@engine/optim-extra';
import '@engine/optim-lion';
import '@engine/optim-sophia';
import {
  expectNoLeak,
  tf,
  toHostArray,
  toTensor,
  type ParamRef,
  type Tensor,
  type TensorState,
} from '@engine/tensor';
import { describe, expect, it } from 'vitest';

/** What an optimizer cannot do without. */
function required(type: string): object {
  return /^(bnb_)?(SGD|LARS)(8bit|32bit)?$/.test(type) && type !== 'SGD' && type !== 'LARS'
    ? { lr: 0.1, momentum: 0.9 }
    : {};
}

/** Every registered optimizer that takes gradients; LBFGS, which evaluates the loss itself, has a test of its own. */
const TYPES = OPTIMIZERS.list(true)
  .map(({ name }) => name)
  .filter((name) => name !== 'LBFGS');

const SHAPES = [[12, 20], [7], [3, 2, 3]];

/** Parameters and gradients that are the same in every call. */
function parameters(): ParamRef[] {
  return SHAPES.map((shape, i) => ({
    name: `layer${i}.weight`,
    leaf: 'weight',
    variable: tf.tidy(() => tf.variable(random(shape, 'init', i))),
    requiresGrad: true,
    layout: 'none',
    ownerKind: 'other',
  }));
}

function random(shape: number[], purpose: string, ...keys: number[]): Tensor {
  const stream = RandomStream.of(7, purpose, ...keys);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => stream.uniform(-1, 1)),
    shape,
  );
}

function run(optimizer: Optimizer, params: ParamRef[], from: number, to: number): void {
  for (let step = from; step < to; step++) {
    const grads = new Map(params.map((p, i) => [p.variable, random(SHAPES[i]!, 'grad', step, i)]));
    if ('updateHessian' in optimizer && step % 2 === 0) {
      (optimizer as Optimizer & { updateHessian(grads: ReadonlyMap<unknown, Tensor>): void }).updateHessian(
        grads,
      );
    }
    optimizer.step(grads);
    for (const grad of grads.values()) grad.dispose();
  }
}

/** A state as it comes back from a file. */
function throughFile(optimizer: Optimizer): TensorState {
  const { tensors, json } = optimizer.stateDict();
  const copies = Object.entries(tensors).map(
    ([name, tensor]) => [name, toTensor(toHostArray(tensor))] as const,
  );
  return { tensors: Object.fromEntries(copies), json: JSON.parse(JSON.stringify(json)) };
}

const values = (params: ParamRef[]): number[][] => params.map(({ variable }) => [...variable.dataSync()]);

describe('every registered optimizer', () => {
  it('is here with those of torch.optim and of the plugins', () => {
    expect(TYPES).toEqual(
      expect.arrayContaining(['SGD', 'SparseAdam', 'Lion', 'PagedAdEMAMix8bit', 'Muon', 'DAdaptAdan']),
    );
  });

  for (const type of TYPES) {
    const options = required(type);
    const build = (params: ParamRef[]): Optimizer => {
      // Small parameters would have float32 state: here they are to be quantised.
      const small = type.endsWith('8bit') ? { min8bitSize: 16 } : {};
      return OPTIMIZERS.build<Optimizer>({ type, ...options, ...small }, { args: [params] });
    };

    it(`${type} moves parameters, resumes to the bit and leaves nothing behind`, () => {
      expectNoLeak(() => {
        const params = parameters();
        const start = values(params);
        const optimizer = build(params);
        run(optimizer, params, 0, 3);
        const middle = values(params);
        const state = throughFile(optimizer);
        run(optimizer, params, 3, 6);
        const end = values(params);
        expect(end).not.toEqual(start);
        expect(end.flat().every(Number.isFinite)).toBe(true);
        optimizer.dispose();

        tf.tidy(() => params.forEach(({ variable }, i) => variable.assign(tf.tensor(middle[i]!, SHAPES[i]))));
        const resumed = build(params);
        resumed.loadStateDict(state);
        for (const tensor of Object.values(state.tensors)) tensor.dispose();
        expect(resumed.stepCount).toBe(3);
        run(resumed, params, 3, 6);
        expect(values(params)).toEqual(end);
        resumed.dispose();
        for (const { variable } of params) variable.dispose();
      });
    });

    it(`${type} names an unknown option and a bad value`, () => {
      const params = parameters();
      expect(() => OPTIMIZERS.build({ type, ...options, lrr: 1 } as never, { args: [params] })).toThrow(
        /E_CONFIG_UNKNOWN_KEY[^]*'lrr'[^]*did you mean 'lr'/,
      );
      expect(() => OPTIMIZERS.build({ type, ...options, lr: -1 } as never, { args: [params] })).toThrow(
        /E_CONFIG_VALUE[^]*\.lr = -1/,
      );
      for (const { variable } of params) variable.dispose();
    });
  }
});
