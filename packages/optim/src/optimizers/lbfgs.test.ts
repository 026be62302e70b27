import { OptimWrapper, LBFGS, SGD, type Optimizer } from '../index.js';
import {
  expectNoLeak,
  tf,
  toHostArray,
  toTensor,
  type ParamRef,
  type Scalar,
  type Tensor,
  type TensorState,
} from '@engine/tensor';
import { describe, expect, it } from 'vitest';

function parameter(values: number[], name = 'w'): ParamRef {
  const variable = tf.tidy(() => tf.variable(tf.tensor1d(values)));
  return { name, leaf: name, variable, requiresGrad: true, layout: 'none', ownerKind: 'other' };
}

/** Σ k·(x_k − k)² + Σ (x_k − k)⁴ with its gradient, worked out by hand. */
function bowl({ variable }: ParamRef): { loss: Scalar; grads: Map<typeof variable, Tensor> } {
  const k = tf.range(1, variable.size + 1);
  const distance = tf.sub(variable, k);
  const loss = tf.sum(tf.add(tf.mul(k, tf.square(distance)), tf.pow(distance, 4))) as Scalar;
  const grad = tf.add(tf.mul(tf.mul(k, distance), 2), tf.mul(tf.pow(distance, 3), 4));
  return { loss, grads: new Map([[variable, grad]]) };
}

function throughFile(optimizer: Optimizer): TensorState {
  const { tensors, json } = optimizer.stateDict();
  const copies = Object.entries(tensors).map(([name, t]) => [name, toTensor(toHostArray(t))] as const);
  return { tensors: Object.fromEntries(copies), json: JSON.parse(JSON.stringify(json)) };
}

const step = (optimizer: Optimizer, param: ParamRef): number =>
  tf.tidy(() => (optimizer.step(() => bowl(param)) as Scalar).dataSync()[0]!);

describe('LBFGS', () => {
  it('finds the bottom of a bowl in a few steps, and returns the loss before each', () => {
    const param = parameter([3, -2, 5, 0]);
    const optimizer = new LBFGS([param], { lineSearchFn: 'strong_wolfe', maxIter: 10 });
    const losses = [0, 1, 2].map(() => step(optimizer, param));
    expect(losses[0]).toBeCloseTo(4 + 32 + 12 + 64 + 16 + 256 + 16 + 256, 2);
    expect(losses[2]).toBeLessThan(1e-6);
    [...param.variable.dataSync()].forEach((value, i) => expect(value).toBeCloseTo(i + 1, 3));
  });

  it('climbs the negative of a loss as it descends the loss', () => {
    for (const lineSearchFn of ['strong_wolfe', null] as const) {
      const [down, up] = [parameter([3, -2]), parameter([3, -2])];
      const options = { lr: 0.05, maxIter: 4, lineSearchFn };
      const [descent, climb] = [new LBFGS([down], options), new LBFGS([up], { ...options, maximize: true })];
      for (let i = 0; i < 3; i++) {
        const wanted = step(descent, down);
        const got = tf.tidy(() => {
          const negative = (): ReturnType<typeof bowl> => {
            const { loss, grads } = bowl(up);
            return { loss: tf.neg(loss), grads: new Map([...grads].map(([v, grad]) => [v, tf.neg(grad)])) };
          };
          return (climb.step(negative) as Scalar).dataSync()[0]!;
        });
        expect(got).toBe(-wanted);
        expect([...up.variable.dataSync()]).toEqual([...down.variable.dataSync()]);
      }
    }
  });

  it('resumes to the bit, with a history that has begun to forget', () => {
    expectNoLeak(() => {
      const options = { lr: 0.05, maxIter: 2, historySize: 2 };
      const param = parameter([3, -2, 5]);
      const idle = parameter([1], 'a');
      const optimizer = new LBFGS([param, idle], options);
      for (let i = 0; i < 3; i++) step(optimizer, param);
      const middle = [...param.variable.dataSync()];
      const state = throughFile(optimizer);
      expect(Object.keys(state.tensors)).toContain('a.old_dirs.1');
      for (let i = 0; i < 3; i++) step(optimizer, param);
      const end = [...param.variable.dataSync()];

      const again = parameter(middle);
      // In another order, beside one that the loss does not depend on.
      const resumed = new LBFGS([idle, again], options);
      resumed.loadStateDict(state);
      for (let i = 0; i < 3; i++) step(resumed, again);
      expect([...again.variable.dataSync()]).toEqual(end);
      tf.dispose(Object.values(state.tensors));
      optimizer.dispose();
      resumed.dispose();
      tf.dispose([param.variable, idle.variable, again.variable]);
    });
  });

  it('does not move what is frozen, and keeps its state when the loss throws', () => {
    expectNoLeak(() => {
      const [free, frozen] = [parameter([3, 0]), { ...parameter([7], 'fixed'), requiresGrad: false }];
      const optimizer = new LBFGS([free, frozen], { maxIter: 3, lr: 0.1 });
      step(optimizer, free);
      expect([...frozen.variable.dataSync()]).toEqual([7]);
      const before = Object.keys(optimizer.stateDict().tensors);
      expect(() =>
        optimizer.step(() => {
          throw new Error('no loss');
        }),
      ).toThrow('no loss');
      expect(Object.keys(optimizer.stateDict().tensors)).toEqual(before);
      optimizer.dispose();
      tf.dispose([free.variable, frozen.variable]);
    });
  });

  it('names what it cannot do', () => {
    const param = parameter([1]);
    const optimizer = new LBFGS([param]);
    expect(() => optimizer.step(new Map())).toThrow(/E_OPTIM_CLOSURE/);
    expect(() => new OptimWrapper(optimizer, { accumulativeCounts: 2 })).toThrow(
      /E_CONFIG_VALUE[^]*accumulativeCounts/,
    );
    expect(() => new LBFGS([{ params: [param] }, { params: [parameter([2], 'v')] }])).toThrow(/one group/);
    expect(() => new LBFGS([param], { lineSearchFn: 'wolfe' as never })).toThrow(/'strong_wolfe' or null/);
  });
});

it('any optimizer takes a function that evaluates the loss', () => {
  const [a, b] = [parameter([3, 0]), parameter([3, 0])];
  const [byClosure, byGradients] = [new SGD([a], { lr: 0.1 }), new SGD([b], { lr: 0.1 })];
  expect(step(byClosure, a)).toBeCloseTo(4 + 16 + 8 + 16, 5);
  tf.tidy(() => byGradients.step(bowl(b).grads));
  expect([...a.variable.dataSync()]).toEqual([...b.variable.dataSync()]);
});
